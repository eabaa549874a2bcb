/**
 * An agent and a receiver on real spools, both on simulated disks whose power is cut at any moment, with a bad network in
 * between. At the end the receiver's spool has every line once and in order. `SEED=n` replays one run, `SEEDS=n` runs more.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlocksCollector } from '../../../collectors/blocks/receiver.ts';
import type { Listener } from '../../../collectors/ports.ts';
import { HttpShipper } from '../../../shippers/http/native/shipper.ts';
import { decodeHeader } from '../../../spool/format.ts';
import { expandFrame } from '../../../spool/format-table.ts';
import type { Clock, LogEntry, Timer } from '../../../spool/ports.ts';
import { openSpool, type Spool } from '../../../spool/spool.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SimulatedDisk } from '../../simulation/disk.ts';
import { codec, textRun } from '../../spool/temporary-spool.ts';
import { Network } from '../../wire/network.ts';
import { Seeded } from '../../wire/seeded.ts';

const seeds = process.env.SEED
  ? [Number(process.env.SEED)]
  : Array.from({ length: Number(process.env.SEEDS ?? 8) }, (_, index) => index + 1);

const lines = Array.from({ length: 400 }, (_, n) => `line ${n} ${'ab'.repeat((n * 7) % 40)}\n`);
const content = lines.join('');

for (const seed of seeds) {
  test(`with power cuts on both sides every line arrives once and in order (SEED=${seed})`, async () => {
    const run = new Run(seed);
    await run.work(150);
    await run.end();
    assert.equal(run.received(), content);
    assert.deepEqual(run.dropped(), []);
    assert.ok(run.cuts > 2, `${run.cuts} power cuts`);
  });
}

for (const seed of seeds) {
  test(`with either side restored from what a power cut would have left earlier, no line is lost (SEED=${seed})`, async () => {
    const run = new Run(seed + 500);
    run.restores = true;
    await run.work(150);
    await run.end();
    const received = new Set(run.received().split('\n'));
    const missing = lines.filter((line) => !received.has(line.slice(0, -1)));
    assert.deepEqual(missing, []);
    assert.deepEqual(run.dropped(), []);
    assert.ok(run.restored > 0, 'nothing was restored');
  });
}

/** A clock that dies with its process: nothing that it was asked for happens after `kill`. */
class LifeClock implements Clock {
  readonly #clock: Clock;
  #alive = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  kill(): void {
    this.#alive = false;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(delayMs: number, call: () => void): Timer {
    return this.#clock.after(delayMs, () => {
      if (this.#alive) call();
    });
  }

  soon(call: () => void): void {
    this.#clock.soon(() => {
      if (this.#alive) call();
    });
  }
}

interface Life {
  readonly clock: LifeClock;
  readonly spool: Spool;
}

class Run {
  readonly #clock = new SimulatedClock();
  readonly #chance: Seeded;
  readonly #network = new Network(this.#clock);
  readonly #log: LogEntry[] = [];
  #disks = { agent: new SimulatedDisk(), center: new SimulatedDisk() };
  #agent: (Life & { shipper: HttpShipper; source: number; offset: number }) | undefined;
  #center: (Life & { receiver: BlocksCollector }) | undefined;
  #faulty = true;
  readonly #copies: { agent?: SimulatedDisk; center?: SimulatedDisk } = {};
  /** Disks may come back as they were earlier. */
  restores = false;
  restored = 0;
  cuts = 0;

