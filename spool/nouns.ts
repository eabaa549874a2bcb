/**
 * The words of the spool, and its two doors: `Intake` for collectors, `Outlet` for shippers. Nothing here does anything.
 *
 * A spool is an endless sequence of bytes cut into segment files; a **position** is a byte offset in it and never goes
 * back. A **block** is whole records of any number of sources together with the cursors of those sources. See
 * `docs/spool-format.md` for the bytes and `docs/architecture.md` for the rules.
 */
import type { MonotonicMs, Problem, UnixMs } from './ports.ts';

/** A byte offset in the spool's sequence of segments; a safe integer. */
export type Position = number & { readonly unit?: 'spool position' };
/** Numbers a source within one spool; from 1, never used twice. */
export type SourceNumber = number & { readonly unit?: 'source number' };
/** 16 random bytes in lower-case hex. */
export type Id = string & { readonly unit?: 'id (hex)' };
/** The first 16 bytes of SHA-256 over a block's header, in lower-case hex. */
export type BlockHash = string & { readonly unit?: 'block hash (hex)' };

export const zeroHash: BlockHash = '0'.repeat(32);

export const limits = {
  /** The longest record without its line feed that `max_line` may allow. */
  maxLineBytesMax: 8 * 1024 * 1024,
  /** A block's raw and compressed size in every format version; its header too. */
  blockBytesMax: 16 * 1024 * 1024,
  /** Raw bytes at which a block is closed in ordinary work. */
  blockBytesTarget: 256 * 1024,
  /** A table's size when it is expanded. Compressed it has to fit a header: about 150,000 sources of files. */
  tableBytesMax: 64 * 1024 * 1024,
  /** Sources in a table. */
  tableSourcesMax: 262_144,
  /** Entries in a block's list of drops. */
  dropsMax: 65_536,
  /** Runs in a block's header. */
  runsMax: 65_536,
  markBytesMax: 255,
  stateBytesMax: 64 * 1024,
  descriptionBytesMax: 64 * 1024,
} as const;

/** Values of the OpenTelemetry log data model that need no more than text here. */
export type Attributes = Readonly<Record<string, string>>;

/**
 * Who a source is: written to the block that first uses its number and to every segment's table.
 * `attributes` and `resource` use OpenTelemetry's semantic conventions (`log.file.path`, `host.name` …).
 */
export interface SourceDescription {
  /** The collector's name in the configuration. */
  readonly collector: string;
  /** The collector's type: `file`, `blocks`, … */
  readonly type: string;
  readonly resource: Attributes;
  readonly attributes: Attributes;
}

/**
 * Where a source has been read to. `offset` is a count in the source's own units (bytes of a file, positions of an
 * upstream spool); `mark` is what its collector needs beside it to recognise the place again (opaque to the spool).
 */
export interface SourceCursor {
  readonly offset: number;
  readonly mark: Uint8Array;
}

/** All that the spool keeps of a live source. */
export interface SourceRecord {
  readonly number: SourceNumber;
  readonly description: SourceDescription;
  /** The newest state its collector handed over (opaque to the spool; may be older than the cursor). */
  readonly state: Uint8Array;
  readonly cursor: SourceCursor;
  /**
   * After opening: the cursors of this source's runs since its last table entry, oldest first, at most 64 of them,
   * so that a collector can find an earlier point that still matches.
   */
  readonly trail: readonly SourceCursor[];
}

/** `text`: records end with LF and hold none. `json`: one JSON object a line. */
export type RecordFormat = 'text' | 'json';

/** Why records or bytes of a source are not in the spool, or not delivered. Loss is data too. */
export type DropReason =
  | 'start_at_end' // begun at the end of a file on purpose
  | 'hole' // NUL bytes skipped by range
  | 'truncated' // destroyed by a truncation before it was read
  | 'vanished' // the file went away before it was read to its end
  | 'deleted_limit' // a deleted file was held longer than allowed
  | 'filtered' // a processor said so
  | 'refused' // the destination refused the record for good
  | 'retention' // the spool was full, or a ring turned over
  | 'damaged' // could not be read back from the disk
  | 'forgotten' // a cursor above the cap or absent too long
  | 'upstream' // declared by the agent that sent it
  | 'overflow' // brought while the spool took nothing, by a collector that was told not to wait
  | 'kernel_buffer' // lost before it could be read: the socket's buffer in the kernel was full
  | 'malformed' // no record by the rules of its protocol
  | 'too_large'; // longer than a record may be, and could not be taken in parts

