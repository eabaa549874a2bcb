import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Admin } from '../../agent/admin/admin.ts';
import { adminRoutes } from '../../agent/admin/routes.ts';
import type { CommandContext } from '../../agent/cli/commands.ts';
import { statusCommand } from '../../agent/cli/status.ts';
import { openHost } from '../../agent/host/host.ts';
import { hostListener } from '../../agent/host/listener.ts';
import { judge } from '../../agent/status/health.ts';
import type { AgentStatus } from '../../agent/status/status.ts';
import type { Clock } from '../../spool/ports.ts';
import { picture } from './pictures.ts';

const red = { part: 'spool', cause: 'disk_full', subject: '/data', message: 'No space.', since: 1, red: true };

/** Runs the command as the command line does; what it prints is given back. */
async function status(dataDir: string, json = false): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const context: CommandContext = {
    out: async (data) => {
      out += data;
    },
    err: (text) => {
      err += text;
    },
    terminal: { outIsTerminal: false, errIsTerminal: false, columns: 80, errColors: false },
    environment: {},
    workingDirectory: '/',
    onSignal: () => ({ [Symbol.dispose]() {} }),
    openHost: async (log) => openHost(log),
  };
  const code = await statusCommand({ dataDir, json }, context);
  return { code, out, err };
}

/** A clock whose timers run when the test says so. */
function manualClock(): Clock & { runTimers(): void } {
  let waiting: (() => void)[] = [];
  return {
    now: () => 1,
    monotonic: () => 1,
    soon: (call) => setImmediate(call),
    after(_delayMs, call) {
      waiting.push(call);
      return { cancel: () => (waiting = waiting.filter((one) => one !== call)) };
    },
    runTimers() {
      const due = waiting;
      waiting = [];
      for (const call of due) call();
    },
  };
}

async function startAdmin(t: { after(end: () => Promise<void>): void }, shown: () => AgentStatus, port?: number) {
  const dataDir = fs.mkdtempSync(join(tmpdir(), 'tailspool-admin-'));
  const log = { write() {} };
  const clock = manualClock();
  const address = port === undefined ? undefined : { host: '127.0.0.1', port };
  const admin = new Admin(dataDir, address, adminRoutes({ status: shown }), {
    listener: hostListener(log),
    clock,
    log,
  });
  await admin.start();
  t.after(async () => {
    await admin.stop();
    fs.rmSync(dataDir, { recursive: true });
  });
  return { admin, dataDir, clock };
}

test('status comes through the socket in data_dir, which is nobody else’s', async (t) => {
  const { dataDir } = await startAdmin(t, () => judge(picture(), []));
  assert.equal(fs.statSync(join(dataDir, 'admin.sock')).mode & 0o777, 0o600);
  const text = await status(dataDir);
  assert.equal(text.code, 0);
  assert.match(text.out, /^tailspool 0\.0\.0 on host: ok/);
  const json = await status(dataDir, true);
  assert.equal(JSON.parse(json.out).collectors[0].name, 'nginx');
});

test('status of a red agent ends with code 1', async (t) => {
  const { dataDir } = await startAdmin(t, () => judge(picture(), [red]));
  const { out, code } = await status(dataDir);
  assert.match(out, /No space\./);
  assert.equal(code, 1);
});

test('status where nothing runs looks at the disk and says so', async () => {
  const dataDir = fs.mkdtempSync(join(tmpdir(), 'tailspool-admin-'));
  assert.match((await status(dataDir)).out, /not running/);
  fs.rmSync(dataDir, { recursive: true });
  const gone = await status(dataDir);
  assert.match(gone.err, /no data_dir/);
  assert.equal(gone.code, 1);
});

test('a socket that a killed agent left behind is no agent', async () => {
  const dataDir = fs.mkdtempSync(join(tmpdir(), 'tailspool-admin-'));
  const server = net.createServer().listen(join(dataDir, 'first.sock'));
  await new Promise((resolve) => server.once('listening', resolve));
  // A second name for the socket survives the close, as the only name survives a kill.
  fs.linkSync(join(dataDir, 'first.sock'), join(dataDir, 'admin.sock'));
  await new Promise((resolve) => server.close(resolve));
  assert.match((await status(dataDir)).out, /not running/);
  fs.rmSync(dataDir, { recursive: true });
});

test('health is 200 or 503 with the reasons, and unknown ways are 404', async (t) => {
  let problems: (typeof red)[] = [];
  const { admin } = await startAdmin(t, () => judge(picture(), problems), 0);
  const base = `http://${admin.listening[1]}`;
  assert.equal((await fetch(`${base}/livez`)).status, 200);
  assert.equal((await fetch(`${base}/healthz`)).status, 200);
  problems = [red];
  const answer = await fetch(`${base}/healthz`);
  assert.equal(answer.status, 503);
  assert.match(await answer.text(), /RED spool: disk full/);
  assert.equal((await fetch(`${base}/healthz/`)).status, 404);
  assert.equal((await fetch(`${base}/healthz`, { method: 'POST', body: 'x' })).status, 405);
  assert.equal((await fetch(`${base}/${'x'.repeat(300)}`)).status, 414);
  assert.match(await (await fetch(`${base}/metrics`)).text(), /^tailspool_healthy 0$/m);
  const head = await fetch(`${base}/status.json`, { method: 'HEAD' });
  assert.deepEqual([head.status, await head.text()], [200, '']);
});

test('a busy admin port is red, is tried again, and the socket works meanwhile', async (t) => {
  const other = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as net.AddressInfo;
  const { admin, dataDir, clock } = await startAdmin(t, () => judge(picture(), []), port);
  assert.deepEqual(
    admin.problems.map(({ cause, subject, red }) => [cause, subject, red]),
    [['admin_unavailable', `127.0.0.1:${port}`, true]],
  );
  assert.equal((await status(dataDir)).code, 0);
  await new Promise((resolve) => other.close(resolve));
  clock.runTimers();
  for (let wait = 0; wait < 500 && admin.problems.length > 0; wait += 1) await new Promise((r) => setTimeout(r, 10));
  assert.deepEqual(admin.problems, []);
  assert.equal((await fetch(`http://127.0.0.1:${port}/livez`)).status, 200);
});
