import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { firstSeed } from '../simulation/random.ts';
import { cannotRecord } from './record.ts';
import { parseTrace } from './trace.ts';

const seed = firstSeed(1);
const skip = cannotRecord() ?? false;

function powerLoss(...args: string[]) {
  const script = fileURLToPath(new URL('./power-loss.ts', import.meta.url));
  return spawnSync(process.execPath, [script, '--seed', String(seed), ...args], {
    encoding: 'utf8',
    timeout: 240_000,
    maxBuffer: 64 * 1024 * 1024,
  });
}

test(`whatever a power cut leaves of what the real processes wrote, every promise is kept (SEED=${seed})`, {
  skip,
}, () => {
  const run = powerLoss('--seconds', '2', '--cuts', '500');
  assert.equal(run.status, 0, `${run.stdout}\n${run.stderr}`);
  assert.match(run.stdout, / 0 failed/);
});

test('on a disk that does not do what it confirms, promises are broken and that is seen', { skip }, () => {
  const run = powerLoss('--seconds', '1', '--cuts', '100', '--canary');
  assert.equal(run.status, 1, run.stdout);
  assert.match(run.stderr, /FAILED (agent|receiver), power cut/);
});

test('calls that were interrupted by others take effect when they return, syncs from when they were asked for', () => {
  const hex = (text: string) =>
    [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  const a = `7<${hex('/f/a')}>`;
  const trace = [
    `1 openat(AT_FDCWD<${hex('/')}>, "${hex('/f/a')}", O_RDWR|O_CREAT|O_EXCL, 0600) = ${a}`,
    `1 fdatasync(${a} <unfinished ...>`,
    `2 pwrite64(${a}, "${hex('abc')}", 3, 5 <unfinished ...>`,
    '1 <... fdatasync resumed>) = 0',
    '2 <... pwrite64 resumed>) = 2',
    `2 rename("${hex('/f/a')}", "${hex('/f/b')}") = 0`,
    `2 unlink("${hex('/f/c')}") = -1 ENOENT (No such file or directory)`,
    `2 write(9<${hex('socket:[1]')}>, "${hex('told')}", 4) = 4`,
  ].join('\n');
  assert.deepEqual(parseTrace(trace, '/f'), [
    { kind: 'create', path: '/a' },
    { kind: 'sync', path: '/a', id: 1 },
    { kind: 'synced', id: 1 },
    { kind: 'write', path: '/a', at: 5, bytes: Buffer.from('ab') },
    { kind: 'rename', path: '/a', to: '/b' },
    { kind: 'told', text: 'told' },
  ]);
});
