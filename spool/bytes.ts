/**
 * Reading and writing of the small binary structures in block headers. A reader never throws and never reads beyond its
 * end: what is missing reads as zero and sets `failed`, which the caller must look at once it is done.
 */

export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacityBytes = 512) {
    this.#buffer = Buffer.allocUnsafeSlow(capacityBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** A view of what was written; valid until the next write. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  reset(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    this.#room(1);
    this.#buffer[this.#length++] = value;
  }

  u16(value: number): void {
    this.#room(2);
    this.#length = this.#buffer.writeUInt16LE(value, this.#length);
  }

  u32(value: number): void {
    this.#room(4);
    this.#length = this.#buffer.writeUInt32LE(value, this.#length);
  }

  /** A safe non-negative integer as eight bytes. */
  u64(value: number): void {
    this.#room(8);
    this.#buffer.writeUInt32LE(value % 0x1_0000_0000, this.#length);
    this.#buffer.writeUInt32LE(Math.floor(value / 0x1_0000_0000), this.#length + 4);
    this.#length += 8;
  }

  /** LEB128: seven bits a byte, the lowest first. */
  varint(value: number): void {
    this.#room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** A signed number as 2n or −2n−1. */
  zigzag(value: number): void {
    this.varint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Length as varint, then the bytes. */
  blob(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  text(value: string): void {
    this.blob(Buffer.from(value, 'utf8'));
  }

  /** An id or hash in hex, as its 16 bytes; '' as zeroes. */
  id(hex: string): void {
    this.#room(16);
    this.#buffer.fill(0, this.#length, this.#length + 16);
    this.#buffer.write(hex, this.#length, 16, 'hex');
    this.#length += 16;
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

export class ByteReader {
  readonly #buffer: Buffer;
  #at = 0;
  #failed = false;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** True once something was asked for that is not there, or not valid. */
  get failed(): boolean {
    return this.#failed;
  }

  get left(): number {
    return this.#buffer.length - this.#at;
  }

  /** Gives up: everything read from now on is zero. */
  fail(): void {
    this.#failed = true;
    this.#at = this.#buffer.length;
  }

  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#buffer[at]!;
  }

  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#buffer.readUInt16LE(at);
  }

  u32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#buffer.readUInt32LE(at);
  }

  u64(): number {
    const at = this.#take(8);
    if (at < 0) return 0;
    const value = this.#buffer.readUInt32LE(at) + this.#buffer.readUInt32LE(at + 4) * 0x1_0000_0000;
    return this.#safe(value);
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      const at = this.#take(1);
      if (at < 0) return 0;
      const byte = this.#buffer[at]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return this.#safe(value);
      scale *= 0x80;
    }
    this.fail();
    return 0;
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A view of the next `length` bytes. */
  raw(length: number): Buffer {
    const at = this.#take(length);
    return at < 0 ? Buffer.alloc(0) : this.#buffer.subarray(at, at + length);
  }

  blob(lengthMax: number): Buffer {
    const length = this.varint();
    if (length > lengthMax) this.fail();
    return this.raw(this.#failed ? 0 : length);
  }

  text(lengthMax: number): string {
    return this.blob(lengthMax).toString('utf8');
  }

  id(): string {
    const at = this.#take(16);
    return at < 0 ? '0'.repeat(32) : this.#buffer.toString('hex', at, at + 16);
  }

  /** A count of things that take at least `bytesEach` bytes: fails where they could not all be there. */
  count(bytesEach: number): number {
    const value = this.varint();
    if (value * bytesEach > this.left) this.fail();
    return this.#failed ? 0 : value;
  }

  #take(length: number): number {
    if (this.#at + length > this.#buffer.length) {
      this.fail();
      return -1;
    }
    const at = this.#at;
    this.#at += length;
    return at;
  }

  #safe(value: number): number {
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    this.fail();
    return 0;
  }
}
