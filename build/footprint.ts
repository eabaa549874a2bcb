/**
 * `npm run footprint`: what the executable costs before it does anything, printed as docs/footprint.md shows it. Ends with 1 where a bound
 * is exceeded. Memory is read after the pages of the executable were forgotten, as after a boot (docs/performance.md).
 */
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from './bench/numbers.ts';
import { needsOf, sayNeeds } from './executable/needs.ts';
import { root, run } from './executable/run.ts';
import { targetNamed } from './executable/target.ts';

const target = targetNamed();
const executable = join(root, 'dist', target.fileName);
const starts = 15;
const settleMs = 20_000;
const mb = 1e6;
const mib = 2 ** 20;

interface Row {
  readonly what: string;
  readonly value: string;
  readonly bound?: { readonly text: string; readonly held: boolean };
}

const rows: Row[] = [...sizes(), ...startRows(), ...(await idleRows())];
const version = run(executable, ['version']).trim().replaceAll('\n', ', ');
console.log(`${version}; ${sayNeeds(needsOf([executable]))}\n\n| what | measured | to reach |\n|---|---|---|`);
for (const { what, value, bound } of rows) {
  const judged = bound === undefined ? '' : `${bound.text}${bound.held ? '' : ' (not reached)'}`;
  console.log(`| ${what} | ${value} | ${judged} |`);
}
if (rows.some(({ bound }) => bound?.held === false)) process.exitCode = 1;

function atMost(what: string, value: number, unit: string, bound?: number, digits = 1): Row {
  const text = `${value.toFixed(digits)} ${unit}`;
  return bound === undefined
    ? { what, value: text }
    : { what, value: text, bound: { text: `≤ ${bound} ${unit}`, held: value <= bound } };
}

/** Packages are those that `npm run release` made last, where they are there. */
function sizes(): Row[] {
  const release = join(root, 'dist/release');
  const released = fs.existsSync(release) ? fs.readdirSync(release) : [];
  const sizeOf = (pattern: RegExp) => {
    const name = released.find((one) => pattern.test(one));
    return name === undefined ? undefined : fs.statSync(join(release, name)).size / mb;
  };
  const row = (what: string, pattern: RegExp, bound?: number): Row => {
    const size = sizeOf(pattern);
    return size === undefined ? { what, value: 'npm run release makes it' } : atMost(what, size, 'MB', bound);
  };
  return [
    atMost('executable', fs.statSync(executable).size / mb, 'MB', 115),
    row('.tar.zst', new RegExp(`${target.name}\\.tar\\.zst$`), 31),
    row('.tar.gz', new RegExp(`${target.name}\\.tar\\.gz$`)),
    row('.deb', new RegExp(`${target.debian}\\.deb$`), 36),
    row('.rpm', new RegExp(`${target.rpm}\\.rpm$`)),
  ];
}

function startRows(): Row[] {
  const cold = Array.from({ length: 5 }, () => {
    forget();
    return timeVersion();
  });
  const warm = Array.from({ length: starts + 1 }, timeVersion).slice(1);
  const of = (all: readonly { wallMs: number; cpuMs: number }[], key: 'wallMs' | 'cpuMs') =>
    median(all.map((one) => one[key]));
  return [
    atMost(`start, cold (\`tailspool version\`, median of ${cold.length})`, of(cold, 'wallMs'), 'ms', undefined, 0),
    atMost(`start, warm (median of ${starts})`, of(warm, 'wallMs'), 'ms', 45, 0),
    atMost('CPU of a warm start', of(warm, 'cpuMs'), 'ms', 50, 0),
  ];
}

/** CPU as bash's own `times` counts it for its children: to the millisecond. */
function timeVersion(): { wallMs: number; cpuMs: number } {
  const begun = performance.now();
  const timed = run('bash', [
    '-c',
    'TIMEFORMAT="%R %U %S"; { time "$1" version >/dev/null; } 2>&1',
    'bash',
    executable,
  ]);
  const wallMs = performance.now() - begun;
  const [inside, user, system] = timed.trim().split(' ').map(Number);
  return { wallMs: Math.min(wallMs, inside! * 1000), cpuMs: (user! + system!) * 1000 };
}

function forget(): void {
  spawnSync('sync', [executable]);
  spawnSync('dd', [`if=${executable}`, 'iflag=nocache', 'count=0', 'status=none']);
}

/** An agent that has read the one line of its one file, and has nobody to send it to. */
async function idleRows(): Promise<Row[]> {
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-footprint-'));
  fs.writeFileSync(join(folder, 'a.log'), 'a line\n');
  const configuration = join(folder, 'tailspool.yaml');
  fs.writeFileSync(
    configuration,
    `data_dir: ${folder}/data\ncollectors: { logs: { type: file, include: [${folder}/*.log] } }\n`,
  );
  forget();
  const agent = spawn(executable, ['run', '--config', configuration], { stdio: 'ignore' });
  try {
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const rollup = fs.readFileSync(`/proc/${agent.pid}/smaps_rollup`, 'latin1');
    const value = (name: string) => (Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(rollup)![1]) * 1024) / mib;
    return [
      atMost('idle with one tailed file: resident (RSS)', value('Rss'), 'MiB'),
      atMost('the same, shared pages divided (PSS)', value('Pss'), 'MiB'),
      atMost('the same, private', value('Private_Dirty'), 'MiB', 18),
    ];
  } finally {
    const ended = new Promise((resolve) => agent.once('exit', resolve));
    agent.kill('SIGTERM');
    await ended;
    fs.rmSync(folder, { recursive: true });
  }
}
