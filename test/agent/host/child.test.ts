/** Real programs through the port: their output, their ends, and that none outlives a stop. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { hostChildren } from '../../../agent/host/child.ts';
import type { ChildProcess } from '../../../collectors/ports.ts';

const sh = (script: string, onErrorLine: (line: string) => void = () => {}) =>
  hostChildren.spawn({ program: '/bin/sh', arguments: ['-c', script], onErrorLine });

async function outputOf(child: ChildProcess): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await child.read((piece) => pieces.push(Buffer.from(piece)) > 0);
  return Buffer.concat(pieces);
}

test('all that a program writes comes, then its end and how it ended', async () => {
  const child = sh('printf "a\\0b\\n"; exit 7');
  assert.equal((await outputOf(child)).toString('latin1'), 'a\0b\n');
  assert.deepEqual(await child.ended, { kind: 'exited', code: 7 });
  assert.deepEqual(await sh('kill -9 $$').ended, { kind: 'killed', signal: 'SIGKILL' });
});

test('a program that is not there, or not to be run, has ended when it begins', async () => {
  for (const [program, code] of [
    ['/nowhere/at-all', 'ENOENT'],
    ['/etc/passwd', 'EACCES'],
    ['no\0name', 'ERR_INVALID_ARG_VALUE'],
  ] as const) {
    const child = hostChildren.spawn({ program, arguments: [], onErrorLine() {} });
    const end = await child.ended;
    assert.equal(end.kind === 'not_started' && end.code, code);
    assert.equal((await outputOf(child)).length, 0);
    assert.deepEqual(await child.stop(10), end);
  }
});

test('what nobody asks for is not read: the program waits, and nothing of it is lost', async () => {
  const child = sh('head -c 5000000 /dev/zero | tr "\\0" x; echo done >&2');
  let taken = 0;
  const some = (piece: Uint8Array) => {
    taken += piece.length;
    return false;
  };
  assert.equal(await child.read(some), true);
  await pause(200);
  assert.ok(taken <= 65536, `${taken} bytes without being asked for`);
  while (await child.read(some));
  assert.equal(taken, 5_000_000);
});

test('lines of standard error come one by one; of a long one the beginning', async () => {
  const lines: string[] = [];
  const child = sh('echo one >&2; head -c 100000 /dev/zero | tr "\\0" x >&2; printf "\\nlast" >&2', (line) => {
    lines.push(line);
  });
  await outputOf(child);
  await child.ended;
  for (let tries = 0; lines.length < 3 && tries < 500; tries++) await pause(10);
  assert.deepEqual(lines, ['one', 'x'.repeat(4096), 'last']);
});

test('a stop ends the whole group, also what ignores SIGTERM and what the program left behind', async () => {
  const child = sh('trap "" TERM; sleep 1000 & p=$!; trap "exit 3" TERM; echo $p; while :; do sleep 0.05; done');
  let told = '';
  await child.read((piece) => {
    told += Buffer.from(piece).toString();
    return !told.includes('\n');
  });
  const left = Number(told);
  assert.deepEqual(await child.stop(2000), { kind: 'exited', code: 3 });
  await gone(left);
  const stubborn = sh('trap "" TERM; echo; while :; do sleep 0.05; done');
  await stubborn.read(() => false);
  assert.deepEqual(await stubborn.stop(50), { kind: 'killed', signal: 'SIGKILL' });
  assert.equal(await stubborn.read(() => true), false);
});

test('little of our environment is handed down', async () => {
  process.env.TAILSPOOL_TEST_SECRET = 'x';
  const text = (await outputOf(sh('env'))).toString();
  delete process.env.TAILSPOOL_TEST_SECRET;
  assert.match(text, /^PATH=/m);
  assert.doesNotMatch(text, /TAILSPOOL_TEST_SECRET/);
});

async function gone(pid: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await pause(10);
  }
  assert.fail(`${pid} still runs`);
}
