/**
 * Who a file is, as far as it has been read: the object as last seen, the cursor with the bytes before it, and the fingerprints
 * that grow with it. Knows when any of that should be written down anew, and reads nothing but fingerprints.
 */
import { crc32 } from 'node:zlib';
import type { FileStat, OpenFile, UnixMs } from '../../spool/ports.ts';
import type { Head, Point, ReadAt } from './fingerprint.ts';
import { fingerprintAt, headBytesMax, headOf, noHead, withPoint } from './fingerprint.ts';
import type { Content, Known } from './identity.ts';
import type { Compression } from './names.ts';
import { RemoteFile } from './remote.ts';
import type { SourceState } from './state.ts';

/** Where a generation's bytes are to be had. */
export interface Place {
  readonly path: string;
  readonly compression: Compression | undefined;
}

/** Distance of the first points; later ones an eighth of the offset apart, up to the largest distance. */
const pointStepBytesMin = 64 * 1024;
const pointStepBytesMax = 4 * 1024 * 1024;

const neverSeen: SourceState = {
  device: 0n,
  inode: 0n,
  birthNs: 0n,
  modifiedMs: 0,
  finished: false,
  head: noHead,
  points: [],
  place: '',
};

interface Strange {
  readonly bytes: number;
  readonly head: Head;
}

const nothingStrange: Strange = { bytes: 0, head: noHead };

export class Traits implements Known {
  /** The path it was first seen at, for life: the mirror's path. */
  readonly path: string;
  offset: number;
  /** CRC of the bytes before the cursor. */
  crc: number;
  device: bigint;
  inode: bigint;
  birthNs: bigint;
  /** As last seen. */
  modifiedMs: UnixMs;
  /** The same when it was last certain that the file was this generation: what is older was there before. */
  certainMs: UnixMs;
  /** That, as of when it last surely stood at the path: late lines make the file younger than what was missed since. */
  stoodMs: UnixMs;
  head: Head;
  /** While nothing was read of it: where it ended when it was last looked at. Logs that begin alike end differently. */
  end: Point | undefined;
  points: readonly Point[];
  finished: boolean;
  /** undefined: not found so far. */
  place: Place | undefined;
  /** The compressed file that it was last found in. */
  archive = '';
  file: OpenFile | undefined;
  /** As last seen. */
  sizeBytes: number;
  /** The most that was seen since the cursor last was at the end: what a truncation destroyed at least. */
  highBytes: number;
  /**
   * The most that was seen of what nothing was read of: of a file that was empty when it was looked at, or of what was written since
   * it was cut off; and how that begins.
   */
  strange: Strange = nothingStrange;
  /** No name leads to the open file any more. */
  deleted = false;
  /** Its file was seen in this run: what happens to it from now on is no power cut. */
  seen = false;
  /** What was written down of it is not what is known by now. */
  protected stateIsDue = false;
  protected timeIsStale = true;
  #writtenMs: UnixMs;

  constructor(path: string, offset: number, crc: number, state: SourceState = neverSeen) {
    this.path = path;
    this.offset = offset;
    this.crc = crc;
    this.device = state.device;
    this.inode = state.inode;
    this.birthNs = state.birthNs;
    this.modifiedMs = state.modifiedMs;
    this.certainMs = state.modifiedMs;
    this.stoodMs = state.modifiedMs;
    this.#writtenMs = state.modifiedMs;
    this.head = state.head;
    this.points = state.points;
    this.finished = state.finished;
    this.place = state.place === '' ? undefined : { path: state.place, compression: undefined };
    this.sizeBytes = offset;
    this.highBytes = offset;
  }

  get lagBytes(): number {
    return Math.max(0, this.sizeBytes - this.offset);
  }

  /** What was written down last tells when the file was modified. */
  protected get isWrittenDown(): boolean {
    return this.#writtenMs === Math.floor(this.certainMs);
  }

  /** What the spool keeps of it. */
  state(): SourceState {
    this.#writtenMs = Math.floor(this.certainMs);
    const { device, inode, birthNs, certainMs: modifiedMs, finished, head, points, place, path } = this;
    const elsewhere = place !== undefined && place.path !== path && place.compression === undefined;
    return { device, inode, birthNs, modifiedMs, finished, head, points, place: elsewhere ? place.path : '' };
  }

  /** Takes note of what a stat told. */
  observe(stat: FileStat): void {
    this.seen = true;
    this.device = stat.device;
    this.inode = stat.inode;
    this.birthNs = stat.birthNs;
    this.modifiedMs = stat.modifiedMs;
    this.deleted = stat.links === 0;
    this.#seesAgain(stat.sizeBytes);
  }

  /** Takes note of what the open file tells now: its size, and whether any name leads to it. */
  observeOpen(): void {
    if (!this.file) return;
    const { sizeBytes, links, modifiedMs } = this.file.stat();
    this.modifiedMs = modifiedMs;
    this.deleted = links === 0;
    this.#seesAgain(sizeBytes);
  }

  /** It is in a compressed file now (`archive` tells it from others), which is another object. */
  observeArchive(archive: string, modifiedMs: UnixMs, expandedBytes: number): void {
    this.archive = archive;
    this.end = undefined;
    this.inode = 0n;
    this.birthNs = 0n;
    this.modifiedMs = modifiedMs;
    this.sizeBytes = expandedBytes;
    this.highBytes = expandedBytes;
    this.deleted = false;
  }

  /** It stands under another name now, or in another file: what is written next says so. */
  moveTo(place: Place | undefined): void {
    if (place?.path === this.place?.path && place?.compression === this.place?.compression) return;
    this.stateIsDue = true;
    // The same string where it is the same path: ten thousand files have ten thousand paths.
    this.place = place && { ...place, path: place.path === this.path ? this.path : place.path };
  }

