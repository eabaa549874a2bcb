/** How long idempotency keys are known: on simulated clocks and disks, over kills, with clocks that are set back and spools of older versions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Keys } from '../../../collectors/http/keys.ts';
import { decodeKeys, digestOf, encodeKeys } from '../../../collectors/http/keys-state.ts';
import type { LogEntry } from '../../../spool/ports.ts';
import { openSpool, type Spool } from '../../../spool/spool.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SimulatedDisk } from '../../simulation/disk.ts';
import { SeededRandom } from '../../simulation/random.ts';
import { codec } from '../../spool/temporary-spool.ts';
import { options as spoolOptions } from '../../spool/world.ts';

const minute = 60_000;
const hour = 60 * minute;
const start = 1_790_000_000_000;

test('a key is known for an hour and no longer, and its source leaves the spool', async () => {
  const world = await World.start();
  world.keys.remember('a');
  await world.clock.advance(30 * minute);
  world.keys.remember('b');
  await world.clock.advance(30 * minute - 1);
  assert.deepEqual(world.known('a', 'b'), [true, true]);
  await world.clock.advance(1);
  assert.deepEqual(world.known('a', 'b'), [false, true]);
  assert.deepEqual([world.keys.size, world.spool.intake.sources.size], [1, 1]);
  // Nobody asks, and it goes all the same.
  await world.clock.advance(30 * minute);
  assert.equal(world.spool.intake.sources.size, 0);
  assert.equal(world.keys.size, 0);
  world.keys.remember('a');
  assert.deepEqual(world.known('a'), [true]);
});

test('of more keys than it knows the oldest go before they are an hour old, and memory is bounded', async () => {
  const world = await World.start({ keysMax: 200 });
  for (let n = 0; n < 1000; n++) world.keys.remember(`${n}`);
  assert.deepEqual(world.known('799', '800', '999'), [world.keys.size > 200, true, true]);
  assert.ok(world.keys.size >= 200 && world.keys.size <= 328, `${world.keys.size}`);
  await world.clock.advance(hour);
  assert.equal(world.keys.size, 0);
  assert.equal(world.spool.intake.sources.size, 0);
});

test('a key that comes again when it was forgotten is known for another hour', async () => {
  const world = await World.start();
  world.keys.remember('a');
  await world.clock.advance(50 * minute);
  world.keys.remember('b');
  await world.clock.advance(20 * minute);
  assert.deepEqual(world.known('a'), [false]);
  world.keys.remember('a');
  // 'b' goes, and with it the place where the first 'a' stood.
  await world.clock.advance(45 * minute);
  assert.deepEqual(world.known('a', 'b'), [true, false]);
  await world.again();
  assert.deepEqual(world.known('a', 'b'), [true, false]);
});

test('the hour goes on while the process is killed and down', async () => {
  const world = await World.start();
  world.keys.remember('a');
  await world.clock.advance(20 * minute);
  world.keys.remember('b');
  await world.again(39 * minute);
  assert.deepEqual(world.known('a', 'b'), [true, true]);
  // Seconds are kept, rounded up.
  await world.again(minute + 1000);
  assert.deepEqual(world.known('a', 'b'), [false, true]);
  await world.clock.advance(20 * minute);
  assert.deepEqual(world.known('b'), [false]);
  assert.equal(world.spool.intake.sources.size, 0);
});

test('a clock that is set while it runs changes nothing', async () => {
  const world = await World.start();
  world.keys.remember('a');
  world.clock.setWall(start + 100 * hour);
  assert.deepEqual(world.known('a'), [true]);
  world.clock.setWall(start - 100 * hour);
  await world.clock.advance(hour);
  assert.deepEqual(world.known('a'), [false]);
});

test('over a restart a key from the future is as if taken now, and none is older than one before it', async () => {
  const world = await World.start();
  world.clock.setWall(start + 24 * hour);
  world.keys.remember('future');
  world.clock.setWall(start);
  world.keys.remember('after');
  // A host without a clock of its own begins in 1970, until it is told.
  world.clock.setWall(0);
  world.keys.remember('early');
  world.clock.setWall(start + minute);
  await world.again();
  assert.deepEqual(world.known('future', 'after', 'early'), [true, true, true]);
  await world.clock.advance(hour - 1);
  assert.deepEqual(world.known('future', 'after', 'early'), [true, true, true]);
  await world.clock.advance(1);
  assert.deepEqual(world.known('future', 'after', 'early'), [false, false, false]);
});

test('what an older version kept, without times, is known for an hour from the start', async () => {
  const world = await World.start();
  const { intake } = world.spool;
  const source = intake.begin({ ...ours, attributes: { 'tailspool.keeps': 'idempotency keys' } });
  const old = Array.from({ length: 64 }, (_, n) => digestOf(`old ${n}`));
  intake.commit({
    ...{ source, from: 63, to: 64, mark: new Uint8Array(0), state: Buffer.from(old.join(''), 'latin1') },
    ...{ format: 'text', records: 0, bytes: 0, time: start, continues: false, unterminated: false },
  });
  await world.again(5 * hour);
  assert.deepEqual(world.known('old 0', 'old 63', 'old 64'), [true, true, false]);
  world.keys.remember('new');
  await world.clock.advance(hour - 1);
  assert.deepEqual(world.known('old 0', 'old 63', 'new'), [true, true, true]);
  await world.clock.advance(hour);
  assert.equal(world.keys.size, 0);
});

test('states say what was kept; those of older versions, of any number of keys, are told apart', () => {
  for (let count = 0; count <= 64; count++) {
    const digests = Array.from({ length: count }, (_, n) => digestOf(`${n}`));
    const keys = digests.map((digest, n) => ({ digest, taken: 1_790_000_000 + n }));
    assert.deepEqual(decodeKeys(encodeKeys(keys)), keys);
    const old = digests.map((digest) => ({ digest, taken: undefined }));
    assert.deepEqual(decodeKeys(Buffer.from(digests.join(''), 'latin1')), old);
  }
});

const ours = { collector: 'in', type: 'http', resource: { 'host.name': 'h' } };

class World {
  readonly clock = new SimulatedClock(start);
  readonly #options: { readonly keysMax: number; readonly keysMs: number };
  #disk = new SimulatedDisk();
  spool!: Spool;
  keys!: Keys;

  private constructor(options: { readonly keysMax?: number }) {
    this.#options = { keysMax: 1000, keysMs: hour, ...options };
  }

  static async start(options: { readonly keysMax?: number } = {}): Promise<World> {
    const world = new World(options);
    await world.#open();
    return world;
  }

  known(...keys: string[]): boolean[] {
    return keys.map((key) => this.keys.has(key));
  }

  /** Killed, and started again after so long. */
  async again(downMs = 0): Promise<void> {
    await this.clock.run(this.spool.intake.flush());
    this.keys.stop();
    this.#disk = this.#disk.reopenAfterKill();
    this.clock.passSilently(downMs);
    await this.#open();
  }

  async #open(): Promise<void> {
    const log = { write: (_entry: LogEntry) => {} };
    const world = { files: this.#disk.files, clock: this.clock, random: new SeededRandom(1), codec, log };
    this.spool = await this.clock.run(openSpool(spoolOptions, world));
    this.keys = new Keys({ ...ours, ...this.#options }, { intake: this.spool.intake, clock: this.clock });
  }
}
