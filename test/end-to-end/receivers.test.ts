/** Receivers that are none of ours: nginx with a small body limit before a server, and Python's own http.server. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Endpoint } from './endpoint.ts';
import { PlainAgent } from './plain-agent.ts';
import { freePort, until } from './tailspool.ts';

const nginx = ['/usr/sbin/nginx', '/usr/bin/nginx'].find((path) => existsSync(path));
const python = ['/usr/bin/python3', '/usr/local/bin/python3'].find((path) => existsSync(path));

const lines = Array.from({ length: 20_000 }, (_, number) => `line ${number} ${'abc'.repeat(number % 30)}`);

test('nginx with a small client_max_body_size: blocks are split and arrive, once and in order', {
  skip: !nginx,
}, async () => {
  await using endpoint = await Endpoint.start({ honoursKeys: true });
  const port = await freePort();
  await using agent = new PlainAgent(`http://127.0.0.1:${port}/in`, ['compression: none', 'encoding: text']);
  const folder = join(agent.folder, 'nginx');
  mkdirSync(folder);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    join(folder, 'nginx.conf'),
    `user root; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log; events { worker_connections 64; }
     http { ${temporary.join(' ')} access_log ${folder}/access.log;
       server { listen 127.0.0.1:${port}; client_max_body_size 16k; location / { proxy_pass http://127.0.0.1:${endpoint.port}; } } }`,
  );
  execFileSync(nginx!, ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'pipe' });
  try {
    agent.write('a.log', `${lines.join('\n')}\n`);
    agent.start();
    await agent.untilDelivered(lines.length);
    assert.deepEqual(endpoint.lines, lines);
    assert.ok(endpoint.requests.every(({ wireBytes }) => wireBytes <= 16 * 1024));
    const refused = readFileSync(join(folder, 'access.log'), 'utf8').split('" 413 ').length - 1;
    assert.ok(refused >= 1, 'nginx has refused nothing');
    assert.equal((await agent.status())?.shippers[0]?.dead, undefined);
  } finally {
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGTERM');
    await until('nginx to end', () => !existsSync(join(folder, 'pid')));
  }
});

test('a handler of Python’s http.server takes text and gzip as they are', { skip: !python }, async () => {
  const port = await freePort();
  await using agent = new PlainAgent(`http://127.0.0.1:${port}/in`, ['compression: gzip', 'encoding: text']);
  const out = join(agent.folder, 'out');
  mkdirSync(out);
  const script = join(agent.folder, 'server.py');
  writeFileSync(script, pythonServer);
  const server = spawn(python!, [script, String(port), out], { stdio: 'ignore' });
  try {
    agent.write('a.log', `${lines.join('\n')}\n`);
    agent.start();
    await agent.untilDelivered(lines.length);
    const parts = readdirSync(out).sort((a, b) => Number(a) - Number(b));
    const text = parts.map((name) => readFileSync(join(out, name), 'utf8')).join('');
    assert.equal(text, `${lines.join('\n')}\n`);
  } finally {
    server.kill('SIGKILL');
  }
});

/** HTTP/1.0, one connection a request, as its documentation shows it. */
const pythonServer = `
import gzip, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    count = 0
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(f"{sys.argv[2]}/{Handler.count}", "wb") as file:
            file.write(gzip.decompress(body))
        Handler.count += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"thanks")

HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
`;
