/**
 * The status for people: one line for each collector, for the spool and for each shipper; then what is wrong, with its
 * cause, since when, what waits, and what to do. Pure.
 */

import type { AgentStatus, CollectorShown, ShipperShown, ShownProblem } from './status.ts';
import { sumOf } from './tallies.ts';
import { ago, count, duration, size } from './units.ts';

/** What `tailspool status` prints. Ends without a line feed. */
export function statusText(status: AgentStatus): string {
  return [
    headline(status),
    '',
    ...status.collectors.map((one) => collectorLine(one, status)),
    spoolLine(status),
    ...status.shippers.map((one) => shipperLine(one, status)),
    ...problemLines(status),
  ].join('\n');
}

/** What `/healthz` answers: one line, then the red problems. */
export function healthText(status: AgentStatus): string {
  if (!status.red) return 'ok';
  return ['red', ...status.problems.filter(({ red }) => red).flatMap((one) => problemText(one, status))].join('\n');
}

function headline(status: AgentStatus): string {
  const { pid, version, startedAt, hostName } = status.process;
  const verdict = status.red ? 'RED' : status.problems.length > 0 ? 'ok, with problems' : 'ok';
  return `tailspool ${version} on ${hostName}: ${verdict}. pid ${pid}, up ${duration(status.at - startedAt)}, data in ${status.dataDir}`;
}

function collectorLine(one: CollectorShown, status: AgentStatus): string {
  const states = Object.entries(one.sourceStates).map(([state, number]) => `${number} ${state.replace('_', ' ')}`);
  const lag = one.lagBytes === 0 ? 'all read' : `${size(one.lagBytes)} to read (${duration(one.lagMs)} behind)`;
  const dropped = sumOf(one.totals.dropped);
  const last = Math.max(0, ...one.sources.map(({ lastReadAt }) => lastReadAt ?? 0));
  return [
    `collector ${one.name} (${one.type}): read ${count(one.readTotal.records, 'record')}, ${size(one.readTotal.bytes)}`,
    lag,
    ...(last > 0 ? [`last ${ago(status.at - last)}`] : []),
    ...(dropped.records + dropped.bytes > 0 ? [`passed over ${reasons(one.totals.dropped)}`] : []),
    states.length > 0 ? `sources: ${states.join(', ')}` : 'no sources',
  ].join('; ');
}

function spoolLine({ spool }: AgentStatus): string {
  const ratio = spool.spooledBytesTotal > 0 ? (spool.rawBytesTotal / spool.spooledBytesTotal).toFixed(1) : '–';
  return [
    `spool: ${size(spool.bytes)} of ${size(spool.maxBytes)} in ${count(spool.segments, 'segment')}`,
    `${ratio}:1 compressed`,
    ...(spool.hold === undefined ? [] : [`holding: ${spool.hold.replaceAll('_', ' ')}`]),
    ...(spool.damagedBytes > 0 ? [`${size(spool.damagedBytes)} set aside as damaged`] : []),
    ...spool.recovered,
  ].join('; ');
}

function shipperLine(one: ShipperShown, status: AgentStatus): string {
  const flows = Object.values(one.totals.collectors);
  const acknowledged = sumOf(Object.fromEntries(flows.map((flow, index) => [index, flow.acknowledged])));
  const dropped = Object.entries(one.totals.collectors).filter(([, flow]) => sumOf(flow.dropped).bytes > 0);
  const oldest = one.oldestWaitingAt === undefined ? '' : ` (oldest ${duration(status.at - one.oldestWaitingAt)})`;
  const waiting =
    one.waiting.records === 0
      ? 'nothing waits'
      : `${count(one.waiting.records, 'record')}, ${size(one.waiting.bytes)} wait${oldest}`;
  return [
    `shipper ${one.name} (${one.type}) to ${one.destination}: ${one.state}${circuit(one)}`,
    `acknowledged ${count(acknowledged.records, 'record')}, ${size(acknowledged.bytes)}`,
    waiting,
    ...(one.lastAcknowledgedAt === undefined ? [] : [`last ${ago(status.at - one.lastAcknowledgedAt)}`]),
    ...dropped.map(([collector, flow]) => `dropped of ${collector}: ${reasons(flow.dropped)}`),
    ...(one.dead && one.dead.held.records > 0 ? [`${count(one.dead.held.records, 'dead letter')}`] : []),
  ].join('; ');
}

/** Why nothing goes out at the moment, and for how long at most. */
function circuit({ circuit, gauges }: ShipperShown): string {
  if (circuit === undefined || circuit === 'closed') return '';
  const failures = `failed ${gauges.failures_in_a_row ?? 0} times in a row`;
  if (circuit === 'half_open') return ` (circuit half open: ${failures}, tries again)`;
  return ` (circuit open: ${failures}, tries again within ${duration(gauges.retry_delay_ms ?? 0)})`;
}

function reasons(dropped: CollectorShown['totals']['dropped']): string {
  return Object.entries(dropped)
    .map(([reason, tally]) => `${size(tally?.bytes ?? 0)} (${reason.replaceAll('_', ' ')})`)
    .join(', ');
}

function problemLines(status: AgentStatus): string[] {
  if (status.problems.length === 0) return [];
  return ['', 'problems:', ...status.problems.flatMap((problem) => problemText(problem, status))];
}

function problemText(problem: ShownProblem, status: AgentStatus): string[] {
  const since = problem.since > 0 ? `for ${duration(status.at - problem.since)}` : 'since before the start';
  const waits = problem.waitingBytes ? `, ${size(problem.waitingBytes)} wait` : '';
  return [
    `${problem.red ? 'RED ' : ''}${problem.part}: ${problem.cause.replaceAll('_', ' ')} ${printable(problem.subject)} (${since}${waits})`,
    `    ${printable(problem.message)}`,
    ...(problem.hint ? [`    to do: ${problem.hint}`] : []),
  ];
}

/** Names come from outside: no control characters on a terminal. */
function printable(text: string): string {
  return text.toWellFormed().replace(/[\u0000-\u001f\u007f-\u009f]/g, '�');
}
