/**
 * Generations that were compressed before they were read to their end: what an archive holds (probed in one pass, in bounded
 * memory), and reading on inside it at the cursor. An archive that is still being written is left for later.
 */
import { crc32 } from 'node:zlib';
import type { FileStat, OpenFile } from '../../spool/ports.ts';
import type { Context } from './context.ts';
import { type Head, headBytesMax, windowBytes, windowOf } from './fingerprint.ts';
import type { Generation } from './generation.ts';
import type { Content } from './identity.ts';
import type { Compression } from './names.ts';
import { objectOf } from './object-at.ts';
import { ReadOnlyFile } from './read-only.ts';
import { RemoteFile } from './remote.ts';

export type Probe =
  | { readonly kind: 'whole'; readonly content: Content }
  /** Ends too early: it is still being written, most likely. */
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'damaged'; readonly message: string };

export type ArchiveEnd = 'end' | 'changed' | 'unfinished' | 'damaged' | 'stopped';

/** A hole that is longer than this is passed over before its end is known: it is not kept in memory. */
const holeKeptBytesMax = 4 * 1024 * 1024;

/** Expands the whole archive once and keeps what comparing needs: its start, its length, and the CRCs before `offsets` and its end. */
export async function probeArchive(
  file: OpenFile,
  compression: Compression,
  offsets: readonly number[],
  context: Context,
): Promise<Probe> {
  const asked = [...new Set(offsets)].sort((one, other) => one - other);
  const found = new Map<number, number>();
  const start = Buffer.alloc(headBytesMax);
  const window = new SlidingBytes();
  try {
    for await (const piece of context.inflater.expand(compression, readerOf(file))) {
      if (window.end < start.length) start.set(piece.subarray(0, start.length - window.end), window.end);
      window.append(piece);
      for (; asked.length > 0 && asked[0]! <= window.end; asked.shift())
        found.set(asked[0]!, crc32(window.bytes(asked[0]! - windowOf(asked[0]!), asked[0]!)));
      window.dropBefore(window.end - windowBytes);
    }
  } catch (error) {
    return failureOf(error);
  }
  const sizeBytes = window.end;
  found.set(sizeBytes, crc32(window.bytes(sizeBytes - windowOf(sizeBytes), sizeBytes)));
  const headOf = (length: number): Head | undefined =>
    length <= sizeBytes ? { length, crc: crc32(start.subarray(0, length)) } : undefined;
  return { kind: 'whole', content: { sizeBytes, headOf, fingerprintAt: (offset) => found.get(offset) } };
}

/**
 * What was found in archives, kept while they stay as they are: a generation that is missing is sought again and again among
 * the same ones.
 */
export class ArchiveProbes {
  readonly #kept = new Map<string, { readonly offsets: ReadonlySet<number>; readonly probe: Probe }>();

