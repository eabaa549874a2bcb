/**
 * Reads back what was committed of a source, as far as the newest segments still hold it (the two newest always stay). For the
 * rare case that a source itself went back in a power cut and has to be compared with what was read of it. Where its records stand
 * is found in one pass over the headers, for all sources at once, and kept for a minute: a power cut concerns many.
 */
import { closing } from './cursor-file.ts';
import type { BlockHeader } from './format.ts';
import { expandFrame } from './format-table.ts';
import type { Id, Position, Recalled, SourceNumber } from './nouns.ts';
import type { Clock, Codec, Files, Timer } from './ports.ts';
import { Reader } from './reader.ts';
import { scan } from './scan.ts';
import type { Segment, Segments } from './segments.ts';

export interface RecallHost {
  readonly files: Files;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly spool: Id;
  readonly segments: Segments;
  durable(): Position;
  /** How many sources are known. */
  sources(): number;
}

/** A block that holds records of a source. */
interface Place {
  readonly position: Position;
  readonly from: number;
  to: number;
}

type Places = ReadonlyMap<SourceNumber, readonly Place[]>;

/** Segments of the usual size: the two newest, and one that was just begun. */
const lookedThroughBytesMax = 192 * 1024 * 1024;
/** Over all sources; the newest of each are kept. */
const placesMax = 262_144;
const placesOfOneMin = 4;
const sliceMs = 4;
const keptMs = 60_000;

export class Recall {
  readonly #host: RecallHost;
  #places: Promise<Places> | undefined;
  #reader: Reader | undefined;
  #timer: Timer | undefined;

  constructor(host: RecallHost) {
    this.#host = host;
  }

  /** As `Intake.recall` promises. */
  async *read(source: SourceNumber, from: number): AsyncGenerator<Recalled> {
    this.#keep();
    this.#places ??= this.#find();
    const places = (await this.#places).get(source) ?? [];
    for (const place of places) if (place.to > from) yield* this.#stretches(place.position, source, from);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#places = undefined;
    this.#reader?.close();
    this.#reader = undefined;
  }

  #keep(): void {
    this.#timer?.cancel();
    this.#timer = this.#host.clock.after(keptMs, () => this.close());
  }

  async #find(): Promise<Places> {
    const { clock, sources } = this.#host;
    const keptMax = Math.max(placesOfOneMin, Math.floor(placesMax / Math.max(1, sources())));
    const places = new Map<SourceNumber, Place[]>();
    let since = clock.monotonic();
    for (const segment of this.#newest()) {
      for (const header of this.#headers(segment)) {
        note(places, header, keptMax);
        if (clock.monotonic() - since < sliceMs) continue;
        await new Promise<void>((resolve) => clock.soon(resolve));
        since = clock.monotonic();
      }
    }
    return places;
  }

  #newest(): Segment[] {
    const { list } = this.#host.segments;
    let bytes = 0;
    const first = list.findLastIndex((segment, at) => {
      bytes += segment.bytes;
      return bytes > lookedThroughBytesMax && at < list.length - 2;
    });
    return list.slice(first + 1);
  }

  *#headers(segment: Segment): Generator<BlockHeader> {
    const { files, segments, spool } = this.#host;
    const end = Math.min(segment.end, this.#host.durable());
    try {
      using file = closing(files.open(segments.path(segment), 'read'));
      for (const item of scan({ file: file.value, start: segment.start, from: segment.start, end, spool }))
        if (item.kind === 'block' && item.header.origin === undefined) yield item.header;
    } catch {
      // It was let go meanwhile, or cannot be opened: a hole, as promised.
    }
  }

  *#stretches(position: Position, source: SourceNumber, from: number): Generator<Recalled> {
    const { files, segments, spool, codec, durable } = this.#host;
    this.#reader ??= new Reader(files, segments, spool);
    const read = this.#reader.read(position, 1, durable());
    const block = read.kind === 'blocks' ? read.blocks[0] : undefined;
    const raw = block && expandFrame(block.frame, codec);
    if (!block || !raw) return; // let go or damaged meanwhile: a hole, as promised
    let at = 0;
    for (const run of block.content.runs) {
      const bytes = raw.subarray(at, at + run.bytes - (run.unterminated ? 1 : 0));
      at += run.bytes;
      const isAsRead = run.format === 'text' && bytes.length === run.to - run.from;
      if (run.source === source && run.to > from && run.records > 0 && isAsRead) yield { from: run.from, bytes };
    }
  }
}

function note(places: Map<SourceNumber, Place[]>, { position, runs }: BlockHeader, keptMax: number): void {
  for (const { source, records, from, to } of runs) {
    if (records === 0) continue;
    const kept = places.get(source) ?? [];
    if (kept.length === 0) places.set(source, kept);
    const last = kept.at(-1);
    if (last?.position === position) last.to = to;
    else kept.push({ position, from, to });
    if (kept.length > 2 * keptMax) kept.splice(0, keptMax);
  }
}
