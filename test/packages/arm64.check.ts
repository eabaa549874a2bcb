/** The cross-built executable under qemu-user: its parts, and the main job with kill -9. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root, run } from '../../build/executable/run.ts';
import { temporaryFolder } from './packages.ts';

const qemu = 'qemu-aarch64-static';
const missing = [qemu, 'aarch64-linux-gnu-g++'].filter(
  (program) => spawnSync(program, ['--version']).error !== undefined,
);
const skip = missing.length > 0 && `not installed: ${missing.join(', ')}`;

test('linux-arm64 is built here and does the main job, killed on both sides, under qemu', { skip }, () => {
  using folder = temporaryFolder();
  const build = ['--disable-warning=ExperimentalWarning', join(root, 'build/executable.ts'), '--target', 'linux-arm64'];
  assert.match(run(process.execPath, build), /needs GLIBC 2\.28,/);
  const program = join(folder.path, 'tailspool');
  const made = join(root, 'dist/tailspool-linux-arm64');
  fs.writeFileSync(program, `#!/bin/sh\nexec ${qemu} -L /usr/aarch64-linux-gnu ${made} "$@"\n`, { mode: 0o755 });
  const names = ['each part', 'version names', 'killed again', 'one file goes'].map(
    (name) => `--test-name-pattern=${name}`,
  );
  const tests = ['built', 'thin-line'].map((name) => join(root, `test/end-to-end/${name}.test.ts`));
  const environment: NodeJS.ProcessEnv = { ...process.env, TAILSPOOL: program, TAILSPOOL_PATIENCE_MS: '400000' };
  // Of the runner that runs this test: with it, the one below would be taken for a part of it.
  delete environment.NODE_TEST_CONTEXT;
  const printed = run(process.execPath, ['--test', '--test-concurrency=1', ...names, ...tests], { env: environment });
  assert.match(printed, /^ℹ pass 4$/m, printed);
});
