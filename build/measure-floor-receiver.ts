/**
 * What this runtime takes to receive a GiB of log, compressed already (88 bodies of 2 MiB), with the least that a receiver must do.
 * Prints CPU-seconds of a process for each step with those before it: `node build/measure-floor-receiver.ts`. The receiver as built is
 * `npm run bench -- --only receiver`; it checks, understands and writes anew 4,096 headers besides.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

const steps = [
  'taking the bodies with Node’s HTTP server',
  'and collecting each in memory that is used again',
  'and a CRC-32 over it, Node’s own',
  'and writing it to a file, 256 KiB at a time',
  'and a sync before each answer',
];
const bodyBytes = 2 << 20;
const bodies = 88;
const pieceBytes = 256 << 10;
const rounds = 5;
/** As the executable has them. */
const flags = ['--max-semi-space-size=1', '--v8-pool-size=1', '--no-concurrent-recompilation', '--no-warnings'];

const [, , step] = process.argv;
if (step === undefined) await measureAll();
else await serve(Number(step));

async function measureAll(): Promise<void> {
  const body = Buffer.alloc(bodyBytes, 'not compressible, as far as anybody here is concerned');
  const spent: number[][] = steps.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const index of steps.keys()) spent[index]!.push(await measure(index, body));
  console.log(`CPU-seconds of ${bodies} bodies of 2 MiB, median of ${rounds} rounds, load ${loadavg()[0]!.toFixed(1)}`);
  for (const [index, what] of steps.entries()) console.log(`${median(spent[index]!).toFixed(2).padStart(6)}  ${what}`);
}

/** One step in a process of its own, which tells what it took; a first round of bodies is not counted. */
async function measure(index: number, body: Buffer): Promise<number> {
  const child = spawn(process.execPath, [...flags, import.meta.filename, String(index)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const [port] = (await once(child, 'message')) as [number];
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const before = await send(agent, port, body);
  const after = await send(agent, port, body);
  agent.destroy();
  child.kill();
  await once(child, 'close');
  return after - before;
}

/** All bodies one after the other; the seconds that the last answer names. */
async function send(agent: Agent, port: number, body: Buffer): Promise<number> {
  let said = '';
  for (let count = 0; count < bodies; count++) {
    const sent = request({
      agent,
      port,
      host: '127.0.0.1',
      method: 'POST',
      headers: { 'content-length': body.length },
    });
    sent.end(body);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    said = Buffer.concat(await answer.toArray()).toString();
  }
  return Number(said);
}

async function serve(step: number): Promise<void> {
  const path = join(fs.mkdtempSync(join(tmpdir(), 'tailspool-floor-')), 'file');
  const file = fs.openSync(path, 'w');
  fs.rmSync(join(path, '..'), { recursive: true });
  const collected = Buffer.alloc(bodyBytes);
  const server = createServer((message, response) => {
    let filled = 0;
    message.on('data', (piece: Buffer) => {
      if (step >= 1) filled += piece.copy(collected, filled);
    });
    message.on('end', () => {
      if (step >= 2) crc32(collected);
      for (let at = 0; step >= 3 && at < filled; at += pieceBytes) fs.writeSync(file, collected, at, pieceBytes);
      const answer = () => {
        const { user, system } = process.cpuUsage();
        response.end(String((user + system) / 1e6));
      };
      if (step >= 4) fs.fdatasync(file, answer);
      else answer();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send!((server.address() as AddressInfo).port);
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[values.length >> 1]!;
}
