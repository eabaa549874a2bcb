/**
 * `npm run reproducible`: builds the commit that is checked out in two clones in folders of different names, under different
 * time zones, languages and homes, native parts compiled anew, and compares the SHA-256. The first may be the executable that
 * lies in dist/ already, where it is of this very commit. Ends with 1 where they differ.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, run } from './executable/run.ts';
import { type Target, targetNamed } from './executable/target.ts';

const { values } = parseArgs({ options: { target: { type: 'string' } } });
const target = targetNamed(values.target);
const commit = run('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: root }).trim();
const changed = run('git', ['status', '--porcelain'], { cwd: root }).trim() !== '';

const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-reproducible-'));
try {
  const first = buildThatLiesHere(target) ?? buildIn(join(folder, 'a'), { TZ: 'UTC', LANG: 'C' });
  const second = buildIn(join(folder, 'another-folder', 'below'), {
    ...{ TZ: 'Pacific/Auckland', LANG: 'de_DE.UTF-8', HOME: folder, SOURCE_DATE_EPOCH: '1' },
  });
  if (changed) console.log(`what is not committed is left out: commit ${commit} was built`);
  console.log(`${first}  ${target.fileName} of ${commit}\n${second}  the same, in another folder, compiled anew`);
  if (first === second) console.log('The build is reproducible: two builds, one SHA-256.');
  else fail('the two builds differ: the build is not reproducible');
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}

function buildThatLiesHere({ fileName, native }: Target): string | undefined {
  const lies = join(root, 'dist', fileName);
  if (!native || !fs.existsSync(lies) || !run(lies, ['version']).includes(`(${commit},`)) return undefined;
  return digest(lies);
}

function buildIn(clone: string, environment: NodeJS.ProcessEnv): string {
  run('git', ['clone', '--quiet', '--no-hardlinks', root, clone]);
  run('git', ['checkout', '--quiet', '--detach', commit], { cwd: clone });
  fs.symlinkSync(fs.realpathSync(join(root, 'node_modules')), join(clone, 'node_modules'));
  const command = ['--disable-warning=ExperimentalWarning', 'build/executable.ts', '--fresh', '--target', target.name];
  run(process.execPath, command, { cwd: clone, env: { ...process.env, ...environment } });
  return digest(join(clone, 'dist', target.fileName));
}

function digest(file: string): string {
  return createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}

function fail(message: string): void {
  console.error(`tailspool: ${message}`);
  process.exitCode = 1;
}
