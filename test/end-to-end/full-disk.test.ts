import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lineOf } from './load.ts';
import { Pair } from './pair.ts';
import { askStatus, until } from './tailspool.ts';

/** A small file system of its own under `folder`; false where that is not allowed. */
function mountSmall(folder: string): boolean {
  fs.mkdirSync(folder, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a full disk holds the agent, is red with what to do, and ends by itself', async (t) => {
  const pair = await Pair.make({ spool: ['max_size: 1GiB', 'min_free: 0', 'segment_size: 256KiB'] });
  if (!mountSmall(pair.agentData)) {
    await pair[Symbol.asyncDispose]();
    return t.skip('mounting a tmpfs is not allowed here');
  }
  t.after(async () => {
    await pair.agent?.end('SIGKILL');
    execFileSync('umount', ['--lazy', pair.agentData]);
    await pair[Symbol.asyncDispose]();
  });
  const text = Array.from({ length: 400_000 }, (_, number) => lineOf('a.log', number)).join('');
  fs.writeFileSync(join(pair.logs, 'a.log'), text);
  pair.startAgent();
  const isRed = async () => {
    const status = await askStatus(pair.agentData);
    return status?.red === true && status.problems.some(({ cause, hint }) => cause === 'disk_full' && hint);
  };
  await until('disk_full in the status', isRed, () => pair.describe());
  // Also for an agent that starts on it.
  await pair.agent!.end('SIGKILL');
  pair.startAgent();
  await until('disk_full after a start', isRed, () => pair.describe());
  pair.startReceiver();
  await pair.untilMirrored('a.log', text.length, 120_000);
  assert.ok(pair.mirrored('a.log')?.equals(Buffer.from(text)), 'the mirror differs');
  const isGreen = async () => (await askStatus(pair.agentData))?.red === false;
  await until('no red problem', isGreen, () => pair.describe());
  assert.ok(fs.existsSync(join(pair.agentData, 'admin.sock')));
});
