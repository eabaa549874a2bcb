/**
 * Reads the journal's export format (https://systemd.io/JOURNAL_EXPORT_FORMATS/) as it arrives, piece by piece: any cutting of the
 * same bytes gives the same entries. Pure, never throws, and holds no more than one entry of limited size and one piece.
 *
 * A field is `NAME=text` and a line feed, or `NAME`, a line feed, eight bytes of length (little endian), the bytes, a line feed. An
 * entry ends with an empty line. What an entry has beyond the limits is passed over and noted. Bytes that follow none of this are
 * passed over up to the next empty line, as one damaged entry.
 */
import type { Value } from '../../spool/event.ts';
import { bytesValue } from '../shared/event.ts';
import { type Cut, EntryInMaking } from './entry.ts';

export interface Entry {
  readonly kind: 'entry';
  /** A field that came several times has a list. */
  readonly fields: ReadonlyMap<string, Value>;
  /** As they arrived, its end included. */
  readonly bytes: number;
  /** What was not taken whole; undefined where everything was. */
  readonly cut: Cut | undefined;
}

export interface DamagedEntry {
  readonly kind: 'damaged';
  readonly bytes: number;
}

export type Parsed = Entry | DamagedEntry;

/** More is no length that a journal writes. */
const fieldBytesMax = 2 ** 40;
const nameBytesMax = 256;
const lineFeed = 0x0a;
const equals = 0x3d;

/** What comes next. `keep`: so many of a value's bytes are taken, the others passed over. */
type State =
  | { readonly kind: 'line' }
  | { readonly kind: 'length'; readonly name: string }
  | { readonly kind: 'bytes'; readonly name: string; readonly keep: number; readonly length: number }
  | { readonly kind: 'pass'; left: number }
  | { readonly kind: 'pass_line'; readonly name: string; passed: number }
  | { readonly kind: 'line_end' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'damaged'; atLineStart: boolean };

const line: State = { kind: 'line' };
const ended: State = { kind: 'ended' };

export class ExportParser {
  readonly #entryBytesMax: number;
  #pending: Buffer = Buffer.alloc(0);
  #state: State = line;
  #entry: EntryInMaking;
  /** Of the entry that is being read, and read already. */
  #bytes = 0;

  /** `entryBytesMax`: of an entry's names and values together. */
  constructor(entryBytesMax: number) {
    this.#entryBytesMax = entryBytesMax;
    this.#entry = new EntryInMaking(entryBytesMax);
  }

  /** The entries that this piece completes. */
  feed(piece: Uint8Array): Parsed[] {
    const found: Parsed[] = [];
    const fresh = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    const all = this.#pending.length > 0 ? Buffer.concat([this.#pending, fresh]) : fresh;
    let at = 0;
    for (let taken = this.#step(all, at, found); taken >= 0; taken = this.#step(all, at, found)) at += taken;
    this.#pending = Buffer.from(all.subarray(at));
    return found;
  }

  /** One step from `at`; gives how many bytes it took, or −1 where more have to arrive. */
  #step(all: Buffer, at: number, found: Parsed[]): number {
    const state = this.#state;
    // A field of no bytes is complete before anything more arrives.
    if (at >= all.length && !(state.kind === 'bytes' && state.keep === 0)) return -1;
    const taken = this.#take(state, all, at);
    if (taken > 0) this.#bytes += taken;
    if (this.#state.kind === 'ended') this.#finish(state, found);
    return taken;
  }

  #take(state: State, all: Buffer, at: number): number {
    switch (state.kind) {
      case 'line':
        return this.#line(all, at);
      case 'length':
        return this.#length(all, at, state.name);
      case 'bytes':
        return this.#binary(all, at, state);
      case 'pass':
        return this.#pass(all, at, state);
      case 'pass_line':
        return this.#passLine(all, at, state);
      case 'line_end':
        return this.#lineEnd(all, at);
      case 'damaged':
        return this.#damaged(all, at, state);
      case 'ended':
        return -1;
      default:
        return state satisfies never;
    }
  }