/** Records of one source that stand together in a block, and the step of its cursor that they make. */
export interface Run {
  readonly source: SourceNumber;
  readonly from: number;
  readonly to: number;
  readonly mark: Uint8Array;
  /** New state for the source, or undefined where it stays as it is. */
  readonly state?: Uint8Array | undefined;
  readonly format: RecordFormat;
  /** Records in the block's frame; 0 for a cursor that only moves. */
  readonly records: number;
  /** Bytes in the block's frame. */
  readonly bytes: number;
  /** When the first of them was collected. */
  readonly time: UnixMs;
  /** The first record continues the source's previous one, which was `unterminated`. */
  readonly continues: boolean;
  /** The last record had no LF at its source (yet); the one in the frame was added, and is not part of the source. */
  readonly unterminated: boolean;
  /** Set on a run without records that passes over something: what, and how much of it (records −1: not known). */
  readonly dropped?: { readonly reason: DropReason; readonly records: number; readonly bytes: number } | undefined;
}

/** A finished block of another spool, verified by the caller, to be kept unchanged inside one of ours. */
export interface ForeignBlock {
  readonly header: Uint8Array;
  readonly frame: Uint8Array;
  /** The CRC-32 that the frame was verified with. */
  readonly frameCrc: number;
  /** Descriptions of the origin's sources that came beside it, to be kept with it (encoded as in a header). */
  readonly descriptions?: Uint8Array | undefined;
}

/** Why nothing can be taken at the moment. */
export type HoldReason =
  | 'spool_full' // max_size reached and the policy is to block
  | 'disk_full' // ENOSPC, EDQUOT, EROFS, or less than min_free
  | 'disk_error' // a write or a sync failed; being repaired
  | 'too_many_sources' // their table does not fit a segment's first header
  | 'unsynced' // as much in flight as memory allows; passes by itself
  | 'rolling' // a new segment is being begun; passes by itself
  | 'damaged_full' // damaged/ or dead/ has reached its cap
  | 'closed';

/**
 * The collectors' door. Calls are synchronous and cheap; a collector that gets `undefined` from `reserve` waits for `room()`.
 *
 *     const view = intake.reserve(65536);            // room in the block being built
 *     if (view === undefined) return intake.room();
 *     const n = file.read(view, offset);             // read straight into it
 *     intake.commit({ source, from, to, bytes, … }); // the first `bytes` of the view become records
 *
 * A view is valid until the next call of any method here. What is not committed costs nothing.
 */
export interface Intake {
  /** Live sources, recovered ones included; a collector finds its own by `description.collector`. */
  readonly sources: ReadonlyMap<SourceNumber, SourceRecord>;
  /** The end of what was committed: reaches `durable` after a flush. Counts blocks not yet written as their first byte. */
  readonly durable: Position;
  /**
   * What is committed before this moment cannot become durable sooner: a collector that has little to read may gather it
   * until then. In the past where the next commit is synced at once.
   */
  readonly nextSync: MonotonicMs;
  /**
   * Calls `read` once, right before the next sync, which comes no sooner than `nextSync`: what it commits becomes durable with
   * that sync. Never called once the spool is closed.
   */
  beforeSync(read: () => void): void;
  /** True where no more sources should begin: what has none yet has to wait until others are forgotten. */
  readonly sourcesFull: boolean;
  /** Begins a source. Its description is written with its first run. */
  begin(description: SourceDescription): SourceNumber;
  /** Replaces the description (a collector was renamed, a file adopted). Written with the source's next run or table. */
  describe(source: SourceNumber, description: SourceDescription): void;
  /** The source's cursor leaves the tables. */
  forget(source: SourceNumber): void;
  /** At least `bytesMin` writable bytes (often more) in the open block, or undefined while `hold` says why not. */
  reserve(bytesMin: number): Uint8Array | undefined;
  /**
   * Turns the first `run.bytes` bytes of the last view into records, or (with 0 bytes) only moves a cursor. A cursor that is
   * moved right behind records, in the same turn, stands in the same block: both become durable, or neither (a request's records
   * and its key).
   */
  commit(run: Run): void;
  /**
   * Appends a foreign block, whole, as one block whose only run is `run` (its `bytes` and `records` are the foreign frame's).
   * Returns the position that `durable` will have reached when it is safe, or undefined while `hold` says why not.
   */
  append(run: Run, block: ForeignBlock): Position | undefined;
  /** Resolves once everything committed before the call is durable. Rejects only when the spool closes first. */
  flush(): Promise<void>;
  readonly hold: HoldReason | undefined;
  /** Resolves when it is worth trying `reserve` or `append` again. */
  room(): Promise<void>;
  /**
   * Reads back what was committed of a source, in order, beginning with the stretch that holds `from` or the first one kept
   * behind it: for a source that went back and is to be compared. Only what the newest segments hold (the two newest always
   * stay) and only what stands in them as it was read; between two stretches there may be holes.
   */
  recall(source: SourceNumber, from: number): AsyncIterable<Recalled>;
}

