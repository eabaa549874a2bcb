/** What a build does where something is missing. That it works, and what comes out, is tried with the built file. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../../../build/executable/run.ts';

const build = (args: readonly string[], environment: NodeJS.ProcessEnv = process.env) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'build/executable.ts'), ...args], {
    encoding: 'utf8',
    env: environment,
  });
  return { status, printed: stdout + stderr };
};

test('without a compiler it fails, names what is missing, and says how to do without the fast codec', () => {
  const { status, printed } = build([], { ...process.env, PATH: '/nowhere' });
  assert.equal(status, 1, printed);
  assert.match(printed, /the fast codec could not be built for linux-\w+\. Install g\+\+, or build with --codec=zlib/);
});

test('a target or codec that there is not is named with those that there are', () => {
  assert.match(
    build(['--target', 'linux-mips']).printed,
    /there is no target linux-mips; there are: linux-x64, linux-arm64/,
  );
  assert.match(build(['--codec', 'lz4']).printed, /there is no codec lz4: zstd-napi or zlib/);
});
