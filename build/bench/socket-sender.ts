/**
 * Sends the lines of a file, again and again, at so many a second over a socket, and ends: a process of its own, so that its CPU is
 * nobody else's. One argument, as JSON (`Sending`). Prints how many it sent and how long it took. HTTP bodies have 1,000 lines.
 */
import { createSocket } from 'node:dgram';
import * as fs from 'node:fs';
import * as http from 'node:http';
import * as net from 'node:net';

export interface Sending {
  readonly way: 'udp' | 'tcp' | 'http';
  readonly port: number;
  readonly file: string;
  readonly records: number;
  /** 0: as fast as they are taken. */
  readonly recordsPerSecond: number;
}

export interface Sent {
  readonly records: number;
  readonly seconds: number;
}

/** More at once than a tick's share makes bursts that no sender makes. */
const tickMs = 2;
const chunkRecordsMax = 500;
const bodyRecords = 1000;

const order = JSON.parse(process.argv[2]!) as Sending;
const lines = fs.readFileSync(order.file, 'latin1').split('\n').slice(0, -1);
const start = performance.now();
const send = { udp: await udp(), tcp: tcp(), http: overHttp() }[order.way];
for (let sent = 0; sent < order.records; ) {
  const due =
    order.recordsPerSecond === 0
      ? order.records
      : Math.floor(((performance.now() - start) * order.recordsPerSecond) / 1000);
  const upto = Math.min(order.records, due, sent + (order.way === 'http' ? bodyRecords : chunkRecordsMax));
  const whole = order.way !== 'http' || upto - sent === bodyRecords || upto === order.records;
  if (upto <= sent || !whole) {
    await new Promise((resolve) => setTimeout(resolve, tickMs));
    continue;
  }
  await send.put(Array.from({ length: upto - sent }, (_, at) => lines[(sent + at) % lines.length]!));
  sent = upto;
}
await send.end();
const result: Sent = { records: order.records, seconds: (performance.now() - start) / 1000 };
console.log(JSON.stringify(result));

async function udp() {
  const socket = createSocket({ type: 'udp4', sendBufferSize: 4 << 20 });
  if (order.way !== 'udp') {
    socket.close();
    return { put: async () => {}, end: async () => {} };
  }
  await new Promise<void>((resolve) => socket.connect(order.port, '127.0.0.1', resolve));
  return {
    async put(texts: readonly string[]) {
      let last: Promise<unknown> = Promise.resolve();
      for (const text of texts) {
        last = new Promise((resolve) => socket.send(Buffer.from(text, 'latin1'), resolve));
      }
      await last;
    },
    end: async () => socket.close(),
  };
}

function tcp() {
  let socket: net.Socket | undefined;
  return {
    async put(texts: readonly string[]) {
      socket ??= net.connect(order.port, '127.0.0.1');
      if (socket.write(`${texts.join('\n')}\n`, 'latin1')) return;
      await new Promise((resolve) => socket?.once('drain', resolve));
    },
    end: () => new Promise<void>((resolve) => (socket === undefined ? resolve() : socket.end(() => resolve()))),
  };
}

function overHttp() {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  return {
    async put(texts: readonly string[]) {
      const body = Buffer.from(`${texts.join('\n')}\n`, 'latin1');
      for (;;) {
        const status = await post(agent, body);
        if (status < 300) return;
        if (status !== 429 && status !== 503) throw new Error(`answered ${status}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    end: async () => agent.destroy(),
  };
}

function post(agent: http.Agent, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'text/plain', 'content-length': body.length };
    const options = { agent, host: '127.0.0.1', port: order.port, method: 'POST', path: '/', headers };
    const request = http.request(options, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject).end(body);
  });
}
