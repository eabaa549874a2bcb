/** More comes for a while than anybody can take: is it all delivered, how long does it take to catch up, is latency as before then? */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { countArrived, cyclic, recordsOf } from '../arrived.ts';
import type { Measured, Part } from '../figures.ts';
import { usageFigures } from '../measure.ts';
import { mib } from '../numbers.ts';
import type { Options } from '../options.ts';
import { freePort, sleep, startAgent, startReceiver, untilAcknowledged } from '../program.ts';
import { openRelay } from '../relay.ts';
import { SteadyWriter } from '../steady-writer.ts';
import { type Made, makeText } from '../texts/text.ts';
import { TrickleWriter } from '../trickle-writer.ts';

const bytesPerSecond = 200e6;
const burstSecondsMax = 30;
const trickleLinesPerSecond = 100;
const trickleSeconds = 10;

export function burst(folder: string, options: Options): Part {
  const text = makeText(join(folder, 'text.log'), 'nginx', Math.min(options.bytes, 64 * mib), options.seed);
  const seconds = Math.min(options.seconds, burstSecondsMax);
  return {
    name: 'burst',
    title: `${bytesPerSecond / 1e6} MB/s for ${seconds} s into one file, beside one with ${trickleLinesPerSecond} lines/s`,
    notes: [
      'catch-up: from the end of the burst until all of it is acknowledged; latency: line written → durable at the receiver, of the file beside it',
      'a relay between the two looks into each batch for that, which slows the catching up',
    ],
    round: (round) => oneBurst(join(folder, `round-${round}`), text, seconds, options.seed),
  };
}

async function oneBurst(folder: string, text: Made, seconds: number, seed: number): Promise<Measured[]> {
  fs.mkdirSync(folder);
  const port = await freePort();
  const [bulk, quiet] = [join(folder, 'bulk.log'), join(folder, 'quiet.log')];
  using writer = new SteadyWriter(bulk, text, bytesPerSecond);
  using trickle = new TrickleWriter(quiet, trickleLinesPerSecond, seed);
  await using receiver = await startReceiver(folder, { port });
  await using relay = await openRelay(port, (lines) => trickle.arrived(lines));
  await using agent = startAgent(folder, { include: [join(folder, '*.log')], to: { central: relay.port } });
  const latency = async (run: () => Promise<void>) => {
    trickle.forgetLatencies();
    await run();
    return trickle.result().figures;
  };
  await agent.status();
  trickle.start();
  await sleep(3000);
  const before = await latency(() => sleep(trickleSeconds * 1000));
  agent.watch.restart();
  writer.start();
  const start = performance.now();
  await sleep(seconds * 1000);
  writer.stop();
  const stopped = performance.now();
  const during = await latency(() => untilAcknowledged(agent, writer.bytes));
  const catchUpSeconds = (performance.now() - stopped) / 1000;
  const megabytesPerSecond = writer.bytes / 1e3 / (performance.now() - start);
  const usage = usageFigures(agent.watch.take(), { bytes: writer.bytes, lines: 0 });
  const after = await latency(() => sleep(trickleSeconds * 1000));
  trickle.stop();
  await untilAcknowledged(agent, writer.bytes + trickle.bytes);
  await agent.stop();
  await receiver.stop();
  const written = [cyclic(text.path, writer.bytes), cyclic(quiet, trickle.bytes)];
  const counts = await countArrived(written, recordsOf(receiver.dataDir));
  fs.rmSync(folder, { recursive: true });
  const { thousandRecordsPerCpuSecond: _, ...cost } = usage;
  return [
    { way: 'before the burst', figures: before, ...counts },
    {
      way: 'from its beginning until all is there',
      figures: { ...during, ...cost, megabytesPerSecond, catchUpSeconds },
      ...counts,
    },
    { way: 'afterwards', figures: after, ...counts },
  ];
}