/** Bytes of a source as they were read, without line feeds that were added; valid until the next stretch. */
export interface Recalled {
  readonly from: number;
  readonly bytes: Uint8Array;
}

/** How a shipper remembers how far its destination has everything. Kept durably in `cursors/<shipper>`. */
export interface ShipperCursor {
  /** The receiver that acknowledged (its id), or '' for destinations without one. */
  readonly receiver: Id | '';
  /** The stream's epoch: that of the block ending at `position`, or a fork drawn by the shipper. */
  readonly epoch: Id;
  /** True where `epoch` is a fork: blocks after `position` keep going out under it until their own epoch changes. */
  readonly forked: boolean;
  readonly position: Position;
  /** Hash of the block that ends at `position`; zeroHash at the very start. */
  readonly hash: BlockHash;
}

/** An opening of the spool. Blocks at one position in two epochs are different blocks. */
export interface Epoch {
  readonly id: Id;
  /** Position of its first block. */
  readonly start: Position;
  /** The epoch before it, where that ended and the hash there; undefined for a spool's first. */
  readonly parent: { readonly id: Id; readonly end: Position; readonly hash: BlockHash } | undefined;
}

/** One block as a reader sees it. Views into the batch's bytes: copy what outlives the batch. */
export interface BlockView {
  readonly position: Position;
  readonly end: Position;
  readonly hash: BlockHash;
  readonly time: UnixMs;
  readonly records: number;
  /** Source bytes that its runs stand for (not those of foreign blocks' headers). */
  readonly rawBytes: number;
  readonly header: Uint8Array;
  readonly frame: Uint8Array;
}

export type ReadResult =
  /** Verified blocks of one epoch, as they lie on disk, without a hole between them. `bytes` is valid until the next read. */
  | {
      readonly kind: 'blocks';
      readonly epoch: Epoch;
      readonly from: Position;
      readonly upto: Position;
      readonly bytes: Uint8Array;
      readonly blocks: readonly BlockView[];
    }
  /** Nothing to be had from `from` to `upto`; reading goes on at `upto`. */
  | { readonly kind: 'gap'; readonly from: Position; readonly upto: Position; readonly gap: Gap }
  /** The disk refuses to read at `from`, which may pass: `readable` resolves when it is worth trying again. */
  | { readonly kind: 'unreadable'; readonly from: Position }
  /** `from` is the durable end. */
  | { readonly kind: 'end' };

/** A stretch that will never be delivered. `hole`: positions never used. Records −1: not known. */
export interface Gap {
  readonly from: Position;
  readonly upto: Position;
  readonly reason: DropReason | 'hole_in_positions';
  readonly records: number;
  readonly bytes: number;
}

/** Counts of one collector's or of all records between two positions. */
export interface Tally {
  readonly records: number;
  readonly bytes: number;
}