  close(): void {
    this.file?.close();
    this.file = undefined;
  }

  /** Its open file, whatever became of its name, does not hold any more what was read or seen of it. */
  get wasCutOff(): boolean {
    if (this.file === undefined || this.file instanceof RemoteFile || this.isBlank) return false;
    try {
      if (this.offset > 0) return fingerprintAt(this.readAt, this.offset) !== this.crc;
      return headOf(this.readAt, this.head.length)?.crc !== this.head.crc;
    } catch {
      return false; // it cannot be read now: its next turn says so
    }
  }

  /** Nothing is known of its bytes: it was empty whenever it was looked at. */
  get isBlank(): boolean {
    return this.offset === 0 && this.head.length === 0;
  }

  /** How it started and ended when its surroundings were looked at: if that is gone when its first bytes are taken, it is noticed. */
  learn(head: Head, end: Point | undefined): void {
    if (this.isBlank) this.#knowsItself(head);
    if (this.offset === 0 && this.place?.compression === undefined) this.end = end;
  }

  /** Whether these bytes can be the beginning, or all, of the open file: true where that cannot be asked. */
  mayHold({ sizeBytes, headOf: headOfThem, fingerprintAt: endOf }: Content): boolean {
    if (this.file === undefined || this.file instanceof RemoteFile) return true;
    if (sizeBytes > this.file.stat().sizeBytes) return false;
    const length = Math.min(sizeBytes, headBytesMax);
    if (headOfThem(length)?.crc !== headOf(this.readAt, length)?.crc) return false;
    const end = endOf(sizeBytes);
    return end === undefined || end === fingerprintAt(this.readAt, sizeBytes);
  }

  learnOwnHead(): void {
    if (this.isBlank && this.file)
      this.#knowsItself(headOf(this.readAt, Math.min(this.file.stat().sizeBytes, headBytesMax)) ?? noHead);
  }

  /** What was seen of it is its own from here on. */
  #knowsItself(head: Head): void {
    this.head = head;
    if (head.length > 0) this.forgetStrange();
  }

  /** Of a file that was empty, seen filled, and emptied: how much had stood in it. */
  get emptiedBytes(): number {
    if (this.file === undefined || !this.isBlank) return 0;
    return this.file.stat().sizeBytes < this.highBytes ? this.highBytes : 0;
  }

  /** What was seen behind the cursor is accounted for. */
  forgetSeen(): void {
    this.strange = nothingStrange;
    this.sizeBytes = this.offset;
    this.highBytes = this.offset;
  }

  forgetStrange(): void {
    this.strange = nothingStrange;
  }

  /** What stands behind the cursor is only its own while what stands before it is. */
  #seesAgain(sizeBytes: number): void {
    const isOther = sizeBytes > this.highBytes || sizeBytes < this.sizeBytes || this.strange.bytes > 0;
    this.sizeBytes = sizeBytes;
    if (!isOther) return;
    const wasCutOff = this.wasCutOff;
    if (!wasCutOff) this.highBytes = Math.max(this.highBytes, sizeBytes);
    if ((wasCutOff || this.isBlank) && sizeBytes > this.strange.bytes)
      this.strange = { bytes: sizeBytes, head: this.#headNow(sizeBytes) };
  }

  #headNow(sizeBytes: number): Head {
    if (this.file === undefined || this.file instanceof RemoteFile) return noHead;
    try {
      return headOf(this.readAt, Math.min(sizeBytes, headBytesMax)) ?? noHead;
    } catch {
      return noHead; // it cannot be read now: its next turn says so
    }
  }

  protected sees(sizeBytes: number): void {
    this.sizeBytes = sizeBytes;
    this.highBytes = Math.max(this.highBytes, sizeBytes);
  }

  /** The first bytes are taken. */
  protected beginHead(view: Uint8Array, length: number): void {
    this.head = { length, crc: crc32(view.subarray(0, length)) };
    this.refreshTime();
    this.stateIsDue = true;
  }

  /** After the cursor moved: the head doubles with a small file; a point is kept every eighth of the way, or 4 MiB. */
  protected growFingerprints(): void {
    const wanted = Math.min(this.offset, headBytesMax);
    const due = wanted >= this.head.length * 2 || (wanted === headBytesMax && this.head.length < headBytesMax);
    if (wanted > 0 && due) this.#growHead(wanted);
    const last = this.points.at(-1)?.offset ?? 0;
    const step = Math.min(pointStepBytesMax, Math.max(pointStepBytesMin, this.offset / 8));
    if (this.offset - last >= step) this.keepPoint();
  }

  protected keepPoint(): void {
    this.points = withPoint(this.points, { offset: this.offset, crc: this.crc });
    this.refreshTime();
    this.stateIsDue = true;
  }

  /** The time is certain where the bytes before the cursor are still the same behind it: else it may be of what came after a truncation. */
  protected refreshTime(): void {
    if (!this.file) return;
    const { modifiedMs } = this.file.stat();
    this.modifiedMs = modifiedMs;
    if (!this.isBlank && fingerprintAt(this.readAt, this.offset) === this.crc) this.certainMs = modifiedMs;
    this.timeIsStale = false;
  }

  /** Only where the file still starts as it did: else it is being truncated right now, and the next turn finds out. */
  #growHead(length: number): void {
    if (!this.file || (this.head.length > 0 && headOf(this.readAt, this.head.length)?.crc !== this.head.crc)) return;
    const head = headOf(this.readAt, length);
    if (!head) return;
    this.head = head;
    this.refreshTime();
    this.stateIsDue = true;
  }

  protected readonly readAt: ReadAt = (into, position) => this.file!.read(into, position);
}
