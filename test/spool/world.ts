/**
 * A small world around a spool on a simulated disk: sources whose content is known, a collector that reads them from their
 * cursors, and a receiver that keeps a row per stream as the real one does. Whatever crashes, at the end the receiver must
 * have every line of every source once, in order.
 */
import assert from 'node:assert/strict';
import { decodeHeader } from '../../spool/format.ts';
import { expandFrame } from '../../spool/format-table.ts';
import type { BlockHash, Id, Outlet, Position, ReadResult, SourceNumber } from '../../spool/nouns.ts';
import type { Codec, LogEntry } from '../../spool/ports.ts';
import type { Spool, SpoolOptions } from '../../spool/spool.ts';
import { openSpool } from '../../spool/spool.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import type { SimulatedDisk } from '../simulation/disk.ts';
import { SeededRandom } from '../simulation/random.ts';
import { codec, textRun } from './temporary-spool.ts';

export const options: SpoolOptions = {
  dataDir: '/data',
  syncIntervalMs: 10,
  segmentBytes: 3000,
  maxBytes: 1024 ** 3,
  minFreeBytes: 0,
  damagedBytesMax: 1024 ** 3,
  retainAckedBytes: 0,
  shippers: [{ name: 's', whenFull: 'block' }],
};

/** Lines by source; written by nobody, they have always been there. */
export class World {
  readonly contents: readonly string[];
  receiver = new Receiver();
  readonly log: LogEntry[] = [];

  constructor(sources: number, linesEach: number) {
    this.contents = Array.from({ length: sources }, (_, source) =>
      Array.from(
        { length: linesEach },
        (_, n) => `source ${source} line ${n} ${'ab'.repeat((n * 7 + source) % 40)}\n`,
      ).join(''),
    );
  }

  /** The same sources, and another receiver. */
  with(receiver: Receiver): World {
    return Object.assign(Object.create(World.prototype) as World, this, { receiver });
  }

  check(): void {
    for (const [source, content] of this.contents.entries())
      assert.equal(this.receiver.text(`/${source}`), content, `source ${source}`);
  }
}

/** What a receiver keeps: rows, and what it took. */
export class Receiver {
  readonly #rows = new Map<Id, { held: Position; hash: BlockHash }>();
  readonly #texts = new Map<string, string>();
  readonly #offsets = new Map<SourceNumber, number>();
  readonly #paths = new Map<SourceNumber, string>();
  duplicates = 0;
  /** Grows with each batch. */
  taken = 0;
  /** After damage: takes what comes, and only remembers lines. */
  lenient = false;
  readonly lines = new Map<string, number>();
  /** Records that a gap said cannot be read back. */
  damagedRecords = 0;

  text(path: string): string {
    return this.#texts.get(path) ?? '';
  }