/** A shipper's door to the spool: what it has to deliver, and how far it has. */
export interface Outlet {
  readonly spool: Id;
  readonly name: string;
  /** Everything before it may be read and shipped. */
  readonly durable: Position;
  /** The cursor as saved (or as found at opening); undefined when this shipper never had one. */
  readonly cursor: ShipperCursor | undefined;
  /** Where the oldest block still to be had begins: what a new shipper starts from. */
  readonly oldest: Position;
  /**
   * Reads from a block boundary (a cursor's position, a result's `upto`, `oldest`). At least one block, else up to
   * `bytesMax`; damage is set aside, counted and given as a gap, and so is what lies below `oldest`. What the disk refuses
   * to read is `unreadable` for a long time before it is a gap. Throws nothing for what lies on the disk.
   */
  read(from: Position, bytesMax: number): ReadResult;
  /**
   * The block that ends at `position`, if it is still there, or the one before the unused positions that end there: its epoch
   * and hash. For going back. Throws with a system error's code (EIO …) while the disk does not tell.
   */
  endingAt(position: Position): { readonly epoch: Epoch; readonly hash: BlockHash } | undefined;
  /**
   * Resolves when there are records to be read at or behind `from`, when the signal aborts, or when the spool closes. Blocks
   * without records (a vouching block after idle) do not wake it: they go along with the next records. Where `from` was
   * `unreadable` it resolves when reading is worth another try.
   */
  readable(from: Position, signal: AbortSignal): Promise<void>;
  /**
   * Moves the cursor. Takes effect at once for `waiting`; is durable (and lets segments go) within a second, or when
   * `durably` is set, before the promise resolves.
   */
  save(cursor: ShipperCursor, durably?: boolean): Promise<void>;
  /**
   * Counts what this shipper gave up although it could be read (a record refused for good, a frame that does not expand).
   * Gaps that `read` gave are counted by the spool itself when the cursor passes them. Durable with the spool's next block.
   */
  dropped(reason: DropReason, tally: Tally, collector?: string): void;
  /**
   * Counts records, by collector, that the destination refused for good in the block that ends at `upto`. Blocks come in order;
   * what was counted for a block is never counted again, whatever crashes in between.
   */
  refused(upto: Position, tallies: ReadonlyMap<string, Tally>): void;
  /** Descriptions of all live sources, encoded as in a header (`decodeDescriptions`): for a receiver that lacks them. */
  describe(): Uint8Array;
  /** Nothing from here on is dropped by `drop_oldest` while it is in flight. */
  pin(from: Position, upto: Position): Disposable;
  /** Records and bytes, per collector, that stand between the cursor and the durable end. */
  waiting(): Tally;
  /** When the oldest waiting record was collected; undefined when none waits. */
  oldestWaiting(): UnixMs | undefined;
}

/** The spool as `status` and metrics show it. */
export interface SpoolStatus {
  readonly id: Id;
  readonly epoch: Epoch;
  readonly oldest: Position;
  readonly end: Position;
  readonly durable: Position;
  readonly segments: number;
  readonly bytes: number;
  readonly maxBytes: number;
  readonly damagedBytes: number;
  readonly sources: number;
  /** Since the spool began: raw source bytes and what they took on disk. */
  readonly rawBytesTotal: number;
  readonly spooledBytesTotal: number;
  readonly recordsTotal: number;
  readonly syncs: number;
  readonly hold: HoldReason | undefined;
  readonly problems: readonly Problem[];
  /** What opening had to do, for people; empty after a clean stop. */
  readonly recovered: readonly string[];
  readonly collectors: Readonly<Record<string, CollectorTotals>>;
  readonly shippers: Readonly<Record<string, ShipperTotals>>;
}

/** Cumulative over the life of the spool; exact right after opening. */
export interface CollectorTotals {
  readonly spooled: Tally;
  /** By reason. Not part of `spooled`. */
  readonly dropped: Readonly<Partial<Record<DropReason, Tally>>>;
}

/** For every collector: spooled = acknowledged + waiting + dropped (each of these three per shipper). */
export interface ShipperTotals {
  readonly cursor: ShipperCursor | undefined;
  readonly collectors: Readonly<
    Record<
      string,
      {
        readonly acknowledged: Tally;
        readonly waiting: Tally;
        readonly dropped: Readonly<Partial<Record<DropReason, Tally>>>;
      }
    >
  >;
}
