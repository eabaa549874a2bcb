/**
 * `npm run release`: everything that is handed out, in dist/release: for each target the executable as archives, .deb and .rpm, and
 * SHA256SUMS over all. Needs dpkg-deb, rpmbuild, zstd and, for the other target, a cross compiler.
 *
 * `--only NAME` makes one target's; `--keep` takes executables that are built already; `--quick` compresses fast
 * instead of small and `--package-version V` names another version: both for tests.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, run } from './executable/run.ts';
import { type Target, targetNamed, targetNames } from './executable/target.ts';
import { makeArchives, makeDeb, makeRpm } from './package/packages.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    keep: { type: 'boolean', default: false },
    kinds: { type: 'string', default: 'archive,deb,rpm' },
    'package-version': { type: 'string' },
    quick: { type: 'boolean', default: false },
    out: { type: 'string', default: join(root, 'dist/release') },
  },
});
/** By the end of the name; see docs/footprint.md. */
const bytesMax = { '.tar.zst': 31e6, '.deb': 36e6 } as const;

const out = values.out;
const kinds = values.kinds.split(',');
const { version } = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(out, { recursive: true });
const made = (values.only === undefined ? targetNames : [values.only]).map(targetNamed).flatMap(releaseOf).sort();
const sums = made.map((path) => `${digest(path)}  ${basename(path)}\n`).join('');
fs.writeFileSync(join(out, 'SHA256SUMS'), sums);
for (const path of made) console.log(`${(fs.statSync(path).size / 1e6).toFixed(1).padStart(6)} MB  ${basename(path)}`);
process.stdout.write(`\n${sums}`);
for (const path of values.quick ? [] : made) checkSize(path);

function releaseOf(target: Target): string[] {
  const executable = join(root, 'dist', target.fileName);
  if (!values.keep || !fs.existsSync(executable)) build(target);
  const contents = { executable, version: values['package-version'] ?? version, modifiedAt: committedAt() };
  const work = fs.mkdtempSync(join(root, 'dist/work-release-'));
  try {
    const packing = { target, contents, work, out, quick: values.quick };
    return [
      ...(kinds.includes('archive') ? makeArchives(packing) : []),
      ...(kinds.includes('deb') ? [makeDeb(packing)] : []),
      ...(kinds.includes('rpm') ? [makeRpm(packing)] : []),
    ];
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

function build(target: Target): void {
  const args = ['--disable-warning=ExperimentalWarning', 'build/executable.ts', '--target', target.name];
  process.stderr.write(run(process.execPath, args, { cwd: root }));
}

/** The commit's time; a fixed one outside a git repository. */
function committedAt(): number {
  try {
    return Number(run('git', ['log', '-1', '--format=%ct'], { cwd: root }));
  } catch {
    return 1_700_000_000;
  }
}

function checkSize(path: string): void {
  for (const [end, most] of Object.entries(bytesMax)) {
    const { size } = fs.statSync(path);
    if (!path.endsWith(end) || size <= most) continue;
    console.error(`tailspool: ${basename(path)} has ${size} bytes; at most ${most}`);
    process.exitCode = 1;
  }
}

function digest(path: string): string {
  return createHash('sha256').update(fs.readFileSync(path)).digest('hex');
}
