/** The real transport through proxies that people run: tinyproxy and squid, where they are installed. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeAuthority, makeCertificate } from '../../support/certificates.ts';
import { echo, folder, open, pair, send, text, until } from './wire-world.ts';

const programs: Readonly<
  Record<string, { path: string; settings: (place: string, port: number) => string; start: string[] }>
> = {
  tinyproxy: {
    path: '/usr/bin/tinyproxy',
    start: ['-d', '-c'],
    settings: (place, port) =>
      `Port ${port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 10\nBasicAuth edge pass\nLogFile "${place}/log"\nPidFile "${place}/pid"\n`,
  },
  squid: {
    path: '/usr/sbin/squid',
    start: ['-N', '-f'],
    settings: (place, port) =>
      [
        `http_port 127.0.0.1:${port}`,
        `auth_param basic program /usr/lib/squid/basic_ncsa_auth ${place}/users`,
        'acl known proxy_auth REQUIRED',
        'http_access allow known',
        'cache deny all',
        `pid_filename ${place}/pid`,
        `access_log none`,
        `cache_log ${place}/log`,
        `coredump_dir ${place}`,
        'shutdown_lifetime 0 seconds',
        '',
      ].join('\n'),
  },
};

for (const [name, program] of Object.entries(programs)) {
  const skip = !existsSync(program.path) && `${name} is not installed`;
  test(`${name} lets requests through with the password, and its 407 is named`, { skip }, async (t) => {
    const port = await start(t, program);
    const authority = makeAuthority(folder(t), 'ca');
    const certificate = makeCertificate(folder(t), 'server', authority);
    const plain = await pair(t, echo);
    const secure = await pair(t, echo, { tls: certificate });
    const https = `https://localhost:${secure.listening.port}`;
    const rest = { caFile: undefined, noProxy: [], environment: false };
    const ways = (authorization: (() => string) | undefined) => ({
      proxy: { ...rest, url: `http://127.0.0.1:${port}`, authorization },
    });
    const known = ways(() => `Basic ${Buffer.from('edge:pass').toString('base64')}`);
    const tls = { caFile: authority.certFile };
    for (const [url, each] of [
      [plain.url, undefined],
      [https, tls],
    ] as const) {
      const transport = open(t, url, each, known);
      for (const bytes of [10, 2_000_000]) {
        const seen = JSON.parse(text(await send(transport, { url: `${url}/x`, body: Buffer.alloc(bytes) })));
        assert.deepEqual([seen.bytes, seen.headers['proxy-authorization']], [bytes, undefined]);
      }
      await assert.rejects(send(open(t, url, each, ways(undefined)), { url }), { code: 'PROXY_AUTH' });
    }
    // tinyproxy answers 401 where it should be 407, which only the answer to CONNECT shows to be the proxy's
    const wrong = open(
      t,
      https,
      tls,
      ways(() => 'Basic d3Jvbmc6d3Jvbmc='),
    );
    await assert.rejects(send(wrong, { url: https }), { code: 'PROXY_AUTH' });
  });
}

/** The port that it listens on. */
async function start(t: TestContext, program: (typeof programs)[string]): Promise<number> {
  const place = folder(t);
  chmodSync(place, 0o777);
  // squid gives up root, and then reads this as another user
  writeFileSync(join(place, 'users'), `edge:${spawnSync('openssl', ['passwd', '-apr1', 'pass']).stdout}`);
  const port = await freePort();
  const settings = join(place, 'settings');
  writeFileSync(settings, program.settings(place, port));
  const child = spawn(program.path, [...program.start, settings], { stdio: 'ignore' });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  t.after(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  await until(() => answers(port));
  return port;
}

function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  return new Promise((resolve) =>
    server.once('listening', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    }),
  );
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
