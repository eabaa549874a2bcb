/** How systemd is reached: its socket stands in the environment, and a child does it where our own function cannot be had. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSupervisor } from '../../../agent/host/supervisor.ts';

const python = spawnSync('python3', ['--version']).status === 0;
const notify = spawnSync('systemd-notify', ['--version']).status === 0;

test('without a socket, or with one of another kind, nobody is told', () => {
  assert.equal(openSupervisor({}, '/'), undefined);
  assert.equal(openSupervisor({ NOTIFY_SOCKET: 'vsock:2:1' }, '/'), undefined);
});

test('the watchdog’s time counts only if it is meant for this process', () => {
  const of = (more: object) => openSupervisor({ NOTIFY_SOCKET: '/none', ...more }, '/')?.watchdogMs;
  assert.equal(of({ WATCHDOG_USEC: '30000000' }), 30_000);
  assert.equal(of({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) }), 30_000);
  assert.equal(of({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' }), undefined);
  assert.equal(of({ WATCHDOG_USEC: 'soon' }), undefined);
  assert.equal(of({}), undefined);
});

test('our own function is used where it can be loaded, and what it meets is named', async () => {
  const sent: string[] = [];
  const binding = (result: number) => () => ({
    send: (to: string, text: string) => sent.push(`${to} ${text}`) && result,
  });
  assert.equal(await openSupervisor({ NOTIFY_SOCKET: '@name' }, '/', binding(0))?.tell('READY=1'), undefined);
  assert.deepEqual(sent, ['@name READY=1']);
  assert.equal(await openSupervisor({ NOTIFY_SOCKET: '/none' }, '/', binding(2))?.tell('READY=1'), '/none: ENOENT');
});

test('systemd-notify is run where our own function cannot be had', {
  skip: !(python && notify) && 'python3 or systemd-notify is not installed',
}, async () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-notify-'));
  const socket = join(folder, 'notify');
  // Node cannot listen on such a socket; a message that carries the barrier's descriptor closes it by being dropped.
  const program = `import socket,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(sys.argv[1]); print('bound',flush=True)
sys.stdout.write(s.recv(4096).decode()); sys.stdout.flush(); s.recv(4096)`;
  const listener = spawn('python3', ['-c', program, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  let heard = '';
  const bound = Promise.withResolvers<void>();
  listener.stdout.on('data', (bytes) => {
    heard += bytes;
    bound.resolve();
  });
  await bound.promise;
  const ended = new Promise((resolve) => listener.on('close', resolve));
  const supervisor = openSupervisor({ NOTIFY_SOCKET: socket }, '/', () => {
    throw new Error('cannot be loaded');
  });
  assert.equal(await supervisor?.tell('READY=1\nSTATUS=two words'), undefined);
  await ended;
  assert.match(heard, /READY=1\nSTATUS=two words/);
  fs.rmSync(folder, { recursive: true });
  assert.match((await supervisor?.tell('READY=1')) ?? '', /systemd-notify/);
});
