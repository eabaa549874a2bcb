/** An agent that has a large backlog starts again: how soon does its first batch leave, and does its memory know of the backlog? */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { bytesOf, countArrived, recordsOf } from '../arrived.ts';
import type { Measured, Part } from '../figures.ts';
import { usageFigures } from '../measure.ts';
import { gib, mib, sizeText } from '../numbers.ts';
import type { Options } from '../options.ts';
import { openPassage } from '../passage.ts';
import { freePort, startAgent, startReceiver, untilAcknowledged, untilStatus } from '../program.ts';
import { type Made, makeText, repeatText } from '../texts/text.ts';

/** More is made by repeating. */
const textBytesMax = gib;

export function backlog(folder: string, options: Options): Part {
  const log = makeBacklog(folder, options);
  return {
    name: 'backlog',
    title: `${sizeText(log.bytes)} of log in the spool, the agent starts again`,
    notes: [
      'first batch: from the start of the process until it begins to be sent; CPU, memory and disk: of the whole process, start-up included',
    ],
    round: (round) => oneBacklog(join(folder, `round-${round}`), log),
  };
}

function makeBacklog(folder: string, { bytes, seed }: Options): Made {
  const times = Math.ceil(bytes / textBytesMax);
  const text = makeText(join(folder, 'text.log'), 'nginx', bytes / times, seed);
  return times === 1 ? text : repeatText(join(folder, 'backlog.log'), text, times);
}

async function oneBacklog(folder: string, log: Made): Promise<Measured[]> {
  fs.mkdirSync(folder);
  const port = await freePort();
  let firstAt: number | undefined;
  await using passage = await openPassage(port, (begins) => {
    if (begins.startsWith('POST ')) firstAt ??= performance.now();
  });
  // Nobody listens on `port` yet.
  const settings = { include: [log.path], to: { central: passage.port } };
  const filled = await fill(folder, settings, log);
  await using receiver = await startReceiver(folder, { port });
  await using agent = startAgent(folder, { ...settings, warm: true });
  await untilAcknowledged(agent, log.bytes);
  const seconds = (performance.now() - agent.startedAt) / 1000;
  const [usage, taken] = [agent.watch.take(), receiver.watch.take()];
  const [sent, held] = [await agent.status(), await receiver.status()];
  await agent.stop();
  await receiver.stop();
  const arrived = await countArrived([bytesOf(log.path)], recordsOf(receiver.dataDir));
  fs.rmSync(folder, { recursive: true });
  const speed = { megabytesPerSecond: log.bytes / 1e6 / seconds };
  const wireMib = (sent.shippers[0]?.wireBytes ?? 0) / mib;
  const firstBatchMs = (firstAt ?? Number.NaN) - agent.startedAt;
  return [
    filled,
    {
      way: 'agent: started again with all of it',
      figures: { ...speed, ...usageFigures(usage, log), firstBatchMs, wireMib, fsyncs: sent.spool.syncs },
      ...arrived,
    },
    {
      way: 'receiver meanwhile',
      figures: { ...speed, ...usageFigures(taken, log), fsyncs: held.spool.syncs },
      ...arrived,
    },
  ];
}

/** Reads everything while no receiver is there; ends cleanly. */
async function fill(folder: string, settings: Parameters<typeof startAgent>[1], log: Made): Promise<Measured> {
  await using agent = startAgent(folder, settings);
  const read = await untilStatus(agent, 'the log to be read', ({ collectors, spool }) => {
    const bytes = collectors[0]?.totals.spooled.bytes ?? 0;
    return bytes >= log.bytes && spool.durable === spool.end;
  });
  const seconds = (performance.now() - agent.startedAt) / 1000;
  const usage = agent.watch.take();
  await agent.stop();
  const speed = { megabytesPerSecond: log.bytes / 1e6 / seconds };
  return {
    way: 'agent: reads it, no receiver there',
    figures: { ...speed, ...usageFigures(usage, log), fsyncs: read.spool.syncs },
  };
}
