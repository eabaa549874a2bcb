/**
 * A request's body, whole and expanded, in one piece of memory that counts in the budget until it is disposed of. Nothing that a
 * client says about lengths is believed: memory grows as bytes come, and whatever would become longer than allowed is refused
 * before it has.
 */
import type { Clock } from '../../spool/ports.ts';
import type { Compression, Inflater, WireRequest } from '../ports.ts';
import { webLimits } from './limits.ts';
import { Refusal } from './refusal.ts';
import type { Allowance } from './shares.ts';

export interface ContentWorld {
  readonly inflater: Inflater;
  readonly budget: Allowance;
  readonly clock: Clock;
  /** Of the body as sent, and of what it expands to. */
  readonly bytesMax: number;
}

export class Content implements Disposable {
  readonly #budget: Allowance;
  readonly #bytesMax: number;
  #memory = Buffer.alloc(0);
  #length = 0;
  #charged = 0;

  constructor(budget: Allowance, bytesMax: number) {
    this.#budget = budget;
    this.#bytesMax = bytesMax;
  }

  /** What has come. A byte of memory stands behind it for a line feed. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes, and `more` behind them. */
  withRoom(more: number): Buffer {
    this.#grow(this.#length + more);
    return this.#memory.subarray(0, this.#length + more);
  }

  /** `besides`: so many bytes for each of these are in memory elsewhere. */
  add(piece: Uint8Array, besides = 0): void {
    const length = this.#length + piece.length;
    if (length > this.#bytesMax) throw tooLarge(this.#bytesMax);
    this.charge(piece.length * besides);
    this.#grow(length + 1);
    this.#memory.set(piece, this.#length);
    this.#length = length;
  }

  [Symbol.dispose](): void {
    this.#budget.give(this.#charged);
    this.#charged = 0;
    this.#memory = Buffer.alloc(0);
  }

  #grow(needed: number): void {
    const old = this.#memory.length;
    if (needed <= old) return;
    const bytes = Math.min(
      Math.max(needed, 2 * old, webLimits.contentBytesStart),
      Math.max(needed, this.#bytesMax + 1),
    );
    this.charge(bytes - old);
    const memory = Buffer.allocUnsafeSlow(bytes);
    this.#memory.copy(memory, 0, 0, this.#length);
    this.#memory = memory;
  }

  /** So much more is in memory for this body until it is disposed of. */
  charge(bytes: number): void {
    if (!this.#budget.take(bytes)) throw new Refusal('busy', 'Too much is in memory for other requests; come again.');
    this.#charged += bytes;
  }
}

/** Throws a `Refusal`, or what the connection threw. */
export async function readContent(request: WireRequest, world: ContentWorld): Promise<Content> {
  const compression = compressionOf(request.headers['content-encoding']);
  const said = request.headers['content-length'];
  if (said !== undefined && Number(said) > world.bytesMax) throw tooLarge(world.bytesMax);
  const content = new Content(world.budget, world.bytesMax);
  try {
    const wire = new Wire(request, world);
    if (compression === undefined) await wire.each((piece) => content.add(piece));
    else await expandInto(content, compression, wire, world);
    return content;
  } catch (error) {
    content[Symbol.dispose]();
    throw error;
  }
}

/** RFC 9110 section 8.4.1; undefined: as it is. */
function compressionOf(header: string | undefined): Compression | undefined {
  const word = (header ?? '').trim().toLowerCase();
  switch (word) {
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'zstd':
    case 'deflate':
      return word;
    default:
      throw new Refusal('unsupported', 'The content-encoding is none of gzip, zstd, deflate.');
  }
}

async function expandInto(content: Content, compression: Compression, wire: Wire, world: ContentWorld): Promise<void> {
  const { windowBytesMax } = webLimits;
  try {
    const pieces = world.inflater.expand(compression, (into) => wire.read(into), { windowBytesMax });
    // A decoder of zstd keeps as much again of what it expanded, up to its window.
    for await (const piece of pieces) content.add(piece, compression === 'zstd' ? 1 : 0);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'TRUNCATED' || code === 'DAMAGED') throw new Refusal('bad_request', `The body: ${message}.`);
    throw error;
  }
}

/** The body as it was sent. */
class Wire {
  readonly #request: WireRequest;
  readonly #world: ContentWorld;
  #received = 0;
  #waitedMs = 0;
  #rest = Buffer.alloc(0);

  constructor(request: WireRequest, world: ContentWorld) {
    this.#request = request;
    this.#world = world;
  }

  async each(use: (piece: Uint8Array) => void): Promise<void> {
    await this.#take((piece) => {
      use(piece);
      return true;
    });
  }

  /** Fills `into` as far as there is something; 0 at the end. */
  async read(into: Uint8Array): Promise<number> {
    let filled = Math.min(this.#rest.length, into.length);
    into.set(this.#rest.subarray(0, filled));
    this.#rest = this.#rest.subarray(filled);
    if (filled > 0) return filled;
    await this.#take((piece) => {
      const fits = Math.min(piece.length, into.length - filled);
      into.set(piece.subarray(0, fits), filled);
      filled += fits;
      if (fits < piece.length) this.#rest = Buffer.from(piece.subarray(fits));
      return filled < into.length;
    });
    return filled;
  }

  async #take(take: (piece: Uint8Array) => boolean): Promise<void> {
    const { clock, bytesMax } = this.#world;
    const since = clock.monotonic();
    await this.#request.body.read((piece) => {
      this.#received += piece.length;
      if (this.#received > bytesMax) throw tooLarge(bytesMax);
      this.#refuseSlow(clock.monotonic() - since);
      return take(piece);
    });
    this.#waitedMs += clock.monotonic() - since;
  }

  #refuseSlow(waitedMs: number): void {
    const { slowBodyGraceMs, slowBodyBytesPerSecondMin } = webLimits;
    const dueBytes = ((this.#waitedMs + waitedMs - slowBodyGraceMs) / 1000) * slowBodyBytesPerSecondMin;
    if (this.#received < dueBytes) throw new Refusal('too_slow', 'The body comes too slowly.');
  }
}

function tooLarge(bytesMax: number): Refusal {
  return new Refusal('too_large', `A body may have at most ${bytesMax} bytes, as sent and expanded.`);
}
