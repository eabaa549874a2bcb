/**
 * An honest little spool in memory for tests of the protocol: real headers and hashes, an appended and a durable end,
 * openings with epochs. It can crash (what was not durable is gone), be copied and be restored. Frames are plain text.
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { ByteWriter } from '../../spool/bytes.ts';
import { encodeHeader, hashOf } from '../../spool/format.ts';
import { encodeDescriptions } from '../../spool/format-descriptions.ts';
import type {
  BlockHash,
  Epoch,
  ForeignBlock,
  Gap,
  HoldReason,
  Id,
  Intake,
  Outlet,
  Position,
  ReadResult,
  Run,
  ShipperCursor,
  SourceDescription,
  SourceNumber,
  SourceRecord,
  Tally,
} from '../../spool/nouns.ts';
import { zeroHash } from '../../spool/nouns.ts';

interface Block {
  readonly position: Position;
  readonly end: Position;
  readonly hash: BlockHash;
  readonly epoch: Epoch;
  readonly header: Uint8Array;
  readonly frame: Uint8Array;
  readonly records: number;
  readonly runs: readonly Run[];
  /** The origin's hash, of a foreign block. */
  readonly origin: BlockHash | undefined;
  readonly described: boolean;
  readonly begun: ReadonlyMap<SourceNumber, SourceDescription>;
}

/** What survives a crash. */
export interface Image {
  readonly id: Id;
  readonly blocks: readonly Block[];
  readonly cursors: ReadonlyMap<string, ShipperCursor>;
  readonly dropped: readonly Gap[];
}

export function blankImage(seed: string): Image {
  return { id: idOf(`spool ${seed}`), blocks: [], cursors: new Map(), dropped: [] };
}

export function idOf(seed: string): Id {
  return createHash('sha256').update(seed).digest('hex').slice(0, 32);
}

export class MemorySpool implements Intake {
  readonly id: Id;
  readonly epoch: Epoch;
  readonly sources = new Map<SourceNumber, SourceRecord>();
  hold: HoldReason | undefined;
  /** False: nothing becomes durable until `sync` is called. */
  autoSync = true;
  /** Bytes in a hole at the beginning of this opening. */
  readonly #blocks: Block[];
  readonly #cursors: Map<string, ShipperCursor>;
  #dropped: Gap[];
  #durableCount: number;
  #nextSource = 1;
  #begun = new Map<SourceNumber, SourceDescription>();
  #waiters: (() => void)[] = [];
  #wakers: (() => void)[] = [];
  #roomWaiters: (() => void)[] = [];
  closed = false;
  readonly #writer = new ByteWriter();

