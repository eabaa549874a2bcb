/**
 * Records on their way into the spool, one behind the other as they will stand there, each with its line feed: a batch is put with one copy,
 * however many it holds. Encoders write straight into it. Its memory is used again, and given back where one batch needed much.
 */
import { type Page, pageOver } from '../shared/page.ts';

/** It is full with so much: a small part of a block, so that little of a block stays empty. */
const bytesTarget = 32 * 1024;
const recordsTarget = 512;
/** Kept between batches: what a longest datagram may become, behind others. */
const keptBytesMax = 512 * 1024;

export class Batch {
  #page = pageOver(Buffer.allocUnsafeSlow(2 * bytesTarget));
  #end = 0;
  #records = 0;

  get records(): number {
    return this.#records;
  }

  /** What follows belongs into the next one. */
  get full(): boolean {
    return this.#end >= bytesTarget || this.#records >= recordsTarget;
  }

  /** All of it; valid until `clear`. */
  get bytes(): Uint8Array {
    return this.#page.bytes.subarray(0, this.#end);
  }

  /** Where the next record begins in the page that `roomFor` gives. */
  get end(): number {
    return this.#end;
  }

  /** Room for so many bytes from `end` on. What is written there is no record before `wrote` says so. */
  roomFor(bytesMax: number): Page {
    if (this.#page.bytes.length - this.#end < bytesMax) {
      const grown = pageOver(Buffer.allocUnsafeSlow(Math.max(2 * this.#page.bytes.length, this.#end + bytesMax)));
      grown.bytes.set(this.bytes);
      this.#page = grown;
    }
    return this.#page;
  }

  /** The record that begins at `end` goes to here, its line feed included. */
  wrote(end: number): void {
    this.#end = end;
    this.#records++;
  }

  /** A record without its line feed. */
  add(record: Uint8Array): void {
    const { bytes } = this.roomFor(record.length + 1);
    bytes.set(record, this.#end);
    bytes[this.#end + record.length] = 0x0a;
    this.wrote(this.#end + record.length + 1);
  }

  /** The same of a text, as UTF-8. */
  addText(record: string): void {
    const { bytes } = this.roomFor(Buffer.byteLength(record) + 1);
    const end = this.#end + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).write(record, this.#end);
    bytes[end] = 0x0a;
    this.wrote(end + 1);
  }

  clear(): void {
    this.#end = 0;
    this.#records = 0;
    if (this.#page.bytes.length > keptBytesMax) this.#page = pageOver(Buffer.allocUnsafeSlow(2 * bytesTarget));
  }
}
