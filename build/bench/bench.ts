/**
 * `npm run bench`: what the built executable costs, beside limits and peers, in turns within one run, since the machine's mood
 * counts more than anything. Each part prints one table of medians. `npm run bench:long` has what takes hours.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { executable } from './executable.ts';
import type { Measured, Part } from './figures.ts';
import { type Options, parseOptions, usage } from './options.ts';
import { longParts, type PartMaker, parts } from './parts/parts.ts';
import { renderMarkdown, renderTable, summarise } from './table.ts';

await main();

async function main(): Promise<void> {
  const options = readOptions();
  const known: Readonly<Record<string, PartMaker>> = options.long ? longParts : parts;
  if (options.help) return void console.log(`${usage}\n\nparts: ${Object.keys(known).join(', ')}`);
  const names = options.only.length > 0 ? options.only : Object.keys(known);
  for (const name of names)
    if (known[name] === undefined) fail(`--only ${name}: there are ${Object.keys(known).join(', ')}`);
  if (!fs.existsSync(executable)) fail(`${executable} is not there yet: npm run build`);
  // By themselves these end the process without `exit`, and so without the folders being removed.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const say = (line: string) => options.format !== 'json' && console.log(line);
  say(describeRun(options));
  for (const name of names) await runPart(known[name]!, options, say);
}

function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    return fail((error as Error).message);
  }
}

/** In a folder of its own that is gone afterwards. */
async function runPart(make: PartMaker, options: Options, say: (line: string) => void): Promise<void> {
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-bench-'));
  const clean = () => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  const abandon = () => {
    endChildren();
    clean();
  };
  process.once('exit', abandon);
  try {
    const part = make(folder, options);
    say(`\n${part.name}: ${part.title}`);
    const measured: Measured[] = [];
    for (let round = 1; round <= options.rounds; round++) {
      measured.push(...(await part.round(round)));
      if (process.stdout.isTTY) say(`  round ${round} of ${options.rounds}, load ${loadavg()[0]!.toFixed(1)}`);
    }
    print(part, measured, options);
  } finally {
    clean();
    process.off('exit', abandon);
  }
}

/** Nobody waits for them any more, and what they write would come after the cleaning. */
function endChildren(): void {
  for (const thread of fs.readdirSync('/proc/self/task')) {
    const pids = fs.readFileSync(`/proc/self/task/${thread}/children`, 'latin1').trim();
    for (const pid of pids === '' ? [] : pids.split(' ')) process.kill(Number(pid), 'SIGKILL');
  }
}

function print(part: Part, measured: readonly Measured[], { format }: Options): void {
  const rows = summarise(measured, part.compare);
  if (format === 'json') {
    const { name, title, notes = [] } = part;
    return void console.log(JSON.stringify({ part: name, title, notes, rows }));
  }
  const lines = format === 'markdown' ? renderMarkdown(rows) : renderTable(rows);
  for (const line of format === 'markdown' ? ['', ...lines, ''] : lines) console.log(line);
  for (const note of part.notes ?? []) console.log(`  ${note}`);
}

function describeRun({ rounds, seed }: Options): string {
  const version = spawnSync(executable, ['version'], { encoding: 'utf8' }).stdout.trim().split('\n')[0];
  const machine = `${availableParallelism()} × ${cpus()[0]?.model}, load ${loadavg()[0]!.toFixed(1)}`;
  return `${version}; ${machine}; medians of ${rounds} round${rounds === 1 ? '' : 's'}, losses added up; seed ${seed}`;
}

function fail(message: string): never {
  console.error(`${message}\n\n${usage}`);
  process.exit(2);
}