  /** `object` tells the archive from any other, and from itself when it was written anew. */
  async probe(object: string, offsets: readonly number[], expand: () => Promise<Probe>): Promise<Probe> {
    const kept = this.#kept.get(object);
    if (kept && offsets.every((offset) => kept.offsets.has(offset))) return kept.probe;
    const probe = await expand();
    this.#kept.delete(object);
    if (probe.kind !== 'unfinished') this.#kept.set(object, { offsets: new Set(offsets), probe });
    if (this.#kept.size > probesMax) this.#kept.delete(this.#kept.keys().next().value!);
    return probe;
  }
}

const probesMax = 512;

/** Reads the generation's rest out of the archive where it stands. Comes back early only when the agent stops. */
export async function readArchive(generation: Generation, context: Context): Promise<ArchiveEnd> {
  const { path, compression } = generation.place!;
  const archive = await openArchive(path, context);
  if (archiveOf(archive.stat()) !== generation.archive) {
    archive.close();
    return 'changed'; // another one was given its name
  }
  const expanded = new ExpandedFile(archive);
  generation.file = expanded;
  try {
    for await (const piece of context.inflater.expand(compression!, readerOf(archive))) {
      expanded.append(piece);
      if (expanded.end > generation.offset) {
        const turn = await readWhatIsThere(generation, context);
        if (turn !== 'read') return turn;
        if (expanded.end - generation.offset > holeKeptBytesMax) passHole(generation, expanded.end);
      }
      expanded.dropBefore(generation.offset - windowBytes);
    }
    return await readTheEnd(generation, expanded, context);
  } catch (error) {
    return failureOf(error).kind;
  } finally {
    generation.close();
  }
}

/** Tells an archive from any other, and from itself when it was written anew. */
export function archiveOf(stat: FileStat): string {
  return `${objectOf(stat)}:${stat.sizeBytes}:${stat.modifiedMs}`;
}

/** On a mount that may hang it is read asynchronously. */
export async function openArchive(path: string, context: Context): Promise<OpenFile> {
  return context.isRemote(path) ? RemoteFile.open(path, context.remote) : context.files.open(path, 'read-no-follow');
}

function readerOf(file: OpenFile): (into: Uint8Array, at: number) => number | Promise<number> {
  return (into, at) => (file instanceof RemoteFile ? file.readLater(into, at) : file.read(into, at));
}

async function readWhatIsThere(generation: Generation, context: Context): Promise<'read' | 'changed' | 'stopped'> {
  const { clock, tools } = context;
  for (;;) {
    if (context.stopping) return 'stopped';
    const turn = generation.turn(0); // an open line is no open line yet: more of the archive follows
    if (turn === 'changed') return 'changed';
    if (turn === 'held') await Promise.race([tools.intake.room(), context.stopped]);
    else if (turn === 'more') await new Promise<void>((resolve) => clock.soon(resolve));
    else return 'read';
  }
}

/** What was read of it so far ends in a long run of NUL bytes: it is not kept until its end is known. */
function passHole(generation: Generation, end: number): void {
  if (generation.lastTurn === 'torn_line') generation.turn(Number.POSITIVE_INFINITY);
  else if (generation.lastTurn === 'nul_tail') generation.skipTo(end, 'hole');
}

/** What the last turn left over is a line without an end, or NUL bytes: nothing will be added to them. */
async function readTheEnd(generation: Generation, expanded: ExpandedFile, context: Context): Promise<ArchiveEnd> {
  for (;;) {
    const turn = await readWhatIsThere(generation, context);
    if (turn !== 'read') return turn;
    if (expanded.end <= generation.offset) return expanded.end < generation.offset ? 'changed' : 'end';
    if (generation.lastTurn === 'nul_tail' && context.tools.intake.hold === undefined)
      generation.skipTo(expanded.end, 'hole');
    else generation.turn(Number.POSITIVE_INFINITY);
  }
}

function failureOf(
  error: unknown,
): { readonly kind: 'unfinished' } | { readonly kind: 'damaged'; readonly message: string } {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'TRUNCATED') return { kind: 'unfinished' };
  if (code === 'DAMAGED') return { kind: 'damaged', message };
  throw error;
}

/** A stretch of a long stream of bytes that is kept. */
class SlidingBytes {
  #kept = Buffer.alloc(0);
  #from = 0;

  get end(): number {
    return this.#from + this.#kept.length;
  }

  get start(): number {
    return this.#from;
  }

  append(piece: Uint8Array): void {
    this.#kept = Buffer.concat([this.#kept, piece]);
  }

  /** Of what is there: a position that is not reached yet drops all of it, and no more. */
  dropBefore(position: number): void {
    const to = Math.min(position, this.end);
    if (to <= this.#from) return;
    this.#kept = this.#kept.subarray(to - this.#from);
    this.#from = to;
  }

  /** Between two positions, as far as they are kept. */
  bytes(from: number, to: number): Buffer {
    return this.#kept.subarray(Math.max(0, from - this.#from), Math.max(0, to - this.#from));
  }
}

/** What was expanded so far and is still needed, as a file: its start (for the head) and the stretch around the cursor. */
class ExpandedFile extends ReadOnlyFile {
  readonly #archive: OpenFile;
  readonly #start = Buffer.alloc(headBytesMax);
  readonly #window = new SlidingBytes();

  constructor(archive: OpenFile) {
    super();
    this.#archive = archive;
  }

  get end(): number {
    return this.#window.end;
  }

  append(piece: Uint8Array): void {
    if (this.end < this.#start.length) this.#start.set(piece.subarray(0, this.#start.length - this.end), this.end);
    this.#window.append(piece);
  }

  dropBefore(position: number): void {
    this.#window.dropBefore(position);
  }

  read(into: Uint8Array, position: number): number {
    const kept =
      position < this.#window.start
        ? this.#start.subarray(position, Math.min(this.end, position + into.length))
        : this.#window.bytes(position, position + into.length);
    into.set(kept.subarray(0, into.length));
    return Math.min(kept.length, into.length);
  }

  stat(): FileStat {
    return { ...this.#archive.stat(), sizeBytes: this.end };
  }

  close(): void {
    this.#archive.close();
  }

  readLater(into: Uint8Array, position: number): Promise<number> {
    return Promise.resolve(this.read(into, position));
  }

  statLater(): Promise<FileStat> {
    return Promise.resolve(this.stat());
  }
}
