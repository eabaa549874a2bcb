/** What a receiver (or whatever stands in its place) may answer wrongly, to a question and to a batch, and that each is seen in the status. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeAnswer } from '../../spool/wire-answer.ts';
import { Pair } from './pair.ts';
import { askStatus, until } from './tailspool.ts';

type Answering = (socket: Socket) => void;

const page = '<html>please log in</html>';
const answer =
  (status: string, body = '', headers: readonly string[] = []): Answering =>
  (socket) =>
    void socket.end(
      [`HTTP/1.1 ${status}`, ...headers, `content-length: ${body.length}`, 'connection: close', '', body].join('\r\n'),
    );

interface Misanswer {
  readonly say: Answering;
  /** As it is counted in `outcomes`, and the problem's cause. */
  readonly outcome: string;
  readonly cause: string;
  /** It will not pass by itself, somebody has to mend the endpoint. */
  readonly red: boolean;
}

const passing = (say: Answering, outcome: string, cause: string): Misanswer => ({ say, outcome, cause, red: false });
const lasting = (say: Answering, outcome: string, cause: string): Misanswer => ({ say, outcome, cause, red: true });
const half = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf';

const misanswers: Readonly<Record<string, Misanswer>> = {
  'a 429': passing(answer('429 Too Many', '', ['retry-after: 0']), 'status_429', 'rate_limited'),
  'a 503': passing(answer('503 Service Unavailable'), 'status_503', 'server_error'),
  'a 500': passing(answer('500 Oops'), 'status_500', 'server_error'),
  garbage: passing((socket) => void socket.end('\u0000\u0001 no http at all\r\n\r\n'), 'network', 'not_http'),
  'half a reply': passing((socket) => void socket.end(half), 'network', 'connection_reset'),
  'a connection closed mid-body': passing((socket) => void socket.destroy(), 'network', 'connection_reset'),
  'no answer at all': passing(() => {}, 'timeout', 'timeout'),
  'a redirect': lasting(answer('302 Found', '', ['location: http://127.0.0.1:1/']), 'status_302', 'redirected'),
  'a 401': lasting(answer('401 Unauthorized'), 'status_401', 'unauthorized'),
  'a 403': lasting(answer('403 Forbidden'), 'status_403', 'forbidden'),
  'a 404': lasting(answer('404 Not Found'), 'status_404', 'not_found'),
  'a 413': lasting(answer('413 Too Large'), 'status_413', 'too_large'),
  'a 426': lasting(answer('426 Upgrade Required'), 'status_426', 'unknown_version'),
  'a login page with 200': lasting(answer('200 OK', page, ['content-type: text/html']), 'not_ours', 'login_page'),
};

/** What an honest receiver says that never met the agent. */
const honest = answer(
  '200 OK',
  encodeAnswer({
    ...{ answer: 'state', receiver: 'f'.repeat(32), row: undefined, rows: [] },
    ...{ describe: false, versions: [1], message: 'never met' },
  }),
);

test('every misanswer of a receiver is visible in the status, and none loses or repeats a line', async (t) => {
  const say: Record<'GET' | 'POST', Answering> = { GET: honest, POST: () => {} };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', (head) => say[head.toString('latin1', 0, 4) === 'POST' ? 'POST' : 'GET'](socket));
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

  for (const method of ['GET', 'POST'] as const) {
    for (const [name, misanswer] of Object.entries(misanswers)) {
      say[method] = misanswer.say;
      for (const socket of sockets) socket.destroy();
      await seen(pair, `${name} to a ${method}`, misanswer);
    }
    say.GET = honest;
  }
  await moveReceiverTo(pair, port, server, sockets);
  await pair.untilMirrored('a.log', text.length);
  assert.equal(pair.mirrored('a.log')?.toString(), text);
  const mended = async () => (await askStatus(pair.agentData))?.problems.length === 0;
  await until('no problem left', mended, () => pair.describe());
});

/** Until two attempts ended this way and the shipper says what is wrong. */
async function seen(pair: Pair, what: string, { outcome, cause, red }: Misanswer): Promise<void> {
  const ask = async () => {
    const status = await askStatus(pair.agentData);
    return { count: status?.shippers[0]?.outcomes[outcome] ?? 0, problems: status?.problems ?? [] };
  };
  const before = (await ask()).count;
  const check = async () => {
    const { count, problems } = await ask();
    const mine = problems.filter(({ part }) => part === 'shipper central');
    // What passes by itself turns red, too, when it lasts.
    const isSo = (problem: (typeof mine)[number]) =>
      problem.cause === cause && (problem.red === red || Date.now() - problem.since > 30_000);
    return count >= before + 2 && mine.length === 1 && mine.every(isSo);
  };
  await until(`${what} in the status`, check, () => pair.describe(), 20_000);
}

/** The true receiver takes the place of the false one. */
async function moveReceiverTo(pair: Pair, port: number, server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of sockets) socket.destroy();
  await closed;
  pair.startReceiver(port);
}
