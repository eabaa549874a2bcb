/** A log on disk through agent and receiver as they are installed, until the agent has proof of everything. */
import * as fs from 'node:fs';
import { bytesOf, countArrived, recordsOf } from '../arrived.ts';
import type { Measured } from '../figures.ts';
import { usageFigures } from '../measure.ts';
import { mib } from '../numbers.ts';
import { freePort, startAgent, startReceiver, untilAcknowledged } from '../program.ts';
import type { Made } from '../texts/text.ts';
import { countSyncs } from '../trace.ts';

export interface How {
  /** The receiver writes its mirror too. */
  readonly out?: boolean;
  /** Syncs are counted by strace, which slows everything down. */
  readonly traced?: boolean;
  /** Another build than the one that is measured. */
  readonly executable?: string | undefined;
}

export async function wholePath(
  folder: string,
  log: Made,
  { out = false, traced = false, executable }: How = {},
): Promise<Measured[]> {
  fs.mkdirSync(folder);
  const port = await freePort();
  await using receiver = await startReceiver(folder, { port, out, executable });
  await using agent = startAgent(folder, { include: [log.path], to: { central: port }, executable });
  const syncs = traced ? [await countSyncs(agent.process.pid), await countSyncs(receiver.process.pid)] : [];
  await untilAcknowledged(agent, log.bytes);
  const seconds = (performance.now() - agent.startedAt) / 1000;
  const [agentUsage, receiverUsage] = [agent.watch.take(), receiver.watch.take()];
  const [sent, taken] = [await agent.status(), await receiver.status()];
  await agent.stop();
  await receiver.stop();
  const [agentSyncs = sent.spool.syncs, receiverSyncs = taken.spool.syncs] = await Promise.all(
    syncs.map((count) => count()),
  );
  const arrived = await countArrived([bytesOf(log.path)], recordsOf(receiver.dataDir));
  fs.rmSync(folder, { recursive: true });
  const speed = { megabytesPerSecond: log.bytes / 1e6 / seconds };
  return [
    {
      way: 'tailspool run (agent)',
      figures: {
        ...speed,
        ...usageFigures(agentUsage, log),
        wireMib: (sent.shippers[0]?.wireBytes ?? 0) / mib,
        fsyncs: agentSyncs,
      },
      ...arrived,
    },
    {
      way: 'tailspool receive',
      figures: { ...speed, ...usageFigures(receiverUsage, log), fsyncs: receiverSyncs },
      ...arrived,
    },
  ];
}
