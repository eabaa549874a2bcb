/** 1,000 files with a line each second: do small pieces of many files still compress, and what do they cost? */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { bytesOf, countArrived, recordsOf } from '../arrived.ts';
import type { Figures, Measured, Part } from '../figures.ts';
import { mib } from '../numbers.ts';
import type { Options } from '../options.ts';
import { freePort, type Running, sleep, startAgent, startReceiver, untilAcknowledged } from '../program.ts';
import { lineMaker, makeText } from '../texts/text.ts';
import { beginWindow } from '../window.ts';

const linesPerSecond = 1000;
const settleMs = 3000;
const tickMs = 10;

export function many(folder: string, options: Options): Part {
  return {
    name: 'many',
    title: `${linesPerSecond} lines/s for ${options.seconds} s, in 1,000 files or in one; and as many lines that stand in one file`,
    compare: { with: 'one file, on disk', figure: 'rawToDisk', as: 'toOneFile' },
    notes: ['raw:disk is over all that was spooled, headers counted'],
    async round(round) {
      const place = (name: string) => join(folder, `${name}-${round}`);
      return [
        ...(await live(place('many'), 1000, '1,000 files', options)),
        ...(await live(place('one'), 1, 'one file', options)),
        await standing(place('disk'), options),
      ];
    },
  };
}

async function live(folder: string, files: number, label: string, options: Options): Promise<Measured[]> {
  fs.mkdirSync(folder);
  const port = await freePort();
  using writer = new ManyWriter(join(folder, 'logs'), files, options.seed);
  await using receiver = await startReceiver(folder, { port });
  await using agent = startAgent(folder, { include: [join(folder, 'logs/*.log')], to: { central: port } });
  await agent.status();
  writer.start();
  await sleep(settleMs);
  const windows = [await beginWindow(agent), await beginWindow(receiver)];
  await sleep(options.seconds * 1000);
  const [agentFigures, receiverFigures] = await Promise.all(windows.map((window) => window.end()));
  writer.stop();
  await untilAcknowledged(agent, writer.bytes);
  const compression = await compressionOf(agent);
  await agent.stop();
  await receiver.stop();
  const arrived = await countArrived(writer.paths.map(bytesOf), recordsOf(receiver.dataDir));
  fs.rmSync(folder, { recursive: true });
  return [
    { way: `tailspool agent, ${label}`, figures: { ...agentFigures, ...compression }, ...arrived },
    { way: `tailspool receiver, ${label}`, figures: { ...receiverFigures }, ...arrived },
  ];
}

/** As many lines as the others write, read in one go: the ratio that is possible with full blocks. */
async function standing(folder: string, options: Options): Promise<Measured> {
  fs.mkdirSync(folder);
  const lineBytes = 190;
  const log = makeText(
    join(folder, 'one.log'),
    'nginx',
    linesPerSecond * (options.seconds + settleMs / 1000) * lineBytes,
    options.seed,
  );
  const port = await freePort();
  await using receiver = await startReceiver(folder, { port });
  await using agent = startAgent(folder, { include: [log.path], to: { central: port } });
  await untilAcknowledged(agent, log.bytes);
  const compression = await compressionOf(agent);
  await agent.stop();
  await receiver.stop();
  const arrived = await countArrived([bytesOf(log.path)], recordsOf(receiver.dataDir));
  fs.rmSync(folder, { recursive: true });
  return { way: 'one file, on disk', figures: compression, ...arrived };
}

async function compressionOf(agent: Running): Promise<Figures> {
  const { spool, shippers } = await agent.status();
  return { rawToDisk: spool.rawBytesTotal / spool.spooledBytesTotal, wireMib: (shippers[0]?.wireBytes ?? 0) / mib };
}

/** Spreads the lines evenly over the second and the files. */
class ManyWriter {
  readonly paths: readonly string[];
  readonly #descriptors: readonly number[];
  readonly #line: (number: number) => string;
  #timer: NodeJS.Timeout | undefined;
  #lines = 0;
  bytes = 0;

  constructor(folder: string, files: number, seed: number) {
    fs.mkdirSync(folder);
    this.paths = Array.from({ length: files }, (_, number) => join(folder, `service-${number}.log`));
    this.#descriptors = this.paths.map((path) => fs.openSync(path, 'a'));
    this.#line = lineMaker('nginx', seed);
  }

  start(): void {
    const start = performance.now();
    this.#timer = setInterval(() => {
      const due = ((performance.now() - start) * linesPerSecond) / 1000;
      for (; this.#lines < due; this.#lines++) {
        const descriptor = this.#descriptors[this.#lines % this.#descriptors.length]!;
        this.bytes += fs.writeSync(descriptor, this.#line(this.#lines), null, 'latin1');
      }
    }, tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  [Symbol.dispose](): void {
    this.stop();
    for (const descriptor of this.#descriptors) fs.closeSync(descriptor);
  }
}
