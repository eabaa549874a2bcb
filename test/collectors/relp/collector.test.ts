/** RELP's server over real sockets: what is acknowledged is durable, and a client that misbehaves harms only itself. */
import assert from 'node:assert/strict';
import * as net from 'node:net';
import { test } from 'node:test';
import { hostStreamListener } from '../../../agent/host/stream-listener.ts';
import { RelpCollector } from '../../../collectors/relp/collector.ts';
import type { RelpOptions } from '../../../collectors/relp/options.ts';
import { rawRecorder } from '../../../collectors/relp/record.ts';
import type { Event } from '../../../spool/event.ts';
import type { Spool } from '../../../spool/spool.ts';
import { freePort, until } from '../../end-to-end/tailspool.ts';
import { delivered, temporarySpool } from '../../spool/temporary-spool.ts';

const log = { write() {} };

async function listening(spool: Spool, clock: ConstructorParameters<typeof RelpCollector>[1]['clock']) {
  const options: RelpOptions = {
    ...{ name: 'r', host: '127.0.0.1', port: await freePort(), tls: undefined, messageBytesMax: 64 },
    ...{ connectionsMax: 10, connectionsPerPeerMax: 10, attributes: {}, resource: {} },
  };
  const world = { intake: spool.intake, streams: hostStreamListener(log), clock, log, record: rawRecorder() };
  const collector = new RelpCollector(options, world);
  await collector.start();
  return { collector, port: options.port };
}

/** Says something and hears the answers. */
class Client {
  readonly #socket: net.Socket;
  heard = '';
  ended = false;

  constructor(port: number) {
    this.#socket = net.connect(port, '127.0.0.1');
    this.#socket.on('data', (bytes) => (this.heard += bytes)).on('error', () => {});
    this.#socket.on('close', () => (this.ended = true));
  }

  say(...frames: readonly string[]): void {
    this.#socket.write(frames.join(''));
  }

  cut(): void {
    this.#socket.resetAndDestroy();
  }

  async hears(text: string): Promise<void> {
    await until(
      text,
      () => this.heard.includes(text),
      () => this.heard,
      10_000,
    );
  }

  async ends(): Promise<void> {
    await until(
      'the end',
      () => this.ended,
      () => this.heard,
      10_000,
    );
  }
}

const open = '1 open 15 commands=syslog\n';

function bodies(dir: Parameters<typeof delivered>[0], spool: Spool): unknown[] {
  return delivered(dir, spool.outlet('s')).map((line) => (JSON.parse(line) as Event).body);
}

test('a session: offers, messages that are durable when they are acknowledged, close', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  const { collector, port } = await listening(spool, dir.ports.clock);
  const client = new Client(port);
  client.say(open);
  await client.hears('1 rsp 61 200 OK\nrelp_version=0\nrelp_software=tailspool\ncommands=syslog\n');
  client.say('2 syslog 3 one\n3 syslog 4 two\n\n', `4 syslog 100 ${'x'.repeat(100)}\n`);
  await client.hears('2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 6 200 OK\n');
  assert.deepEqual(bodies(dir, spool), ['one', 'two', 'x'.repeat(64)]);
  client.say('5 close 0\n');
  await client.hears('5 rsp 0\n0 serverclose 0\n');
  await client.ends();
  const { gauges } = collector.status();
  assert.deepEqual([gauges.acknowledged, gauges.cut, gauges.broken, gauges.may_be_repeated], [3, 1, 0, 0]);
  await collector.stop();
  await spool.close();
});

test('of a session that breaks it is counted what may come again', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  const { collector, port } = await listening(spool, dir.ports.clock);
  const client = new Client(port);
  client.say(open, '2 syslog 3 one\n');
  await client.hears('2 rsp 6 200 OK\n');
  client.cut();
  await until('the break', () => collector.status().gauges.broken === 1);
  assert.equal(collector.status().gauges.may_be_repeated, 1);
  await collector.stop();
  await spool.close();
});

test('who does not speak RELP is refused, and others are served meanwhile', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  const { collector, port } = await listening(spool, dir.ports.clock);
  const good = new Client(port);
  good.say(open);
  const refused = [
    'GET / HTTP/1.1\r\n\r\n',
    '1 syslog 1 x\n',
    '1 open 3 a=b\n',
    `${open}2 dance 0\n`,
    `${open}${open}`,
  ];
  for (const said of refused) {
    const bad = new Client(port);
    bad.say(said);
    await bad.ends();
    assert.match(bad.heard, /0 serverclose 0\n$/, said);
  }
  good.say('2 syslog 4 good\n');
  await good.hears('2 rsp 6 200 OK\n');
  assert.equal(collector.status().gauges.protocol_errors, refused.length);
  assert.deepEqual(bodies(dir, spool), ['good']);
  await collector.stop();
  await good.ends();
  assert.match(good.heard, /0 serverclose 0\n$/);
  await spool.close();
});

test('a busy port is a red problem, and taken when it is free', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  const holder = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => holder.once('listening', resolve));
  const { port } = holder.address() as net.AddressInfo;
  const options: RelpOptions = {
    ...{ name: 'r', host: '127.0.0.1', port, tls: undefined, messageBytesMax: 64 },
    ...{ connectionsMax: 10, connectionsPerPeerMax: 10, attributes: {}, resource: {} },
  };
  const world = { intake: spool.intake, streams: hostStreamListener(log), clock: dir.ports.clock, log };
  const collector = new RelpCollector(options, { ...world, record: rawRecorder() });
  await collector.start();
  const [problem] = collector.status().problems;
  assert.deepEqual([problem?.cause, problem?.red], ['cannot_listen', true]);
  await new Promise((resolve) => holder.close(resolve));
  await until('the port', () => collector.status().problems.length === 0);
  await collector.stop();
  await spool.close();
});
