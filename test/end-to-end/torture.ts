/**
 * kill -9 at random moments of agent and receiver, while logs are written and rotated. At the end everything has to be in
 * the mirror exactly once and in order, in the spools exactly once, and the counters have to account for every record.
 *
 * It proves nothing about power cuts: the page cache survives a kill.
 */
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { imbalances } from '../../agent/status/conservation.ts';
import { Load, lineOf, wrongIn } from './load.ts';
import { Pair } from './pair.ts';
import { haveLogrotate, type RotationStyle, rotate, rotationStyles } from './rotation.ts';
import { askStatus, sleep, until, untilAnswers } from './tailspool.ts';

export interface TortureOptions {
  readonly seed: number;
  readonly kills: number;
  readonly files: number;
  readonly linesPerSecond: number;
  /** Between two kills, at most. */
  readonly pauseMsMax: number;
  /** One of these is drawn for the whole round; all where it is not given. */
  readonly styles?: readonly RotationStyle[];
  readonly say: (line: string) => void;
}

export interface TortureResult {
  readonly lines: number;
  readonly kills: Readonly<Record<string, number>>;
  readonly rotations: number;
  /** Empty when nothing was lost, repeated or miscounted. */
  readonly wrong: readonly string[];
}

export async function torture(options: TortureOptions): Promise<TortureResult> {
  // The agent keeps everything, so that its spool can be compared too.
  await using pair = await Pair.make({ spool: ['retain_acked: 8GiB', 'max_size: 16GiB'] });
  const files = Array.from({ length: options.files }, (_, index) => `app${index}.log`);
  const load = new Load({ folder: pair.logs, files, linesPerSecond: options.linesPerSecond });
  const random = mulberry32(options.seed);
  // One style for the whole round: no host changes it from one rotation to the next.
  const style = pick(options.styles ?? rotationStyles, random);
  options.say(`rotation: ${JSON.stringify(style)}`);

  pair.startReceiver();
  pair.startAgent();
  load.begin();
  await untilKnown(pair, files);
  const rotateOnce = () => load.paused(() => rotate(pair.folder, pair.logs, style));
  const kills = await killAtRandom(pair, options, random, rotateOnce);
  await load.stop();
  const written = [...load.written.values()].reduce((sum, lines) => sum + lines, 0);
  options.say(`${written} lines written; waiting until they have arrived`);

  const wrong = await checkAll(pair, load);
  return { lines: written, kills: kills.byName, rotations: kills.rotations, wrong };
}

/** What was rotated away before the first start is not ours to read, so nothing rotates before each file was seen once. */
async function untilKnown(pair: Pair, files: readonly string[]): Promise<void> {
  const known = async () => (await askStatus(pair.agentData))?.collectors[0]?.sources.length === files.length;
  await until('each file to be known', known, () => pair.describe());
}

/** Longer than any pause between attempts or looks. */
const quietMsMax = 45_000;

interface Kills {
  readonly byName: Record<string, number>;
  rotations: number;
}

async function killAtRandom(
  pair: Pair,
  options: TortureOptions,
  random: () => number,
  rotateOnce: () => Promise<void>,
): Promise<Kills> {
  const done: Kills = { byName: { agent: 0, receiver: 0, both: 0 }, rotations: 0 };
  const mayRotate = async (chance: number) => {
    if (!haveLogrotate || random() >= chance) return;
    await rotateOnce();
    done.rotations += 1;
  };
  for (let kill = 1; kill <= options.kills; kill += 1) {
    // Half of the kills hit a process that is still starting or recovering, half one that works.
    if (random() < 0.5) await untilAnswers(pair.agentData);
    await sleep(random() * options.pauseMsMax);
    await mayRotate(0.4);
    const victim = pick(['agent', 'receiver', 'both'] as const, random);
    done.byName[victim] = (done.byName[victim] ?? 0) + 1;
    if (victim !== 'receiver') await pair.agent?.end('SIGKILL');
    if (victim !== 'agent') await pair.receiver?.end('SIGKILL');
    await mayRotate(0.2);
    if (random() < 0.5) await sleep(random() * 300);
    if (victim !== 'agent') pair.startReceiver();
    if (victim !== 'receiver') pair.startAgent();
    if (kill % 10 === 0) options.say(`${kill} kills, ${done.rotations} rotations`);
  }
  return done;
}

