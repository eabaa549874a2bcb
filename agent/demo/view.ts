/** What the demo shows, from what agent and receiver say of themselves. Pure. */
import type { AgentStatus } from '../status/status.ts';
import { size } from '../status/units.ts';

export interface Seen {
  readonly atMs: number;
  readonly agent: AgentStatus;
  readonly receiver: AgentStatus | undefined;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** One collector stands for one file here. */
interface Row {
  readonly name: string;
  readonly read: number;
  readonly waiting: number;
  readonly acknowledged: number;
  readonly state: string;
}

const rowsAround = 12;

export function draw(now: Seen, before: Seen | undefined, screen: Size): string[] {
  const rows = rowsOf(now.agent);
  const shown = rows.slice(0, Math.max(3, screen.rows - rowsAround));
  const nameWidth = Math.max(24, Math.min(screen.columns - 54, Math.max(...shown.map((row) => row.name.length))));
  const line = (name: string, cells: readonly string[], state: string) =>
    `${shortened(name, nameWidth).padEnd(nameWidth)}${cells.map((cell) => cell.padStart(13)).join('')}  ${state}`;
  const table = [
    line('SOURCE', ['READ', 'WAITING', 'ACKNOWLEDGED'], 'STATE'),
    ...shown.map((row) => line(row.name, [row.read, row.waiting, row.acknowledged].map(size), row.state)),
  ];
  if (shown.length < rows.length) table.push(`… and ${rows.length - shown.length} more`);
  const sum = (key: 'read' | 'waiting' | 'acknowledged') => size(rows.reduce((total, row) => total + row[key], 0));
  table.push(line(`${rows.length} sources`, [sum('read'), sum('waiting'), sum('acknowledged')], ''));
  return [...table, '', ...spoolLines(now, before), ...problemLines(now)].map((text) => text.slice(0, screen.columns));
}

/** One line, for where nothing can be redrawn. */
export function summary({ agent }: Seen): string {
  const rows = rowsOf(agent);
  const sum = (key: 'read' | 'waiting' | 'acknowledged') => size(rows.reduce((total, row) => total + row[key], 0));
  return `${rows.length} sources: read ${sum('read')}, waiting ${sum('waiting')}, acknowledged ${sum('acknowledged')}`;
}

/** Whether everything that was read has been acknowledged, and there is something. */
export function allArrived({ agent }: Seen): boolean {
  const rows = rowsOf(agent);
  const behind = agent.collectors.some((collector) => collector.lagBytes > 0);
  return !behind && rows.some((row) => row.read > 0) && rows.every((row) => row.waiting === 0);
}

function rowsOf(agent: AgentStatus): Row[] {
  const shipped = agent.shippers[0]?.totals.collectors ?? {};
  return agent.collectors
    .map((collector) => {
      const source = collector.sources[0];
      const acknowledged = shipped[collector.name]?.acknowledged.bytes ?? 0;
      const read = collector.readTotal.bytes;
      const state = source === undefined ? 'empty' : (source.reason ?? source.state.replace('_', ' '));
      return { name: source?.name ?? collector.name, read, waiting: read - acknowledged, acknowledged, state };
    })
    .sort((a, b) => b.read - a.read || (a.name < b.name ? -1 : 1));
}

function spoolLines(now: Seen, before: Seen | undefined): string[] {
  const { spool } = now.agent;
  const ratio =
    spool.spooledBytesTotal === 0 ? '' : `, ${(spool.rawBytesTotal / spool.spooledBytesTotal).toFixed(1)}:1 compressed`;
  const seconds = before === undefined ? 0 : (now.atMs - before.atMs) / 1000;
  const rate = (of: (agent: AgentStatus) => number) =>
    before === undefined || seconds <= 0 ? '…' : `${size(Math.max(0, (of(now.agent) - of(before.agent)) / seconds))}/s`;
  const read = rate((agent) => agent.collectors.reduce((sum, each) => sum + each.readTotal.bytes, 0));
  const sent = rate((agent) => agent.shippers[0]?.wireBytes ?? 0);
  const memory = (status: AgentStatus) => size(status.process.residentBytes);
  const receiver =
    now.receiver === undefined
      ? 'starting'
      : `${size(now.receiver.spool.bytes)} in its spool, ${memory(now.receiver)} of memory`;
  return [
    `spool     ${size(spool.bytes)} on disk${ratio}`,
    `rate      ${read} read, ${sent} sent`,
    `agent     ${memory(now.agent)} of memory, ${now.agent.process.cpuSeconds.toFixed(1)} s of CPU`,
    `receiver  ${receiver}`,
  ];
}

function problemLines({ agent, receiver }: Seen): string[] {
  return [...agent.problems, ...(receiver?.problems ?? [])]
    .slice(0, 3)
    .map((problem) => `! ${problem.part}: ${problem.message}`);
}

/** The end of a path tells more than its beginning. */
function shortened(text: string, width: number): string {
  return text.length <= width ? text : `…${text.slice(text.length - width + 1)}`;
}
