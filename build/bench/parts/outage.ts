/** A receiver goes away while lines come at 10 MB/s, and comes back; another receiver stays. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { AgentStatus } from '../../../agent/status/status.ts';
import { countArrived, cyclic, recordsOf, sameBytes } from '../arrived.ts';
import type { Figures, Measured, Part } from '../figures.ts';
import { gib, mib } from '../numbers.ts';
import type { Options } from '../options.ts';
import {
  freePort,
  type Running,
  sleep,
  startAgent,
  startReceiver,
  untilAcknowledged,
  untilStatus,
} from '../program.ts';
import { SteadyWriter } from '../steady-writer.ts';
import { type Made, makeText } from '../texts/text.ts';
import { beginWindow } from '../window.ts';

const bytesPerSecond = 10e6;
const textBytes = 64 * mib;
const settleMs = 3000;
const normalSeconds = 10;
/** The receiver that was away has caught up when so little waits. */
const waitingBytesMax = bytesPerSecond;

type Name = 'central' | 'other';

export function outage(folder: string, options: Options): Part {
  const text = makeText(join(folder, 'text.log'), 'nginx', Math.min(textBytes, options.bytes), options.seed);
  return {
    name: 'outage',
    title: `${bytesPerSecond / 1e6} MB/s to two receivers; one is gone for ${options.seconds} s, comes back and is drained to, while lines come on`,
    notes: [
      'MB/s: what that receiver confirmed; memory and disk: of the agent in that time; lag: age of the oldest line that waits, at its end',
      'retry_max is 1s here, so that the return is noticed at once',
    ],
    round: (round) => oneOutage(join(folder, `round-${round}`), text, options),
  };
}

async function oneOutage(folder: string, text: Made, options: Options): Promise<Measured[]> {
  fs.mkdirSync(folder);
  const [centralPort, otherPort] = [await freePort(), await freePort()];
  const startCentral = () => startReceiver(folder, { port: centralPort, name: 'central' });
  const log = join(folder, 'steady.log');
  using writer = new SteadyWriter(log, text, bytesPerSecond, options.long ? gib : undefined);
  await using other = await startReceiver(folder, { port: otherPort, name: 'other' });
  await using firstCentral = await startCentral();
  const to: Record<Name, number> = { central: centralPort, other: otherPort };
  await using agent = startAgent(folder, { include: [log], to, retryMax: '1s' });
  await agent.status();
  writer.start();
  await sleep(settleMs);
  const measured = [...(await phase(agent, 'before', () => sleep(normalSeconds * 1000)))];
  await firstCentral.stop();
  measured.push(...(await phase(agent, 'outage', () => sleep(options.seconds * 1000))));
  const returned = performance.now();
  await using central = await startCentral();
  measured.push(...(await phase(agent, 'drain', () => untilCaughtUp(agent))));
  const drainSeconds = (performance.now() - returned) / 1000;
  writer.stop();
  await untilAcknowledged(agent, writer.bytes, 'central');
  await untilAcknowledged(agent, writer.bytes, 'other');
  await Promise.all([agent.stop(), central.stop(), other.stop()]);
  const written = cyclic(text.path, writer.bytes);
  const [atCentral, atOther] = [await check(central, written), await check(other, written)];
  fs.rmSync(folder, { recursive: true });
  const checked = { goes: atCentral, stays: atOther };
  return measured.map(({ receiver, phase: label, figures }) => ({
    way: `to the one that ${receiver}: ${label}${checked[receiver].order}`,
    figures: receiver === 'goes' && label === 'drain' ? { ...figures, drainSeconds } : figures,
    ...checked[receiver].count,
  }));
}

async function untilCaughtUp(agent: Running): Promise<void> {
  const waiting = ({ shippers }: AgentStatus) => shippers.find(({ name }) => name === 'central')?.waiting.bytes ?? 0;
  await untilStatus(
    agent,
    'the drain',
    (status) => waiting(status) < waitingBytesMax,
    () => 250,
  );
}

interface Flow {
  readonly receiver: 'goes' | 'stays';
  readonly phase: string;
  readonly figures: Figures;
}

/** A row for each of the two receivers; what the agent took is in the first. */
async function phase(agent: Running, label: string, during: () => Promise<void>): Promise<Flow[]> {
  const before = await agent.status();
  const window = await beginWindow(agent);
  const start = performance.now();
  await during();
  const seconds = (performance.now() - start) / 1000;
  const cost = await window.end();
  const after = await agent.status();
  const flow = (name: Name): Figures => ({
    megabytesPerSecond: (acknowledged(after, name) - acknowledged(before, name)) / 1e6 / seconds,
    lagSeconds: lagSeconds(after, name),
  });
  return [
    { receiver: 'goes', phase: label, figures: { ...cost, ...flow('central') } },
    { receiver: 'stays', phase: label, figures: flow('other') },
  ];
}

function acknowledged({ shippers }: AgentStatus, name: Name): number {
  return shippers.find((one) => one.name === name)?.totals.collectors.logs?.acknowledged.bytes ?? 0;
}

function lagSeconds({ at, shippers }: AgentStatus, name: Name): number {
  const oldest = shippers.find((one) => one.name === name)?.oldestWaitingAt;
  return oldest === undefined ? 0 : Math.max(0, at - oldest) / 1000;
}

/** In the order in which it was written means: the oldest came first. */
async function check({ dataDir }: Running, written: ReturnType<typeof cyclic>) {
  const arrived = recordsOf(dataDir);
  if (await sameBytes(written(), arrived())) return { count: { lost: 0, duplicated: 0 }, order: '' };
  return { count: await countArrived([written], arrived), order: ' (OUT OF ORDER)' };
}