  constructor(seed: number) {
    this.#chance = new Seeded(seed);
    this.#network.fault = () => {
      if (!this.#faulty || this.#chance.chance(0.8)) return { kind: 'none' };
      const kinds = ['refused', 'lost_answer', 'twice'] as const;
      const kind = kinds[this.#chance.below(4)];
      return kind ? { kind } : { kind: 'late_copy', delayMs: this.#chance.below(2000) };
    };
  }

  async work(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      await this.#live();
      if (this.restores) this.#copySome();
      const dice = this.#chance.below(20);
      if (dice === 0) await this.#cut('agent');
      else if (dice === 1) await this.#cut('center');
      else if (dice < 12) this.#read(1 + this.#chance.below(8));
      if (this.#chance.chance(0.7)) await this.#clock.advance(this.#chance.below(60));
    }
  }

  /** The faults end; everything drains. */
  async end(): Promise<void> {
    this.#faulty = false;
    for (let round = 0; round < 2000; round++) {
      await this.#live();
      this.#read(20);
      await this.#clock.advance(100);
      const { spool, offset } = this.#agent!;
      if (offset === content.length && spool.outlet('s').waiting().records === 0) break;
    }
    await this.#clock.advance(10_000);
  }

  received(): string {
    return this.#blocks()
      .filter(({ header }) => header.origin && header.records > 0)
      .map(({ header, frame }) => {
        const origin = decodeHeader(header.origin!);
        assert.ok(origin.kind === 'header');
        return expandFrame(frame, codec)!.toString();
      })
      .join('');
  }

  dropped() {
    return this.#blocks().flatMap(({ header }) => header.runs.flatMap((run) => run.dropped ?? []));
  }

  #blocks() {
    const outlet = this.#center!.spool.outlet('s');
    const found = [];
    for (let at = outlet.oldest; ; ) {
      const read = outlet.read(at, 1024 * 1024);
      if (read.kind === 'end' || read.kind === 'unreadable') return found;
      if (read.kind === 'blocks')
        for (const block of read.blocks) {
          const decoded = decodeHeader(Buffer.from(block.header));
          if (decoded.kind === 'header') found.push({ header: decoded.header, frame: Buffer.from(block.frame) });
        }
      at = read.upto;
    }
  }

  /** Starts whoever is dead. */
  async #live(): Promise<void> {
    if (!this.#center) await this.#startCenter();
    if (!this.#agent) await this.#startAgent();
  }

  async #startAgent(): Promise<void> {
    const clock = new LifeClock(this.#clock);
    const spool = await this.#open('agent', clock);
    const known = [...spool.intake.sources.values()][0];
    const description = { collector: 'c', type: 'file', resource: {}, attributes: { 'log.file.path': '/a' } };
    const source = known?.number ?? spool.intake.begin(description);
    const options = {
      name: 's',
      url: 'http://center/v1/blocks',
      connectTimeoutMs: 1000,
      progressTimeoutMs: 5000,
      batchBytesMax: 3000,
      retryDelayMsMax: 500,
    };
    const world = {
      outlet: spool.outlet('s'),
      transports: this.#network,
      clock,
      random: this.#chance,
      log: this.#logging,
    };
    const shipper = new HttpShipper(options, world);
    this.#agent = { clock, spool, shipper, source, offset: known?.cursor.offset ?? 0 };
    await shipper.start();
  }

  async #startCenter(): Promise<void> {
    const clock = new LifeClock(this.#clock);
    const spool = await this.#open('center', clock);
    const network = this.#network;
    const listener: Listener = {
      async listen(_, handler) {
        network.handler = handler;
        return { host: 'center', port: 1, connections: 0, close: async () => {} };
      },
    };
    const options = { name: 'edge', host: 'center', port: 0, connectionsMax: 10, idleTimeoutMs: 1000 };
    const world = { intake: spool.intake, receiver: spool.id, listener, clock, log: this.#logging };
    const receiver = new BlocksCollector({ ...options, memoryBytesMax: 1024 * 1024 }, world);
    this.#center = { clock, spool, receiver };
    await receiver.start();
  }

  get #logging() {
    return { write: (entry: LogEntry) => void this.#log.push(entry) };
  }

  #open(side: 'agent' | 'center', clock: Clock): Promise<Spool> {
    const options = {
      dataDir: '/data',
      syncIntervalMs: 10,
      segmentBytes: 6000,
      maxBytes: 1024 ** 3,
      minFreeBytes: 0,
      damagedBytesMax: 1024 ** 3,
      // a receiver that is restored can only be refilled from what is kept
      retainAckedBytes: side === 'agent' && !this.restores ? 0 : 1024 ** 2 * 100,
      shippers: [{ name: 's', whenFull: 'block' as const }],
    };
    const ports = { files: this.#disks[side].files, clock, random: this.#chance, codec, log: this.#logging };
    return this.#clock.run(openSpool(options, ports));
  }

  /** The power goes, or only the process is killed. */
  async #cut(side: 'agent' | 'center'): Promise<void> {
    const life = side === 'agent' ? this.#agent! : this.#center!;
    const disk = this.#disks[side];
    this.cuts++;
    disk.crashNow();
    life.clock.kill();
    if (side === 'agent') {
      void this.#agent!.shipper.stop().catch(() => undefined);
      this.#agent = undefined;
    } else {
      this.#network.handler = undefined;
      this.#center = undefined;
    }
    await this.#clock.advance(this.#chance.below(200));
    const copy = this.#copies[side];
    if (copy && this.#chance.chance(0.4)) {
      this.restored++;
      this.#disks[side] = copy.afterPowerCut(0);
      return;
    }
    this.#disks[side] = this.#chance.chance(0.3)
      ? disk.reopenAfterKill()
      : disk.reopenAfterCrash(this.#chance.below(2 ** 30));
  }

  #copySome(): void {
    for (const side of ['agent', 'center'] as const)
      if (this.#chance.chance(0.1)) this.#copies[side] = this.#disks[side].afterPowerCut(this.#chance.below(2 ** 30));
  }

  #read(count: number): void {
    const { spool, source, offset } = this.#agent!;
    let end = offset;
    for (let n = 0; n < count && end < content.length; n++) end = content.indexOf('\n', end) + 1;
    const bytes = end - offset;
    const view = bytes > 0 ? spool.intake.reserve(bytes) : undefined;
    if (!view) return;
    Buffer.from(view.buffer, view.byteOffset, bytes).write(content.slice(offset, end));
    const records = content.slice(offset, end).split('\n').length - 1;
    spool.intake.commit(textRun({ source, from: offset, bytes, records }));
    this.#agent!.offset = end;
  }
}
