/**
 * Requests under an Idempotency-Key: taken once, whatever crashes and however often they come. The power is cut before every
 * change to the disk; the client sends again what was not answered, and sometimes what was.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpCollector } from '../../../collectors/http/collector.ts';
import type { WireRequest, WireResponse } from '../../../collectors/ports.ts';
import type { LogEntry } from '../../../spool/ports.ts';
import { openSpool, type Spool } from '../../../spool/spool.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SimulatedDisk } from '../../simulation/disk.ts';
import { inflater } from '../../simulation/inflater.ts';
import { firstSeed, SeededRandom } from '../../simulation/random.ts';
import { codec, linesOf } from '../../spool/temporary-spool.ts';
import { options as spoolOptions } from '../../spool/world.ts';
import { HttpWorldUnderTest, httpDefaults, type Told } from './world.ts';

const seed = firstSeed(1);

test('a key is taken once: again while it runs, again at once, again after a restart', async () => {
  await using world = await HttpWorldUnderTest.start();
  const both = await Promise.all([world.post('one\ntwo\n', {}, 'a'), world.post('one\ntwo\n', {}, 'a')]);
  assert.deepEqual(both.map(({ told }) => told.repeated ?? false).toSorted(), [false, true]);
  assert.deepEqual((await world.post('one\ntwo\n', {}, 'a')).told, { records: 2, repeated: true });
  assert.deepEqual((await world.post('one\ntwo\n', {}, 'b')).told, { records: 2 });
  await world.close();
  await world.open();
  assert.deepEqual((await world.post('one\ntwo\n', {}, 'a')).told, { records: 2, repeated: true });
  assert.deepEqual((await world.post('one\ntwo\n', {}, 'c')).told, { records: 2 });
  assert.deepEqual(world.records, ['one\n', 'two\n', 'one\n', 'two\n', 'one\n', 'two\n']);
  assert.equal(world.collector.status().gauges.repeated_requests, 1);
});

test('what keeps the keys belongs to the same host as the records: a mirror has one folder for both', async () => {
  await using world = await HttpWorldUnderTest.start();
  await world.post('one\n', {}, 'a');
  const resources = [...world.spool.intake.sources.values()].map(({ description }) => description.resource);
  assert.deepEqual(resources, [{ 'host.name': 'h' }, { 'host.name': 'h' }]);
});

test('a request that was refused leaves its key free; one without records takes none', async () => {
  await using world = await HttpWorldUnderTest.start();
  const ndjson = { 'content-type': 'application/x-ndjson' };
  assert.equal((await world.post('{"a":', ndjson, 'a')).status, 400);
  assert.deepEqual((await world.post('', ndjson, 'a')).told, { records: 0 });
  assert.deepEqual((await world.post('{"a":1}', ndjson, 'a')).told, { records: 1 });
  assert.equal((await world.post('x', {}, 'k'.repeat(256))).status, 400);
});

test('the newest keys are known, and no more are kept than that; over restarts with another limit too', async () => {
  await using world = await HttpWorldUnderTest.start({ keysMax: 200 });
  const send = async (from: number, upto: number) => {
    const told: Told[] = [];
    for (let at = from; at < upto; at += 50) {
      const some = Array.from({ length: 50 }, (_, index) => world.post('x\n', {}, `key ${at + index}`));
      told.push(...(await Promise.all(some)).map((answer) => answer.told));
    }
    return told;
  };
  await send(0, 500);
  const known = world.collector.status().gauges.idempotency_keys!;
  assert.ok(known >= 200 && known <= 200 + 128, `${known} keys`);
  assert.ok((await send(300, 500)).every(({ repeated }) => repeated === true));
  await world.close();
  await world.open({ keysMax: 100 });
  const { gauges } = world.collector.status();
  assert.ok(gauges.idempotency_keys! >= 100 && gauges.idempotency_keys! <= 228, `${gauges.idempotency_keys} keys`);
  assert.ok((await send(400, 500)).every(({ repeated }) => repeated === true));
  assert.equal((await world.post('x\n', {}, 'key 0')).told.repeated, undefined);
  assert.equal(world.records.length, 501);
});

test(`a power cut before operation k, for every k: each request is there once (SEED=${seed})`, async () => {
  const operations = (await new Client(seed).live(new SimulatedDisk())).operations;
  assert.ok(operations > 40, `${operations} operations`);
  let repeated = 0;
  for (let k = 0; k < operations; k++) {
    const client = new Client(seed + k);
    let disk = new SimulatedDisk();
    for (const point of [k, (k * 7) % 40, Number.POSITIVE_INFINITY]) {
      disk.crashBefore(point);
      disk = await client.live(disk);
      if (disk.crashed) disk = disk.reopenAfterCrash(seed * 1000 + k);
      else break;
    }
    assert.deepEqual(client.received.toSorted(), client.expected.toSorted(), `SEED=${seed}, cut before ${k}`);
    repeated += client.repeated;
  }
  assert.ok(repeated > operations / 10, `only ${repeated} requests came again`);
});

/** Sends requests one after the other, some at once, each under its key until it was answered. */
class Client {
  readonly #random: SeededRandom;
  readonly #requests = Array.from({ length: 30 }, (_, number) => requestText(number));
  readonly #answered = new Set<number>();
  received: string[] = [];
  repeated = 0;

