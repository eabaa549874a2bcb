/**
 * An honest intake in memory: keeps every run with its bytes, checks that each run continues where its source stood, and can be
 * cut off at any run and opened again, as after a crash.
 */
import assert from 'node:assert/strict';
import { countBySearching } from '../../../collectors/file/linefeeds.ts';
import type {
  ForeignBlock,
  HoldReason,
  Intake,
  Position,
  Recalled,
  Run,
  SourceDescription,
  SourceNumber,
  SourceRecord,
} from '../../../spool/nouns.ts';

export interface Entry {
  readonly run: Run;
  readonly bytes: Buffer;
}

interface Source {
  record: SourceRecord;
}

export class MemoryIntake implements Intake {
  readonly entries: Entry[] = [];
  readonly descriptions = new Map<SourceNumber, SourceDescription>();
  readonly forgotten = new Set<SourceNumber>();
  hold: HoldReason | undefined;
  /** So many cursors before the newest are known after an opening. */
  trailMax = 64;
  /** At least so much is given for a view. */
  viewBytes = 100_000;
  readonly #sources = new Map<SourceNumber, Source>();
  #next = 1;
  #view: Buffer | undefined;
  #rooms: (() => void)[] = [];

  get sources(): ReadonlyMap<SourceNumber, SourceRecord> {
    return new Map([...this.#sources].map(([number, { record }]) => [number, record]));
  }

  get durable(): Position {
    return this.entries.length;
  }

  /** Records are not the bytes of their source. */
  shaped = false;
  sourcesFull = false;
  nextSync = Number.NEGATIVE_INFINITY;
  #readers: (() => void)[] = [];

  beforeSync(read: () => void): void {
    this.#readers.push(read);
  }

  /** A sync comes: whoever waits for it reads, and the next one comes at `nextSync`. */
  sync(nextSync: number): void {
    for (const read of this.#readers.splice(0)) read();
    this.nextSync = nextSync;
  }

  begin(description: SourceDescription): SourceNumber {
    this.#view = undefined;
    const number = this.#next++;
    const cursor = { offset: -1, mark: Buffer.alloc(0) };
    this.#sources.set(number, { record: { number, description, state: Buffer.alloc(0), cursor, trail: [] } });
    this.descriptions.set(number, description);
    return number;
  }

  describe(source: SourceNumber, description: SourceDescription): void {
    this.#view = undefined;
    const kept = this.#sources.get(source);
    assert(kept, `source ${source} is not known`);
    kept.record = { ...kept.record, description };
    this.descriptions.set(source, description);
  }

  forget(source: SourceNumber): void {
    this.#view = undefined;
    assert(this.#sources.delete(source), `source ${source} is not known`);
    this.forgotten.add(source);
  }

  reserve(bytesMin: number): Uint8Array | undefined {
    this.#view = this.hold ? undefined : Buffer.allocUnsafe(Math.max(bytesMin, this.viewBytes));
    return this.#view;
  }

  commit(run: Run): void {
    const kept = this.#sources.get(run.source);
    assert(kept, `source ${run.source} is not known`);
    const { cursor } = kept.record;
    if (cursor.offset >= 0) assert.equal(run.from, cursor.offset, `source ${run.source} goes on where it stood`);
    assert(run.to >= run.from);
    if (run.bytes > 0) assert(this.#view, 'bytes are committed from the last view');
    if (run.records === 0) assert.equal(run.bytes, 0);
    else if (!this.shaped) assert.equal(run.bytes, run.to - run.from + (run.unterminated ? 1 : 0));
    const bytes = Buffer.from(this.#view?.subarray(0, run.bytes) ?? []);
    if (run.records > 0) {
      assert.equal(bytes.at(-1), 10, 'the last record ends with a line feed');
      assert.equal(countBySearching(bytes, bytes.length), run.records, 'records are counted');
    }
    this.#view = undefined;
    this.entries.push({ run, bytes });
    kept.record = advanced(kept.record, run);
  }

  append(_run: Run, _block: ForeignBlock): Position | undefined {
    throw new Error('not for files');
  }

  /** What was kept of a path's sources is unusable from the next opening on. */
  spoilStates(path: string): void {
    for (const [at, entry] of this.entries.entries()) {
      if (this.descriptions.get(entry.run.source)!.attributes['log.file.path'] !== path || !entry.run.state) continue;
      this.entries[at] = { ...entry, run: { ...entry.run, state: Buffer.from('garbage') } };
    }
  }

  async flush(): Promise<void> {}

  room(): Promise<void> {
    return this.hold ? new Promise((resolve) => this.#rooms.push(resolve)) : Promise.resolve();
  }

  /** From this entry on runs can be recalled; those before were let go. */
  keptFrom = 0;

  async *recall(source: SourceNumber, from: number): AsyncGenerator<Recalled> {
    for (const { run, bytes } of this.entries.slice(this.keptFrom))
      if (run.source === source && run.records > 0 && run.to > from)
        yield { from: run.from, bytes: run.unterminated ? bytes.subarray(0, -1) : bytes };
  }

  release(): void {
    this.hold = undefined;
    for (const resolve of this.#rooms.splice(0)) resolve();
  }

  /** What a restart finds: everything up to an entry. */
  reopened(entries = this.entries.length): MemoryIntake {
    const next = new MemoryIntake();
    next.#next = this.#next;
    next.keptFrom = this.keptFrom;
    next.shaped = this.shaped;
    next.trailMax = this.trailMax;
    for (const entry of this.entries.slice(0, entries)) {
      next.entries.push(entry);
      const { source } = entry.run;
      const description = this.descriptions.get(source)!;
      next.descriptions.set(source, description);
      const before = next.#sources.get(source)?.record ?? {
        ...{
          number: source,
          description,
          state: Buffer.alloc(0),
          cursor: { offset: -1, mark: Buffer.alloc(0) },
          trail: [],
        },
      };
      const record = advanced(before, entry.run);
      const trail = before.cursor.offset >= 0 ? [...before.trail, before.cursor].slice(-this.trailMax) : [];
      if (!this.forgotten.has(source)) next.#sources.set(source, { record: { ...record, trail } });
    }
    return next;
  }

  /** The bytes of one path as a mirror would write them: its sources in order of their numbers, line feeds that were added left out. */
  mirrored(path: string): string {
    return this.#mirror(path).toString('utf8');
  }

  mirroredBytes(path: string): Buffer {
    return this.#mirror(path);
  }

  #mirror(path: string): Buffer {
    const parts: Buffer[] = [];
    for (const { run, bytes } of this.entries) {
      if (this.descriptions.get(run.source)!.attributes['log.file.path'] !== path) continue;
      parts.push(run.unterminated && run.records > 0 ? bytes.subarray(0, -1) : bytes);
    }
    return Buffer.concat(parts);
  }

  get dropped(): { reason: string; bytes: number; path: string }[] {
    return this.entries.flatMap(({ run }) =>
      run.dropped
        ? [
            {
              ...{ reason: run.dropped.reason, bytes: run.dropped.bytes },
              path: this.descriptions.get(run.source)!.attributes['log.file.path'] ?? '',
            },
          ]
        : [],
    );
  }
}

function advanced(record: SourceRecord, run: Run): SourceRecord {
  return { ...record, cursor: { offset: run.to, mark: run.mark }, state: run.state ?? record.state };
}
