/**
 * What this runtime takes to do ten times a second the least that an agent must do: read, compress, write, sync, send. Prints
 * percent of a core for each step with those before it: `node build/measure-floor.ts`. Last, what it takes with Node's HTTP client, and
 * with being told of a hundred lines a second besides. The agent as built is `npm run bench -- --only trickle`.
 */
import { once } from 'node:events';
import * as fs from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseCodec } from '../agent/host/codec.ts';
import { printedBy, shareOfCore } from './floor.ts';

const steps = [
  'a timer',
  'and reading and compressing',
  'and writing and syncing',
  'and sending over a plain socket',
  "and sending with Node's HTTP client, instead of the plain socket",
  'and, besides, being told of a hundred lines a second (fs.watch)',
];
const settleMs = 3_000;
const measuredMs = 10_000;
const linesBytes = 2_000;
const lineMs = 10;

const [, , step, port, watched] = process.argv;
if (step === undefined) await measureAll();
else await run(Number(step), Number(port), watched!);

/** Each step in a process of its own, one after the other. */
async function measureAll(): Promise<void> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end('ok'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  for (const [index, what] of steps.entries()) {
    const args = [String(index), String((server.address() as AddressInfo).port)];
    const watched = fs.mkdtempSync(join(tmpdir(), 'tailspool-floor-log-'));
    const log = fs.openSync(join(watched, 'log'), 'a');
    const writer = setInterval(() => fs.writeSync(log, 'a line of a log\n'), lineMs);
    const percent = await printedBy(import.meta.filename, [...args, watched]);
    clearInterval(writer);
    fs.closeSync(log);
    fs.rmSync(watched, { recursive: true });
    console.log(`${percent.padStart(6)} % of a core: ${what}`);
  }
  server.closeAllConnections();
  server.close();
}

async function run(step: number, port: number, watched: string): Promise<void> {
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-floor-'));
  const { codec } = chooseCodec();
  const file = fs.openSync(join(folder, 'file'), 'w+');
  fs.writeSync(file, '10.0.0.1 GET /some/path/to/somewhere 200 1234\n'.repeat(50));
  const raw = Buffer.alloc(linesBytes);
  const frame = Buffer.alloc(codec.frameBytesMax(raw.length));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const watch = step >= 5 ? fs.watch(watched, () => {}) : undefined;
  const socket =
    step === 3
      ? connect(port, '127.0.0.1')
          .setNoDelay(true)
          .on('data', () => {})
      : undefined;
  let end = linesBytes;
  const timer = setInterval(() => {
    if (step < 1) return;
    fs.readSync(file, raw, 0, raw.length, 0);
    const bytes = frame.subarray(0, codec.compress(raw, frame));
    if (step < 2) return;
    end += fs.writeSync(file, bytes, 0, bytes.length, end);
    const head = Buffer.from(`POST / HTTP/1.1\r\nhost: here\r\ncontent-length: ${bytes.length}\r\n\r\n`);
    fs.fdatasync(file, () => {
      socket?.write(Buffer.concat([head, bytes]));
      if (step >= 4) post(agent, port, bytes);
    });
  }, 100);
  console.log((await shareOfCore(settleMs, measuredMs)).toFixed(2));
  clearInterval(timer);
  watch?.close();
  socket?.destroy();
  fs.closeSync(file);
  fs.rmSync(folder, { recursive: true });
  process.exit(0);
}

function post(agent: Agent, port: number, bytes: Buffer): void {
  const options = { agent, port, host: '127.0.0.1', method: 'POST', headers: { 'content-type': 'application/zstd' } };
  request(options, (answer) => answer.resume()).end(Buffer.from(bytes));
}
