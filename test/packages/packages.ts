/** The packages under test: of the executable in dist/, compressed fast, in as many versions as a test wants. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run } from '../../build/executable/run.ts';
import { targetNamed } from '../../build/executable/target.ts';

export const executable = join(root, 'dist', targetNamed().fileName);

/** The file's path, in a folder of its own below `folder`. */
export function packageOf(kind: 'deb' | 'rpm', version: string, folder: string): string {
  const out = join(folder, `${kind}-${version}`);
  const args = ['--keep', '--quick', '--only', targetNamed().name, '--kinds', kind, '--package-version', version];
  run(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    join(root, 'build/release.ts'),
    ...args,
    '--out',
    out,
  ]);
  return join(out, fs.readdirSync(out).find((name) => name.endsWith(`.${kind}`))!);
}

export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = fs.mkdtempSync(join(tmpdir(), 'tailspool-packages-'));
  return { path, [Symbol.dispose]: () => fs.rmSync(path, { recursive: true, force: true }) };
}