async function checkAll(pair: Pair, load: Load): Promise<string[]> {
  const wrong = await untilArrived(pair, load);
  for (const dataDir of [pair.agentData, pair.receiverData]) wrong.push(...(await checkCounters(dataDir)));
  for (const [name, process] of [
    ['agent', pair.agent!],
    ['receiver', pair.receiver!],
  ] as const) {
    const { code } = await process.end('SIGTERM');
    if (code !== 0) wrong.push(`${name} ended with ${code} after SIGTERM`);
  }
  for (const dataDir of [pair.agentData, pair.receiverData]) wrong.push(...(await checkSegments(dataDir)));
  return [...wrong, ...(await checkRecords(pair, load))];
}

async function untilArrived(pair: Pair, load: Load): Promise<string[]> {
  const copyOf = (file: string) => join(pair.out, hostname(), pair.logs, file);
  const size = (file: string) => (fs.existsSync(copyOf(file)) ? fs.statSync(copyOf(file)).size : 0);
  const wanted = new Map([...load.written].map(([file, lines]) => [file, sizeOf(file, lines)]));
  const missing = () => [...wanted].filter(([file, bytes]) => size(file) < bytes);
  const wrong: string[] = [];
  await untilQuiet(
    () => missing().length === 0,
    [...wanted.keys()].map((file) => () => size(file)),
  );
  // A repeated line would come a little later.
  await sleep(500);
  for (const [file, lines] of load.written) {
    const difference = wrongIn(copyOf(file), file, lines);
    if (difference) wrong.push(difference);
  }
  return wrong;
}

/** Until `done`, or until nothing has grown for a long while: then what is missing will not come. */
async function untilQuiet(done: () => boolean, sizes: readonly (() => number)[]): Promise<void> {
  let before = '';
  let since = Date.now();
  while (!done() && Date.now() - since < quietMsMax) {
    const now = sizes.map((size) => size()).join(' ');
    if (now !== before) since = Date.now();
    before = now;
    await sleep(50);
  }
}

function sizeOf(file: string, lines: number): number {
  let bytes = 0;
  for (let number = 0; number < lines; number += 1) bytes += lineOf(file, number).length;
  return bytes;
}

async function checkCounters(dataDir: string): Promise<string[]> {
  const status = await askStatus(dataDir);
  if (status === undefined) return [`${dataDir} does not answer`];
  const { shippers, spool } = status;
  const details = JSON.stringify({ spool, shippers: shippers.map((one) => ({ ...one, latency: undefined })) });
  const reds = status.problems
    .filter(({ red }) => red)
    .map(({ message }) => `${dataDir} is red: ${message} ${details}`);
  return [...reds, ...imbalances(status).map((one) => `${dataDir}: ${JSON.stringify(one)}`)];
}

async function checkSegments(dataDir: string): Promise<string[]> {
  const failed = await promisify(execFile)('zstd', ['-t', '-q', ...segmentsOf(dataDir)]).catch((error: Error) => error);
  return failed instanceof Error ? [`zstd -t: ${failed.message}`] : [];
}

function segmentsOf(dataDir: string): string[] {
  const folder = join(dataDir, 'spool');
  const names = fs.readdirSync(folder).filter((name) => name.endsWith('.zst'));
  return names.sort().map((name) => join(folder, name));
}

/** Each record once in what `zstdcat` prints of the agent's spool, and in order for each file. */
async function checkRecords(pair: Pair, load: Load): Promise<string[]> {
  const options = { maxBuffer: 4 * 1024 ** 3 };
  const { stdout } = await promisify(execFile)('zstdcat', segmentsOf(pair.agentData), options);
  const next = new Map([...load.written.keys()].map((file) => [file, 0]));
  const wrong: string[] = [];
  for (const line of stdout.split('\n').slice(0, -1)) {
    const file = line.split(' ', 1)[0]!;
    const number = next.get(file) ?? -1;
    if (`${line}\n` !== lineOf(file, number)) wrong.push(`zstdcat: ${line.slice(0, 80)} where line ${number} was due`);
    next.set(file, number + 1);
    if (wrong.length > 3) break;
  }
  for (const [file, lines] of load.written)
    if (wrong.length === 0 && next.get(file) !== lines)
      wrong.push(`zstdcat: ${next.get(file)} of ${lines} lines of ${file}`);
  return wrong;
}

function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)]!;
}

/** A small generator of numbers in [0, 1) from a seed (public domain, by Tommy Ettinger). */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
