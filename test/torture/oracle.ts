/**
 * What has to hold when everything has calmed down: each line once and in order in the mirror and in the agent's spool, the
 * counters of both account for each record, the segments are sound, both end when asked.
 */
import { execFile, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { imbalances } from '../../agent/status/conservation.ts';
import type { AgentStatus } from '../../agent/status/status.ts';
import { askStatus, run, sleep } from '../end-to-end/tailspool.ts';
import { addVerdicts, LineJudge, sayVerdict, sound, type Verdict } from './lines.ts';
import { sayTrend } from './report.ts';
import { boundOf, sampleOf, type Trend } from './samples.ts';
import { type Setup, type Side, sides } from './schedule.ts';
import type { World } from './world.ts';

/** Longer than any pause between attempts or looks: what has not grown for so long will not come. */
const quietMsMax = 45_000;
/** Three times what the tailer takes to let go of a rotated file. */
const restMsMax = 30_000;
const shownMax = 5;

export interface Finding {
  readonly wrong: readonly string[];
  /** Over all lines of the mirror. */
  readonly verdict: Omit<Verdict, 'first'>;
}

export async function judge(world: World, { kind, keepsAll }: Setup, trends: readonly Trend[]): Promise<Finding> {
  await untilArrived(world);
  // A repeated line would come a little later.
  await sleep(500);
  const mirror = await judgeMirror(world);
  const wrong = [...mirror.wrong];
  for (const side of sides) wrong.push(...(await judgeCounters(world, side)));
  wrong.push(...(await judgeAtRest(world, trends, kind === 'steady')));
  await world.stop();
  for (const side of sides) wrong.push(...(await judgeSegments(world.dataDirOf(side))));
  if (keepsAll) wrong.push(...(await judgeSpool(world)));
  return { wrong, verdict: mirror.verdict };
}

async function untilArrived({ pair, load }: World): Promise<void> {
  const size = (file: string) => fs.statSync(copyOf(pair, file), { throwIfNoEntry: false })?.size ?? 0;
  let missing = [...load.bytes.keys()];
  let before = '';
  for (let since = Date.now(); missing.length > 0 && Date.now() - since < quietMsMax; await sleep(100)) {
    missing = missing.filter((file) => size(file) < load.bytes.get(file)!);
    const now = missing.map(size).join(' ');
    if (now !== before) since = Date.now();
    before = now;
  }
}

function copyOf({ out, logs }: World['pair'], file: string): string {
  return join(out, hostname(), logs, file);
}

async function judgeMirror({ pair, load }: World): Promise<Finding> {
  const wrong: string[] = [];
  let verdict = sound;
  for (const [file, lines] of load.written) {
    const judged = new LineJudge(file, lines);
    if (fs.existsSync(copyOf(pair, file)))
      await eachLine(fs.createReadStream(copyOf(pair, file)), (line) => judged.take(line));
    const { first, ...numbers } = judged.verdict();
    verdict = addVerdicts(verdict, numbers);
    if (first !== undefined) wrong.push(`mirror: ${file}: ${sayVerdict(numbers)} of ${lines} lines; first: ${first}`);
  }
  return { wrong: shorten(wrong), verdict };
}

/** Each record once in what `zstdcat` prints of the agent's spool, and in order for each file. */
async function judgeSpool(world: World): Promise<string[]> {
  const judges = new Map([...world.load.written].map(([file, lines]) => [file, new LineJudge(file, lines)]));
  const wrong: string[] = [];
  const child = spawn('zstdcat', segmentsOf(world.dataDirOf('agent')), { stdio: ['ignore', 'pipe', 'ignore'] });
  await eachLine(child.stdout, (line) => {
    const judged = judges.get(line.slice(0, line.indexOf(' ')));
    if (judged) judged.take(line);
    else if (!line.startsWith('#')) wrong.push(`zstdcat: a line of no file: ${line.slice(0, 80)}`);
  });
  for (const [file, judged] of judges) {
    const { first, ...numbers } = judged.verdict();
    if (first !== undefined) wrong.push(`zstdcat: ${file}: ${sayVerdict(numbers)}; first: ${first}`);
  }
  return shorten(wrong);
}

async function eachLine(input: Readable, take: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input, crlfDelay: 0 })) take(line);
}

/** What a part says of itself may be a few seconds old: its last word counts. */
async function judgeCounters(world: World, side: Side): Promise<string[]> {
  const dataDir = world.dataDirOf(side);
  let wrong: string[] = [];
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const status = await askStatus(dataDir);
    wrong = status ? wrongCounters(status, world.load.records) : [`${dataDir} does not answer`];
    if (wrong.length === 0) return [];
    await sleep(150);
  }
  return wrong.map((one) => `${side}: ${one}`);
}

/** `lines`: how many there were to read; all of them have to be read, and acknowledged, and nothing else. */
export function wrongCounters(status: AgentStatus, lines: number): string[] {
  const reds = status.problems.filter(({ red }) => red).map(({ message, hint }) => `red: ${message} (${hint})`);
  const unequal = imbalances(status).map((one) => `the counters do not add up: ${JSON.stringify(one)}`);
  const reads = status.collectors.map(({ readTotal }) => readTotal.records).filter((records) => records !== lines);
  const acknowledged = status.shippers
    .flatMap(({ totals }) => Object.values(totals.collectors).map((one) => one.acknowledged.records))
    .filter((records) => records !== lines);
  return [
    ...reds,
    ...unequal,
    ...reads.map((records) => `${records} records read of ${lines}`),
    ...acknowledged.map((records) => `${records} records acknowledged of ${lines}`),
  ];
}

/** A process that was killed all the time still holds files that it has not finished; at rest it lets them go. */
async function judgeAtRest(world: World, trends: readonly Trend[], steady: boolean): Promise<string[]> {
  const judged = trends.filter(({ figure }) => figure !== 'descriptors' || steady);
  const wrong = judged.filter(({ flat }) => !flat).map(sayTrend);
  for (const trend of trends.filter(({ figure }) => figure === 'descriptors')) {
    const bound = boundOf('descriptors', trend.first);
    const now = () => sampleOf(world.processOf(trend.side)?.pid ?? 0)?.descriptors ?? Number.POSITIVE_INFINITY;
    for (const end = Date.now() + restMsMax; now() > bound && Date.now() < end; ) await sleep(200);
    if (now() > bound) wrong.push(`${trend.side} still holds ${now()} descriptors at rest; ${sayTrend(trend)}`);
  }
  return wrong;
}

async function judgeSegments(dataDir: string): Promise<string[]> {
  const segments = segmentsOf(dataDir);
  const zstd = await promisify(execFile)('zstd', ['-t', '-q', ...segments]).catch((error: Error) => error);
  const verified = await run('spool', 'verify', dataDir);
  return [
    ...(zstd instanceof Error ? [`zstd -t: ${zstd.message}`] : []),
    ...(verified.code === 0 ? [] : [`spool verify ${dataDir}: ${verified.code}: ${verified.out}${verified.err}`]),
  ];
}

function segmentsOf(dataDir: string): string[] {
  const folder = join(dataDir, 'spool');
  const names = fs.readdirSync(folder).filter((name) => name.endsWith('.zst'));
  return names.sort().map((name) => join(folder, name));
}

function shorten(wrong: readonly string[]): string[] {
  const more = wrong.length - shownMax;
  return more > 0 ? [...wrong.slice(0, shownMax), `and ${more} more like these`] : [...wrong];
}
