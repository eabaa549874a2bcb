import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { Pair } from './pair.ts';
import { haveLogrotate, type RotationStyle, rotate, rotationStyles } from './rotation.ts';
import { freePort, sleep, until } from './tailspool.ts';

const nginx = ['/usr/sbin/nginx', '/usr/bin/nginx'].find((path) => fs.existsSync(path));
const skip = nginx && haveLogrotate ? false : 'nginx and logrotate are needed';

for (const style of rotationStyles) {
  const how = `${style.copytruncate ? 'copytruncate' : 'rename'}${style.compress ? ' and compress' : ''}`;
  test(
    `nginx writes, logrotate rotates with ${how}, both sides are killed: the mirror is what was written`,
    { skip },
    () => rotateUnderNginx(style),
  );
}

async function rotateUnderNginx(style: RotationStyle): Promise<void> {
  await using pair = await Pair.make();
  await using server = await Nginx.start(pair);
  pair.startReceiver();
  pair.startAgent();
  // What was rotated away before the first start would not be ours to read.
  await pair.untilMirrored('access.log', 1);
  for (let round = 0; round < 2; round += 1) {
    await server.ask(400);
    // What is written between a copy and its truncation, or into a file that is being compressed, is gone for everybody:
    // then nginx rests.
    const asking = style.copytruncate || style.compress ? undefined : server.ask(200);
    await server.rotate(style);
    await asking;
    if (round % 2 === 0) {
      await pair.agent!.end('SIGKILL');
      await server.ask(100);
      await server.rotate(style);
      pair.startAgent();
    } else {
      await pair.receiver!.end('SIGKILL');
      await server.ask(100);
      pair.startReceiver();
    }
  }
  await server.ask(50);
  const written = await server.allWritten();
  await pair.untilMirrored('access.log', written.length);
  await sleep(300);
  assert.ok(pair.mirrored('access.log')?.equals(written), 'the mirror differs from what nginx wrote');
  assert.equal(written.toString().split('\n').length - 1, server.asked);
}

class Nginx implements AsyncDisposable {
  readonly pidFile: string;
  readonly #pair: Pair;
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });
  asked = 0;

  static async start(pair: Pair): Promise<Nginx> {
    const server = new Nginx(pair, await freePort());
    execFileSync(nginx!, ['-c', join(pair.folder, 'nginx.conf'), '-p', pair.folder], { stdio: 'pipe' });
    await until('nginx to answer', () =>
      server.#get('/first').then(
        () => true,
        () => false,
      ),
    );
    server.asked = 1;
    return server;
  }

  private constructor(pair: Pair, port: number) {
    this.#pair = pair;
    this.#port = port;
    this.pidFile = join(pair.folder, 'nginx.pid');
    const folder = (name: string) => `${name}_temp_path ${join(pair.folder, name)};`;
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(folder).join(' ');
    fs.writeFileSync(
      join(pair.folder, 'nginx.conf'),
      `user root; worker_processes 1; pid ${this.pidFile}; error_log ${join(pair.folder, 'nginx.err')};
       events { worker_connections 64; }
       http { ${temporary} keepalive_requests 100000; access_log ${join(pair.logs, 'access.log')};
         server { listen 127.0.0.1:${port}; location / { return 204; } } }`,
    );
  }

  /** Sends so many requests; each becomes one line. */
  async ask(requests: number): Promise<void> {
    const mine = Array.from({ length: requests }, (_, index) => this.#get(`/${this.asked + index}`));
    this.asked += requests;
    await Promise.all(mine);
  }

  /** Resolves when nginx has opened the new log. */
  async rotate(style: RotationStyle): Promise<void> {
    if (style.copytruncate) return rotate(this.#pair.folder, this.#pair.logs, style);
    await rotate(this.#pair.folder, this.#pair.logs, style, `kill -USR1 $(cat ${this.pidFile})`);
    const opened = () => {
      const links = this.#processes().flatMap((pid) => fs.readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(pid, fd)));
      return !links.some((link) => /access\.log(\.| \(deleted\))/.test(link));
    };
    await until('nginx to open its new log', opened);
  }

  #processes(): string[] {
    const master = fs.readFileSync(this.pidFile, 'utf8').trim();
    const children = fs.readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(' ');
    return [master, ...children];
  }

  #get(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const asking = get({ host: '127.0.0.1', port: this.#port, path, agent: this.#agent }, (answer) => {
        answer.resume();
        answer.on('end', resolve);
      });
      asking.on('error', reject);
    });
  }

  /** Everything in the generations, oldest first; once nginx has written it all. */
  async allWritten(): Promise<Buffer> {
    const read = () => Buffer.concat(this.#generations().map(readLog));
    await until('nginx to write', () => read().toString().split('\n').length - 1 >= this.asked);
    return read();
  }

  #generations(): string[] {
    const names = fs.readdirSync(this.#pair.logs).filter((name) => name.startsWith('access.log'));
    const age = (name: string) => Number(/\.(\d+)/.exec(name)?.[1] ?? 0);
    return names.sort((a, b) => age(b) - age(a)).map((name) => join(this.#pair.logs, name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    process.kill(Number(fs.readFileSync(this.pidFile, 'utf8')), 'SIGTERM');
    await until('nginx to end', () => !fs.existsSync(this.pidFile));
  }
}

function linkOf(pid: string, descriptor: string): string {
  try {
    return fs.readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    return '';
  }
}

function readLog(path: string): Buffer {
  const bytes = fs.readFileSync(path);
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}