  #line(all: Buffer, at: number): number {
    const end = all.indexOf(lineFeed, at);
    if (end === at) return this.#to(ended, 1);
    const there = (end === -1 ? all.length : end) - at;
    const mark = all.subarray(at, at + Math.min(there, nameBytesMax + 1)).indexOf(equals);
    if (mark > 0) return this.#text(all, at, mark, end);
    if (mark === 0 || there > nameBytesMax) return this.#to({ kind: 'damaged', atLineStart: false }, 0);
    return end === -1 ? -1 : this.#to({ kind: 'length', name: all.toString('latin1', at, end) }, there + 1);
  }

  #text(all: Buffer, at: number, mark: number, end: number): number {
    const name = all.toString('latin1', at, at + mark);
    const value = at + mark + 1;
    const room = this.#entry.room(name);
    const length = (end === -1 ? all.length : end) - value;
    if (length <= room) {
      if (end === -1) return -1;
      this.#entry.add(name, bytesValue(all.subarray(value, end)), length);
      return end + 1 - at;
    }
    this.#entry.add(name, bytesValue(all.subarray(value, value + room)), room);
    return this.#to({ kind: 'pass_line', name, passed: room }, mark + 1 + room);
  }

  #length(all: Buffer, at: number, name: string): number {
    if (all.length - at < 8) return -1;
    const length = Number(all.readBigUInt64LE(at));
    if (length > fieldBytesMax) return this.#to({ kind: 'damaged', atLineStart: false }, 8);
    return this.#to({ kind: 'bytes', name, keep: Math.min(length, this.#entry.room(name)), length }, 8);
  }

  #binary(all: Buffer, at: number, { name, keep, length }: State & { readonly kind: 'bytes' }): number {
    if (all.length - at < keep) return -1;
    this.#entry.add(name, bytesValue(all.subarray(at, at + keep)), keep);
    if (keep < length) this.#entry.cut(name, length);
    return this.#to(keep < length ? { kind: 'pass', left: length - keep } : { kind: 'line_end' }, keep);
  }

  #pass(all: Buffer, at: number, state: State & { readonly kind: 'pass' }): number {
    const passed = Math.min(state.left, all.length - at);
    state.left -= passed;
    return state.left === 0 ? this.#to({ kind: 'line_end' }, passed) : passed;
  }

  #passLine(all: Buffer, at: number, state: State & { readonly kind: 'pass_line' }): number {
    const end = all.indexOf(lineFeed, at);
    const passed = (end === -1 ? all.length : end) - at;
    state.passed += passed;
    if (end === -1) return passed;
    this.#entry.cut(state.name, state.passed);
    return this.#to(line, passed + 1);
  }

  #lineEnd(all: Buffer, at: number): number {
    if (all[at] === lineFeed) return this.#to(line, 1);
    return this.#to({ kind: 'damaged', atLineStart: false }, 0);
  }

  #damaged(all: Buffer, at: number, state: State & { readonly kind: 'damaged' }): number {
    if (state.atLineStart && all[at] === lineFeed) return this.#to(ended, 1);
    const end = all.indexOf(lineFeed, at);
    state.atLineStart = end !== -1;
    return (end === -1 ? all.length : end + 1) - at;
  }

  #to(state: State, taken: number): number {
    this.#state = state;
    return taken;
  }

  #finish(before: State, found: Parsed[]): void {
    const bytes = this.#bytes;
    if (before.kind === 'damaged') found.push({ kind: 'damaged', bytes });
    else if (!this.#entry.empty) found.push({ kind: 'entry', ...this.#entry.done(), bytes });
    this.#state = line;
    this.#entry = new EntryInMaking(this.#entryBytesMax);
    this.#bytes = 0;
  }
}
