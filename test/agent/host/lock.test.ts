/** The lock on a data_dir, with real processes, by both methods. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hostLocks } from '../../../agent/host/lock.ts';

const lockModule = fileURLToPath(new URL('../../../agent/host/lock.ts', import.meta.url));

for (const method of ['flock', 'sqlite'] as const) {
  test(`${method}: a second holder is refused and told who holds it, until the first is gone`, (t) => {
    const path = lockPath(t);
    const first = hostLocks(method).take(path);
    assert.equal(first.kind, 'taken');
    const second = hostLocks(method).take(path);
    assert.ok(second.kind === 'held');
    assert.match(second.holder, new RegExp(`^pid ${process.pid} \\(.*node.*\\)$`));
    assert.equal(fs.statSync(path).mode & 0o777, 0o600);
    if (first.kind === 'taken') first.lock[Symbol.dispose]();
    const third = hostLocks(method).take(path);
    assert.ok(third.kind === 'taken');
    third.lock[Symbol.dispose]();
  });

  test(`${method}: another process holds it, and a kill -9 leaves nothing behind`, async (t) => {
    const path = lockPath(t);
    const child = spawn(process.execPath, ['--no-warnings', '-e', holderScript(method, path)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout!, 'data');
    const refused = hostLocks(method).take(path);
    assert.ok(refused.kind === 'held');
    assert.match(refused.holder, new RegExp(`^pid ${child.pid} `));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const taken = hostLocks(method).take(path);
    assert.ok(taken.kind === 'taken');
    // The pid of the dead one does not stay in the file.
    assert.equal(fs.readFileSync(path, 'utf8'), `${process.pid}\n`);
    taken.lock[Symbol.dispose]();
  });
}

test('a child that the holder started does not keep the lock when the holder is gone', async (t) => {
  const path = lockPath(t);
  const script = `${holderScript('flock', path)}; require('node:child_process').spawn('sleep', ['30'], { stdio: 'ignore', detached: true }).unref()`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout!, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const taken = hostLocks('flock').take(path);
  assert.ok(taken.kind === 'taken');
  taken.lock[Symbol.dispose]();
});

test('what stands in the file by accident is not taken for a pid', (t) => {
  const path = lockPath(t);
  const first = hostLocks().take(path);
  fs.writeFileSync(path, 'something else');
  assert.deepEqual(hostLocks().take(path), { kind: 'held', holder: 'another process' });
  if (first.kind === 'taken') first.lock[Symbol.dispose]();
});

function lockPath(t: TestContext): string {
  const root = fs.mkdtempSync(join(tmpdir(), 'tailspool-lock-'));
  t.after(() => fs.rmSync(root, { recursive: true, force: true }));
  return join(root, 'lock');
}

function holderScript(method: string, path: string): string {
  return `import(${JSON.stringify(lockModule)}).then(({ hostLocks }) => {
    globalThis.held = hostLocks(${JSON.stringify(method)}).take(${JSON.stringify(path)});
    console.log(globalThis.held.kind);
    setInterval(() => {}, 1000);
  })`;
}
