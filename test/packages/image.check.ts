/** What the container image is made of, run in a chroot: no shell, no flock, no other program is there. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root, run } from '../../build/executable/run.ts';
import { targetNamed } from '../../build/executable/target.ts';
import { askAdmin, until } from '../end-to-end/tailspool.ts';
import { temporaryFolder } from './packages.ts';
import { cannotRun, path } from './roots.ts';

const tailspool = '/usr/bin/tailspool';

test('the image’s content runs by itself: selftest, the agent, kill -9, a second agent, stop', {
  skip: cannotRun(),
}, async () => {
  using folder = temporaryFolder();
  const inside = join(folder.path, 'root');
  fs.mkdirSync(inside, { mode: 0o755 });
  run(process.execPath, [join(root, 'build/image.ts'), '--out', folder.path]);
  run('tar', ['-xf', join(folder.path, `root-${targetNamed().name}.tar`), '-C', inside]);
  const programs = run('find', [inside, '-type', 'f', '-perm', '/111']).trim().split('\n');
  assert.deepEqual(programs.map((one) => one.slice(inside.length)).sort(), ['/lib64/ld-linux-x86-64.so.2', tailspool]);
  run('mount', ['-t', 'proc', 'proc', join(inside, 'proc')]);
  try {
    assert.match(run('chroot', [inside, tailspool, 'selftest']), /^ok {6}fast codec/m);
    fs.writeFileSync(join(inside, 'var/log/a.log'), 'one\ntwo\n');
    const start = () => {
      const args = [inside, tailspool, 'run', '--config', '/etc/tailspool/tailspool.yaml'];
      return spawn('chroot', args, { stdio: 'ignore', env: { PATH: path } });
    };
    const data = join(inside, 'var/lib/tailspool');
    const answers = async () => (await askAdmin(data, '/livez')) !== undefined;
    const killed = start();
    await until('the agent', answers, () => '');
    killed.kill('SIGKILL');
    await new Promise((resolve) => killed.once('exit', resolve));
    const agent = start();
    await until('the agent again', answers, () => '');
    const second = start();
    assert.equal(await new Promise((resolve) => second.once('exit', resolve)), 3);
    fs.appendFileSync(join(inside, 'var/log/a.log'), 'three\n');
    const kept = () => run('chroot', [inside, tailspool, 'spool', 'cat', '/var/lib/tailspool']);
    await until('three lines', async () => kept() === 'one\ntwo\nthree\n', kept);
    agent.kill('SIGTERM');
    assert.equal(await new Promise((resolve) => agent.once('exit', resolve)), 0);
  } finally {
    run('umount', [join(inside, 'proc')]);
  }
});
