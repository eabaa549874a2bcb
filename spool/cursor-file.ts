/**
 * A shipper's cursor on disk: two slots of fixed size, written in turn and synced, so one of them is always whole, and a
 * full disk cannot keep a cursor from moving.
 *
 *     slot (at 0 and at 4096) = u32 "TSPC", u16 version 1, u16 length, u32 CRC-32 of the 8 bytes before it and of what follows (length bytes):
 *                               u64 sequence, id spool, cursor (format-table.ts), u64 records, u64 bytes passed so far
 */
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from './bytes.ts';
import { getCursor, putCursor } from './format-table.ts';
import type { Folders } from './layout.ts';
import { cursorName } from './layout.ts';
import type { Id, ShipperCursor, Tally } from './nouns.ts';
import type { Files, OpenFile } from './ports.ts';
import { readFully } from './scan.ts';

const slotMagic = 0x43505354;
const slotVersion = 1;
const slotOffsets = [0, 4096] as const;
const slotBytes = 256;
const fileBytes = 8192;

export interface CursorRecord {
  readonly spool: Id;
  readonly cursor: ShipperCursor;
  /** Records and bytes of the spool that lie before the cursor. */
  readonly passed: Tally;
}

interface Slot extends CursorRecord {
  readonly sequence: number;
}

export type CursorRead =
  | { readonly kind: 'cursor'; readonly record: CursorRecord; readonly sequence: number; readonly slot: number }
  /** `prepared`: the file is there, and no cursor was saved so far. */
  | { readonly kind: 'none'; readonly prepared?: boolean }
  /** Something is there that is no cursor. */
  | { readonly kind: 'damaged' }
  | { readonly kind: 'newer'; readonly version: number };

/** Reads the newer whole slot of a cursor file. */
export function readCursor(files: Files, path: string): CursorRead {
  let bytes: Buffer | undefined;
  try {
    using file = closing(files.open(path, 'read'));
    bytes = readFully(file.value, Buffer.alloc(fileBytes), 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'none' };
    return { kind: 'damaged' };
  }
  if (!bytes) return { kind: 'damaged' };
  const slots = slotOffsets.map((at) => decodeSlot(bytes.subarray(at, at + slotBytes)));
  const newer = slots.find((slot) => typeof slot === 'number');
  if (typeof newer === 'number') return { kind: 'newer', version: newer };
  const [first, second] = slots as [Slot | undefined, Slot | undefined];
  const slot = second && (!first || second.sequence > first.sequence) ? 1 : 0;
  const record = slot === 1 ? second : first;
  if (!record && bytes.equals(Buffer.alloc(fileBytes))) return { kind: 'none', prepared: true };
  return record ? { kind: 'cursor', record, sequence: record.sequence, slot } : { kind: 'damaged' };
}

/** Keeps one cursor file up to date. After a failure the file is made anew, never synced again. */
export class CursorFile {
  readonly #files: Files;
  readonly #folder: string;
  readonly #path: string;
  #file: OpenFile | undefined;
  #sequence: number;
  #slot: number;
  #sound: boolean;
  /** Whether the file's name is durable as far as this process knows; the one that made it may not have come so far. */
  #named = false;

  constructor(files: Files, folders: Folders, shipper: string, found: CursorRead) {
    this.#files = files;
    this.#folder = folders.cursors;
    this.#path = `${folders.cursors}/${cursorName(shipper)}`;
    this.#sequence = found.kind === 'cursor' ? found.sequence : 0;
    this.#slot = found.kind === 'cursor' ? found.slot : 1;
    this.#sound = found.kind === 'cursor' || (found.kind === 'none' && found.prepared === true);
  }

  /** Makes the file while there is space, so that a disk that is full later cannot keep the first cursor from being saved. */
  async prepare(): Promise<void> {
    if (this.#sound) return;
    await this.#create(Buffer.alloc(0)).catch(() => undefined);
  }

  /** Resolves when the record is durable; rejects with the disk's error, and may then be called again. */
  async save(record: CursorRecord): Promise<void> {
    const slot = encodeSlot({ ...record, sequence: this.#sequence + 1 });
    if (this.#sound) await this.#overwrite(slot);
    else await this.#create(slot);
    this.#sequence++;
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  async #overwrite(slot: Buffer): Promise<void> {
    try {
      this.#file ??= this.#files.open(this.#path, 'write');
      const next = 1 - this.#slot;
      if (this.#file.write(slot, slotOffsets[next]!) < slot.length) throw new Error(`${this.#path}: a short write`);
      await this.#file.datasync();
      if (!this.#named) await this.#files.syncDirectory(this.#folder);
      this.#named = true;
      this.#slot = next;
    } catch (error) {
      this.#sound = false;
      this.close();
      throw error;
    }
  }

  async #create(slot: Buffer): Promise<void> {
    const path = `${this.#path}.new`;
    try {
      this.#files.unlink(path);
    } catch {
      // Usually there is none; if it cannot go, creating says why.
    }
    const file = this.#files.open(path, 'create');
    try {
      const whole = Buffer.alloc(fileBytes);
      slot.copy(whole);
      if (file.write(whole, 0) < whole.length) throw new Error(`${path}: a short write`);
      await file.datasync();
    } finally {
      file.close();
    }
    this.#files.rename(path, this.#path);
    await this.#files.syncDirectory(this.#folder);
    this.#named = true;
    this.#sound = true;
    this.#slot = 0;
  }
}

function encodeSlot(slot: Slot): Buffer {
  const content = new ByteWriter(slotBytes);
  content.u64(slot.sequence);
  content.id(slot.spool);
  putCursor(content, slot.cursor);
  content.u64(slot.passed.records);
  content.u64(slot.passed.bytes);
  const out = new ByteWriter(slotBytes);
  out.u32(slotMagic);
  out.u16(slotVersion);
  out.u16(content.length);
  out.u32(crc32(content.bytes, crc32(out.bytes)));
  out.raw(content.bytes);
  return Buffer.concat([out.bytes], slotBytes);
}

/** The slot, a newer version's number, or undefined. */
function decodeSlot(bytes: Buffer): Slot | number | undefined {
  const reader = new ByteReader(bytes);
  if (reader.u32() !== slotMagic) return undefined;
  const version = reader.u16();
  const length = reader.u16();
  const crc = reader.u32();
  const content = reader.raw(length);
  if (reader.failed || crc32(content, crc32(bytes.subarray(0, 8))) !== crc) return undefined;
  if (version !== slotVersion) return version;
  const fields = new ByteReader(content);
  const slot = {
    sequence: fields.u64(),
    spool: fields.id(),
    cursor: getCursor(fields),
    passed: { records: fields.u64(), bytes: fields.u64() },
  };
  return fields.failed ? undefined : slot;
}

/** The file, for `using`; undefined where it cannot be opened. */
export function opened(files: Files, path: string): ReturnType<typeof closing> | undefined {
  try {
    return closing(files.open(path, 'read'));
  } catch {
    // Whoever asks can do without: the reader of the data says what is wrong with it.
    return undefined;
  }
}

/** An open file as something that `using` closes. */
export function closing(value: OpenFile): { readonly value: OpenFile } & Disposable {
  return { value, [Symbol.dispose]: () => value.close() };
}