  constructor(from: number) {
    this.#random = new SeededRandom(from);
  }

  get expected(): string[] {
    return this.#requests.flatMap((text) => text.split(/(?<=\n)/));
  }

  /** Until all was answered, or the disk crashed. Gives the disk. */
  async live(disk: SimulatedDisk): Promise<SimulatedDisk> {
    const clock = new SimulatedClock();
    const log = { write: (_entry: LogEntry) => {} };
    try {
      const random = this.#random.fork();
      const spool = await clock.run(openSpool(spoolOptions, { files: disk.files, clock, random, codec, log }));
      const listener = { listen: () => Promise.reject(new Error('nobody listens here')) };
      const world = { intake: spool.intake, clock, inflater, log, listener, credentials: {} };
      const collector = new HttpCollector({ ...httpDefaults, keysMax: 100 }, world);
      await this.#sendAll(collector, clock, disk);
      if (disk.crashed) return disk;
      this.received = receivedBy(spool);
      await clock.run(spool.close());
    } catch (error) {
      if (!disk.crashed) throw error;
    }
    return disk;
  }

  async #sendAll(collector: HttpCollector, clock: SimulatedClock, disk: SimulatedDisk): Promise<void> {
    while (this.#answered.size < this.#requests.length && !disk.crashed) {
      const open = this.#requests.map((_, number) => number).filter((number) => !this.#answered.has(number));
      const numbers = open.slice(0, 1 + this.#random.below(3));
      // Now and then one that was answered already, or the same one twice.
      if (this.#random.chance(0.3)) numbers.push(this.#random.below(numbers[0]! + 1));
      const sent = Promise.all(numbers.map((number) => collector.handle(requestFor(number))));
      let done = false;
      void sent.then(
        () => (done = true),
        () => (done = true),
      );
      while (!done && !disk.crashed) await clock.advance(5);
      if (disk.crashed) return;
      for (const [index, answer] of (await sent).entries()) this.#heard(numbers[index]!, answer);
    }
  }

  #heard(number: number, { status, body }: WireResponse): void {
    assert.equal(status, 200, String(body));
    if (String(body).includes('repeated')) this.repeated++;
    // An answer may get lost.
    if (this.#random.chance(0.9)) this.#answered.add(number);
  }
}

function requestText(number: number): string {
  return Array.from(
    { length: 1 + (number % 4) },
    (_, line) => `request ${number} line ${line} ${'ab'.repeat(number)}\n`,
  ).join('');
}

function requestFor(number: number): WireRequest {
  let rest: Buffer | undefined = Buffer.from(requestText(number));
  const body = {
    async read(take: (piece: Uint8Array) => boolean) {
      const piece = rest;
      rest = undefined;
      return piece !== undefined && !take(piece);
    },
  };
  const headers = { 'idempotency-key': `request ${number}` };
  return { method: 'POST', target: '/', headers, peer: '10.0.0.1:7', body, signal: new AbortController().signal };
}

function receivedBy(spool: Spool): string[] {
  const outlet = spool.outlet('s');
  const lines: string[] = [];
  for (let at = outlet.oldest; ; ) {
    const read = outlet.read(at, 1024 * 1024);
    if (read.kind === 'end' || read.kind === 'unreadable') return lines;
    if (read.kind === 'blocks') lines.push(...linesOf(read, codec));
    at = read.upto;
  }
}
