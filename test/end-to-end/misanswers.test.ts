/** What a receiver (or whatever stands in its place) may answer wrongly, and that each is seen in the status. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Pair } from './pair.ts';
import { askStatus, until } from './tailspool.ts';

type Misanswer = (socket: Socket) => void;

const page = '<html>please log in</html>';
const answer =
  (status: string, body = '', headers: readonly string[] = []): Misanswer =>
  (socket) =>
    void socket.end(
      [`HTTP/1.1 ${status}`, ...headers, `content-length: ${body.length}`, 'connection: close', '', body].join('\r\n'),
    );

/** `red`: it will not pass by itself, somebody has to mend the endpoint. */
const misanswers: Readonly<Record<string, { readonly say: Misanswer; readonly red: boolean }>> = {
  'a redirect': { say: answer('302 Found', '', ['location: http://127.0.0.1:1/']), red: true },
  'a 401': { say: answer('401 Unauthorized'), red: true },
  'a 403': { say: answer('403 Forbidden'), red: true },
  'a 404': { say: answer('404 Not Found'), red: true },
  'a 426': { say: answer('426 Upgrade Required'), red: true },
  'a login page with 200': { say: answer('200 OK', page, ['content-type: text/html']), red: true },
  'a 429': { say: answer('429 Too Many Requests', '', ['retry-after: 0']), red: false },
  'a 503': { say: answer('503 Service Unavailable'), red: false },
  'a 500': { say: answer('500 Oops'), red: false },
  garbage: { say: (socket) => void socket.end('\u0000\u0001 no http at all\r\n\r\n'), red: false },
  'half a reply': {
    say: (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'),
    red: false,
  },
  'a connection closed mid-body': { say: (socket) => void socket.destroy(), red: false },
  'no answer at all': { say: () => {}, red: false },
};

test('every misanswer of a receiver is visible in the status, and none loses or repeats a line', async (t) => {
  let say: Misanswer = () => {};
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', () => say(socket));
    socket.on('data', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = (server.address() as AddressInfo).port;
  const shipper = ['retry_max: 100ms', 'progress_timeout: 500ms', 'connect_timeout: 2s'];
  await using pair = await Pair.make({ url: `http://127.0.0.1:${port}/v1/blocks`, shipper });
  t.after(() => server.close());
  const text = 'a line that has to wait\n'.repeat(1000);
  fs.writeFileSync(join(pair.logs, 'a.log'), text);
  pair.startAgent();

  for (const [name, misanswer] of Object.entries(misanswers)) {
    say = misanswer.say;
    for (const socket of sockets) socket.destroy();
    await seen(pair, name, misanswer.red);
  }
  await moveReceiverTo(pair, port, server, sockets);
  await pair.untilMirrored('a.log', text.length);
  assert.equal(pair.mirrored('a.log')?.toString(), text);
  const mended = async () => (await askStatus(pair.agentData))?.problems.length === 0;
  await until('no problem left', mended, () => pair.describe());
});

/** Until two attempts ended this way and the shipper says what is wrong. */
async function seen(pair: Pair, name: string, red: boolean): Promise<void> {
  const attempts = async () => (await askStatus(pair.agentData))?.shippers[0]?.attempts ?? 0;
  const before = await attempts();
  const check = async () => {
    const status = await askStatus(pair.agentData);
    const mine = status?.problems.filter(({ part }) => part === 'shipper central') ?? [];
    const attempted = (status?.shippers[0]?.attempts ?? 0) >= before + 2;
    return attempted && mine.length > 0 && status?.red === red && mine.every(({ message }) => message.length > 10);
  };
  await until(`${name} in the status`, check, () => pair.describe(), 20_000);
}

/** The true receiver takes the place of the false one. */
async function moveReceiverTo(
  pair: Pair,
  port: number,
  server: { close(done: () => void): void },
  sockets: ReadonlySet<Socket>,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(resolve));
  for (const socket of sockets) socket.destroy();
  await closed;
  pair.startReceiver(port);
}
