/**
 * `node build/compare.ts OLD NEW [--size 1GiB] [--rounds 5]`: two builds of the executable on the whole path, in turns, what begins
 * changing from round to round. The ratio is the median over the rounds of new to old: on a machine that others use it says more than
 * the figures; so does the least CPU, which is that of the round that was disturbed least. Lost and duplicated lines are counted.
 */
import * as fs from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { FigureName, Measured } from './bench/figures.ts';
import { figureTitles } from './bench/figures.ts';
import { parseSize, shortNumber, sizeText } from './bench/numbers.ts';
import { makeText } from './bench/texts/text.ts';
import { wholePath } from './bench/ways/tailspool.ts';

const shown: readonly FigureName[] = ['megabytesPerSecond', 'cpuSecondsPerGib', 'peakMib', 'privateMib', 'fsyncs'];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { size: { type: 'string', default: '1GiB' }, rounds: { type: 'string', default: '5' } },
});
const [before, after] = positionals;
if (before === undefined || after === undefined) throw new Error('which two executables? OLD NEW');
const builds = [before, after] as const;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-compare-'));
process.once('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
await main();

async function main(): Promise<void> {
  const log = makeText(join(folder, 'text.log'), 'nginx', parseSize('size', values.size), 1);
  const rounds = Number(values.rounds);
  const runs: [Measured[][], Measured[][]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    for (const turn of [0, 1]) {
      const which = ((round + turn) % 2) as 0 | 1;
      const measured = await wholePath(join(folder, `round-${round}-${which}`), log, { executable: builds[which] });
      runs[which].push(measured);
    }
  }
  const load = loadavg()[0]!.toFixed(1);
  console.log(
    `${sizeText(log.bytes)}, ${rounds} rounds in turns, load ${load}; medians: old → new (ratio of the pairs)`,
  );
  for (const side of [0, 1])
    printSide(
      runs[0].map((run) => run[side]!),
      runs[1].map((run) => run[side]!),
    );
}

function printSide(old: readonly Measured[], recent: readonly Measured[]): void {
  const parts = shown.map((name) => {
    const [a, b] = [old, recent].map((all) => all.map(({ figures }) => figures[name] ?? Number.NaN));
    const ratio = median(b!.map((value, at) => value / a![at]!));
    const least =
      name === 'cpuSecondsPerGib' ? `, least ${shortNumber(Math.min(...a!))} → ${shortNumber(Math.min(...b!))}` : '';
    return `${figureTitles[name]} ${shortNumber(median(a!))} → ${shortNumber(median(b!))} (${ratio.toFixed(3)}${least})`;
  });
  const wrong = [...old, ...recent].reduce((sum, { lost = 0, duplicated = 0 }) => sum + lost + duplicated, 0);
  console.log(`${old[0]!.way}: ${parts.join(', ')}; lost or duplicated ${wrong}`);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
