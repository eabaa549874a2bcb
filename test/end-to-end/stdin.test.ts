/** `command | tailspool run`, with the real program. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { askStatus, program, until } from './tailspool.ts';

class Piped implements AsyncDisposable {
  readonly folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-stdin-'));
  readonly #config = join(this.folder, 'tailspool.yaml');
  readonly #processes: ReturnType<typeof spawn>[] = [];

  constructor(more: readonly string[] = []) {
    const text = [
      `data_dir: ${this.folder}/data`,
      'resource: { host.name: piper }',
      'collectors: { in: { type: stdin } }',
      `shippers: { mirror: { type: mirror, path: ${this.folder}/mirror } }`,
      ...more,
    ];
    fs.writeFileSync(this.#config, `${text.join('\n')}\n`);
  }

  start() {
    const [command, ...first] = program;
    const child = spawn(command, [...first, 'run', '--config', this.#config], { stdio: ['pipe', 'ignore', 'pipe'] });
    this.#processes.push(child);
    const said = child.stderr.toArray().then((pieces) => Buffer.concat(pieces).toString());
    const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
    child.stdin.on('error', () => {});
    return { child, ended, said, input: child.stdin };
  }

  get mirrored(): string {
    return fs.readFileSync(join(this.folder, 'mirror/piper/@in/stdin.log'), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#processes) if (child.exitCode === null) child.kill('SIGKILL');
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

test('what is piped in is delivered, and then the agent ends by itself with 0', async () => {
  await using piped = new Piped();
  const text = Array.from(
    { length: Number(process.env.RECORDS ?? 20_000) },
    (_, number) => `line ${number} of the pipe\n`,
  ).join('');
  const { input, ended, said } = piped.start();
  input.end(`${text}the last one has no end`);
  assert.equal(await ended, 0, await said);
  assert.equal(piped.mirrored, `${text}the last one has no end\n`);
  assert.match(await said, /is delivered: stopping/);
});

test('lines come while the pipe is open; SIGTERM keeps what was read, and the next run goes on behind it', async () => {
  await using piped = new Piped();
  const first = piped.start();
  first.input.write('one\ntwo\nhalf a ');
  const data = join(piped.folder, 'data');
  await until(
    'two lines',
    async () => (await askStatus(data))?.collectors[0]?.read.records === 2,
    () => first.said,
  );
  first.child.kill('SIGTERM');
  assert.equal(await first.ended, 0);
  const second = piped.start();
  second.input.end('line\nthree\n');
  assert.equal(await second.ended, 0);
  assert.equal(piped.mirrored, 'one\ntwo\nhalf a \nline\nthree\n');
});