  constructor(image: Image, epochSeed: string, holeBytes = 0) {
    this.id = image.id;
    this.#blocks = [...image.blocks];
    this.#cursors = new Map(image.cursors);
    this.#dropped = [...image.dropped];
    this.#durableCount = this.#blocks.length;
    const last = this.#blocks.at(-1);
    const ends = [last?.end ?? 0, ...[...this.#cursors.values()].map((cursor) => cursor.position), this.oldest];
    const start = Math.max(...ends) + (last ? holeBytes : 0);
    const parent = last && { id: last.epoch.id, end: last.end, hash: last.hash };
    this.epoch = { id: idOf(`epoch ${epochSeed}`), start, parent };
    for (const block of this.#blocks) this.#recover(block);
  }

  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  get end(): Position {
    const last = this.#blocks.at(-1);
    return last && last.epoch === this.epoch ? last.end : this.epoch.start;
  }

  get durable(): Position {
    return this.#blocks[this.#durableCount - 1]?.end ?? 0;
  }

  get oldest(): Position {
    return this.#dropped.at(-1)?.upto ?? this.#blocks[0]?.position ?? 0;
  }

  /** What is left after a crash (`durable`) or a clean stop (all). */
  image(what: 'durable' | 'all' = 'durable'): Image {
    const blocks = what === 'all' ? this.#blocks : this.#blocks.slice(0, this.#durableCount);
    return { id: this.id, blocks: [...blocks], cursors: new Map(this.#cursors), dropped: [...this.#dropped] };
  }

  close(): void {
    this.closed = true;
    this.#wake();
  }

  /** A block of our own with some records. */
  add(text: string): void {
    const frame = Buffer.from(text);
    const records = text.split('\n').length - 1;
    const from = this.#blocks.length;
    const run = { ...emptyRun(this.#ownSource()), from, to: from + 1, records, bytes: frame.length };
    this.#write([run], frame, undefined);
  }

  /** A block of our own whose records are compressed already, as in a real spool. */
  addFrame(frame: Uint8Array, records: number, rawBytes: number): void {
    const from = this.#blocks.length;
    const run = { ...emptyRun(this.#ownSource()), from, to: from + 1, records, bytes: rawBytes };
    this.#write([run], frame, undefined, rawBytes);
  }

  /** The oldest blocks go, as `drop_oldest` does it. */
  dropOldest(count: number): void {
    const gone = this.#blocks.filter((block) => block.position >= this.oldest).slice(0, count);
    if (gone.length === 0) return;
    const records = gone.reduce((sum, block) => sum + block.records, 0);
    this.#dropped.push({ from: this.oldest, upto: gone.at(-1)!.end, reason: 'retention', records, bytes: 0 });
  }

  /** Makes the first `count` blocks durable, or all. */
  sync(count = this.#blocks.length): void {
    this.#durableCount = count;
    this.#wake();
  }

  // Intake

  sourcesFull = false;
  readonly nextSync = Number.NEGATIVE_INFINITY;

  beforeSync(): void {}

  begin(description: SourceDescription): SourceNumber {
    const number = this.#nextSource++;
    this.#begun.set(number, description);
    return number;
  }

  describe(): void {}

  forget(source: SourceNumber): void {
    this.#begun.delete(source);
    this.sources.delete(source);
  }

  reserve(): Uint8Array | undefined {
    return undefined;
  }

  commit(run: Run): void {
    this.#write([run], new Uint8Array(), undefined);
  }

  append(run: Run, block: ForeignBlock): Position | undefined {
    if (this.hold) return undefined;
    this.#write([run], Buffer.from(block.frame), block);
    return this.end;
  }

  async flush(): Promise<void> {
    const count = this.#blocks.length;
    while (this.#durableCount < count) {
      if (this.closed) throw new Error('closed');
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  async *recall(): AsyncGenerator<never> {}

  async room(): Promise<void> {
    if (this.hold && !this.closed) await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
  }

  release(): void {
    this.hold = undefined;
    for (const resolve of this.#roomWaiters.splice(0)) resolve();
  }

  // Outlets

  outlet(name: string): Outlet {
    const spool = this;
    return {
      spool: this.id,
      name,
      get durable() {
        return spool.durable;
      },
      get cursor() {
        return spool.#cursors.get(name);
      },
      get oldest() {
        return spool.oldest;
      },
      read: (from, bytesMax) => spool.#read(from, bytesMax),
      endingAt: (position) => {
        const block = spool.#blocks.find((each) => each.end === position && each.position >= spool.oldest);
        return block && { epoch: block.epoch, hash: block.hash };
      },
      readable: (from, signal) => spool.#readable(from, signal),
      save: async (cursor) => {
        if (!spool.closed) spool.#cursors.set(name, cursor);
      },
      dropped: () => {},
      refused: () => {},
      describe: () => spool.#describe(),
      pin: () => ({ [Symbol.dispose]() {} }),
      waiting: (): Tally => ({ records: 0, bytes: 0 }),
      oldestWaiting: () => undefined,
    };
  }

  #describe(): Uint8Array {
    const entries = [...this.sources.values()].map(({ number, description }) => ({ number, description }));
    return Uint8Array.from(encodeDescriptions(entries));
  }

  #read(from: Position, bytesMax: number): ReadResult {
    if (from < this.oldest) {
      const drops = this.#dropped.filter((gap) => gap.upto > from);
      const records =
        drops.length > 0 && drops[0]!.from >= from ? drops.reduce((sum, gap) => sum + gap.records, 0) : -1;
      const gap: Gap = { from, upto: this.oldest, reason: 'retention', records, bytes: 0 };
      return { kind: 'gap', from, upto: gap.upto, gap };
    }
    const durable = this.#blocks.slice(0, this.#durableCount);
    const first = durable.findIndex((block) => block.position >= from);
    const block = durable[first];
    if (!block) return { kind: 'end' };
    if (block.position > from) {
      const gap: Gap = { from, upto: block.position, reason: 'hole_in_positions', records: 0, bytes: 0 };
      return { kind: 'gap', from, upto: gap.upto, gap };
    }
    const blocks = [block];
    let bytes = block.end - block.position;
    for (const other of durable.slice(first + 1)) {
      bytes += other.end - other.position;
      if (other.position !== blocks.at(-1)!.end || other.epoch.id !== block.epoch.id || bytes > bytesMax) break;
      blocks.push(other);
    }
    const views = blocks.map((each) => ({ ...each, time: 0, rawBytes: each.frame.length }));
    const all = Buffer.concat(blocks.flatMap((each) => [each.header, each.frame]));
    return { kind: 'blocks', epoch: block.epoch, from, upto: blocks.at(-1)!.end, bytes: all, blocks: views };
  }

  async #readable(from: Position, signal: AbortSignal): Promise<void> {
    while (!this.closed && !signal.aborted && this.durable <= from) {
      await new Promise<void>((resolve) => {
        this.#wakers.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  #ownSource(): SourceNumber {
    const own = [...this.sources.values()].find((source) => source.description.type === 'file');
    return own?.number ?? this.begin({ collector: 'test', type: 'file', resource: {}, attributes: {} });
  }

  #write(runs: readonly Run[], frame: Uint8Array, foreign: ForeignBlock | undefined, rawBytes = frame.length): void {
    if (this.closed) return;
    const last = this.#blocks.at(-1);
    const position = this.end;
    const begun = new Map(this.#begun);
    this.#begun.clear();
    const records = runs.reduce((sum, run) => sum + run.records, 0);
    const foreignRuns = foreign ? runs.map((run) => ({ ...run, bytes: frame.length })) : runs;
    encodeHeader(
      {
        frameBytes: frame.length,
        frameCrc: crc32(frame),
        rawBytes,
        position,
        spool: this.id,
        epoch: this.epoch.id,
        previous: last?.hash ?? zeroHash,
        previousEnd: last?.end ?? 0,
        vouched: this.durable,
        time: 0,
        recordsBefore: 0,
        sourceBytesBefore: 0,
        records,
        runs: foreignRuns,
        descriptions: [...begun].map(([number, description]) => ({ number, description })),
        drops: [],
        origin: foreign?.header,
        originDescriptions: foreign?.descriptions,
      },
      this.#writer,
    );
    const header = Uint8Array.from(this.#writer.bytes);
    const hash = hashOf(header);
    const origin = foreign && hashOf(foreign.header);
    const described = foreign?.descriptions !== undefined;
    const end = position + header.length + frame.length;
    const kept = foreignRuns.map((run) => ({ ...run, mark: Uint8Array.from(run.mark) }));
    const block: Block = {
      position,
      end,
      hash,
      epoch: this.epoch,
      header,
      frame,
      records,
      runs: kept,
      origin,
      described,
      begun,
    };
    this.#blocks.push(block);
    this.#recover(block);
    if (this.autoSync) queueMicrotask(() => this.sync());
  }

  #recover(block: Block): void {
    for (const [number, description] of block.begun) {
      const cursor = { offset: 0, mark: new Uint8Array() };
      this.sources.set(number, { number, description, state: new Uint8Array(), cursor, trail: [] });
      this.#nextSource = Math.max(this.#nextSource, number + 1);
    }
    for (const run of block.runs) {
      const source = this.sources.get(run.source);
      if (source) this.sources.set(run.source, { ...source, cursor: { offset: run.to, mark: run.mark } });
    }
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
    for (const resolve of this.#wakers.splice(0)) resolve();
  }
}

function emptyRun(source: SourceNumber): Run {
  const flags = { continues: false, unterminated: false };
  return { source, from: 0, to: 0, mark: new Uint8Array(), format: 'text', records: 0, bytes: 0, time: 0, ...flags };
}