  /** Also for a copy of the disk: what was delivered up to now. */
  clone(): Receiver {
    const copy = new Receiver();
    for (const [key, row] of this.#rows) copy.#rows.set(key, { ...row });
    for (const [key, text] of this.#texts) copy.#texts.set(key, text);
    for (const [key, offset] of this.#offsets) copy.#offsets.set(key, offset);
    for (const [key, path] of this.#paths) copy.#paths.set(key, path);
    for (const [key, count] of this.lines) copy.lines.set(key, count);
    return copy;
  }

  /** `after`: the end of what this stream delivered before. */
  take(read: Extract<ReadResult, { kind: 'blocks' }>, after: Position, codec: Codec): void {
    this.taken++;
    const { id, parent } = read.epoch;
    const row = this.#rows.get(id) ?? { held: read.from, hash: '' };
    if (!this.#rows.has(id) && parent && !this.lenient) {
      const before = this.#rows.get(parent.id);
      if (before)
        assert.deepEqual([before.held, before.hash], [parent.end, parent.hash], 'the epoch follows on what is held');
    }
    if (this.#rows.has(id) && !this.lenient)
      assert.ok(after <= row.held, `no block is left out (after ${after}, held ${row.held})`);
    for (const block of read.blocks) {
      if (block.end <= row.held) {
        this.duplicates++;
        if (block.end === row.held && row.hash) assert.equal(block.hash, row.hash, 'a resent block is the same block');
        continue;
      }
      this.#takeBlock(block.header, block.frame, codec);
      row.held = block.end;
      row.hash = block.hash;
    }
    this.#rows.set(id, row);
  }

  #takeBlock(headerBytes: Uint8Array, frame: Uint8Array, codec: Codec): void {
    const result = decodeHeader(headerBytes);
    assert.equal(result.kind, 'header');
    if (result.kind !== 'header') return;
    for (const { number, description } of result.header.descriptions)
      this.#paths.set(number, description.attributes['log.file.path']!);
    const raw = result.header.frameBytes > 0 ? expandFrame(frame, codec) : Buffer.alloc(0);
    assert.ok(raw, 'the frame expands');
    let at = 0;
    for (const run of result.header.runs) {
      const path = this.#paths.get(run.source) ?? 'unknown';
      for (const line of raw.toString('utf8', at, at + run.bytes).match(/.*\n/g) ?? [])
        this.lines.set(line, (this.lines.get(line) ?? 0) + 1);
      if (this.lenient) {
        at += run.bytes;
        continue;
      }
      assert.notEqual(path, 'unknown', 'the source was described before');
      assert.equal(run.from, this.#offsets.get(run.source) ?? 0, `${path}: a run begins where the one before it ended`);
      this.#offsets.set(run.source, run.to);
      this.#texts.set(path, this.text(path) + raw.toString('utf8', at, at + run.bytes));
      at += run.bytes;
    }
  }
}

export interface Life {
  readonly disk: SimulatedDisk;
  readonly seed: number;
  readonly steps: number;
  readonly options?: Partial<SpoolOptions>;
  /** Stops after the steps, with whatever waits. */
  readonly leaveBacklog?: boolean;
  /** Looks at the spool right after opening. */
  readonly opened?: (spool: Spool) => void;
}

/**
 * One life of the agent: opens, works for some steps as the seed says, and (if the disk lasts) drains and closes. False where
 * the disk crashed before that.
 */
export async function live(world: World, life: Life): Promise<boolean> {
  const { disk } = life;
  const random = new SeededRandom(life.seed);
  const clock = new SimulatedClock();
  const log = { write: (entry: LogEntry) => world.log.push(entry) };
  const ports = { files: disk.files, clock, random: random.fork(), codec, log };
  try {
    const spool = await clock.run(openSpool({ ...options, ...life.options }, ports));
    life.opened?.(spool);
    conserved(spool);
    const collector = new Collector(world, spool);
    const shipper = new TestShipper(world, spool.outlet('s'));
    for (let step = 0; step < life.steps && !disk.crashed; step++) {
      if (random.chance(0.6)) collector.read(random.below(world.contents.length), 1 + random.below(6));
      if (random.chance(0.3)) await shipper.ship(1 + random.below(4000));
      await clock.advance(random.below(12));
      if (!disk.crashed) conserved(spool);
    }
    for (let round = 0; !disk.crashed && !life.leaveBacklog; round++) {
      assert.ok(round < 10_000, `it drains; held: ${spool.intake.hold}`);
      const more = world.contents.map((_, source) => collector.read(source, 3)).includes(true);
      await clock.advance(15);
      const sent = await shipper.ship(2500);
      if (!more && !sent && spool.intake.durable === spool.status().end) break;
    }
    conserved(spool);
    if (!disk.crashed) await clock.run(spool.close());
  } catch (error) {
    if (!disk.crashed) throw error;
  }
  return !disk.crashed;
}

/** At every moment, for every shipper and collector: spooled = acknowledged + waiting + dropped. */
export function conserved(spool: Spool): void {
  const { collectors, shippers } = spool.status();
  for (const [name, shipper] of Object.entries(shippers))
    for (const [collector, { acknowledged, waiting, dropped }] of Object.entries(shipper.collectors)) {
      const parts = [acknowledged, waiting, ...Object.values(dropped)];
      const sum = (key: 'records' | 'bytes') => parts.reduce((total, part) => total + part[key], 0);
      const { spooled } = collectors[collector]!;
      assert.deepEqual([sum('records'), sum('bytes')], [spooled.records, spooled.bytes], `${name} ${collector}`);
    }
}

/** Reads the sources from where the spool says they have been read to. */
export class Collector {
  readonly #world: World;
  readonly #spool: Spool;
  readonly #sources: { number: SourceNumber; offset: number }[];

  constructor(world: World, spool: Spool) {
    this.#world = world;
    this.#spool = spool;
    const known = [...spool.intake.sources.values()];
    this.#sources = world.contents.map((_, index) => {
      const found = known.find((source) => source.description.attributes['log.file.path'] === `/${index}`);
      return found
        ? { number: found.number, offset: found.cursor.offset }
        : { number: spool.intake.begin(described(index)), offset: 0 };
    });
  }

  /** How far each source was read. */
  get offsets(): number[] {
    return this.#sources.map(({ offset }) => offset);
  }

  /** False where there is nothing left, or nothing is taken. */
  read(index: number, lines: number): boolean {
    const source = this.#sources[index]!;
    const content = this.#world.contents[index]!;
    let end = source.offset;
    for (let n = 0; n < lines && end < content.length; n++) end = content.indexOf('\n', end) + 1;
    const bytes = end - source.offset;
    if (bytes === 0) return false;
    const view = this.#spool.intake.reserve(bytes);
    if (!view) return true;
    const text = content.slice(source.offset, end);
    Buffer.from(view.buffer, view.byteOffset, bytes).write(text);
    const records = text.split('\n').length - 1;
    this.#spool.intake.commit(textRun({ source: source.number, from: source.offset, bytes, records }));
    source.offset = end;
    return true;
  }
}

/** Sends, and believes the receiver. */
export class TestShipper {
  readonly #world: World;
  readonly #outlet: Outlet;
  #at: Position;
  /** The end of what was delivered last: holes in positions do not move it. */
  #after: Position;

  constructor(world: World, outlet: Outlet) {
    this.#world = world;
    this.#outlet = outlet;
    this.#at = outlet.cursor?.position ?? outlet.oldest;
    this.#after = this.#at;
  }

  async ship(bytesMax: number): Promise<boolean> {
    const read = this.#outlet.read(this.#at, bytesMax);
    if (read.kind === 'end') return false;
    if (read.kind === 'unreadable') return true;
    if (read.kind === 'gap') {
      const { receiver } = this.#world;
      if (!receiver.lenient)
        assert.equal(read.gap.reason, 'hole_in_positions', `${JSON.stringify(read.gap)}: nothing is lost`);
      else if (read.gap.reason === 'damaged') receiver.damagedRecords += read.gap.records;
    } else {
      this.#world.receiver.take(read, this.#after, codec);
      const last = read.blocks.at(-1)!;
      await this.#outlet.save({
        receiver: '',
        epoch: read.epoch.id,
        forked: false,
        position: last.end,
        hash: last.hash,
      });
    }
    this.#at = read.upto;
    if (read.kind === 'blocks') this.#after = read.upto;
    return true;
  }
}

function described(index: number) {
  return { collector: `c${index % 2}`, type: 'file', resource: {}, attributes: { 'log.file.path': `/${index}` } };
}
