/**
 * Decides whether the spool takes anything at the moment: how much it may hold, how much the file system must keep free, and
 * how that is found out. Pure decisions; `Pressure` only looks at the disk now and then.
 */
import type { Damaged } from './damaged.ts';
import type { HoldReason } from './nouns.ts';
import type { Clock, Files, MonotonicMs, UnixMs } from './ports.ts';

/** What a disk says that has no space, or takes nothing: it is waited for. */
export const noSpaceCodes: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

const gibibyte = 1024 ** 3;
const lookEveryMs = 1000;
/** Segments are at least so long, however little space there is: each takes a table. */
const segmentBytesMin = 64 * 1024;
/** What must fit besides what is there, so that a block and its bookkeeping always do. */
const roomBytes = 1024 * 1024;

export interface Limits {
  readonly maxBytes: number;
  readonly minFreeBytes: number;
  readonly segmentBytes: number;
}

/** Fills in what was not configured from the size of the file system. */
export function limitsFor(
  wanted: {
    readonly maxBytes?: number | undefined;
    readonly minFreeBytes?: number | undefined;
    readonly segmentBytes: number;
  },
  fileSystemBytes: number,
): Limits {
  const maxBytes = wanted.maxBytes ?? Math.min(10 * gibibyte, Math.floor(fileSystemBytes / 4));
  const minFreeBytes = wanted.minFreeBytes ?? Math.min(gibibyte, Math.floor(fileSystemBytes / 20));
  // The two newest segments always stay: of a small file system they must not be all.
  const share = Math.max(segmentBytesMin, Math.floor(fileSystemBytes / 16));
  return { maxBytes, minFreeBytes, segmentBytes: Math.min(wanted.segmentBytes, Math.floor(maxBytes / 4), share) };
}

export class Pressure {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #root: string;
  readonly #damaged: Damaged;
  readonly limits: Limits;
  #availableBytes = Number.POSITIVE_INFINITY;
  #looked: MonotonicMs = Number.NEGATIVE_INFINITY;
  #disk: { readonly since: UnixMs; readonly message: string } | undefined;

  constructor(files: Files, clock: Clock, root: string, damaged: Damaged, limits: Limits) {
    this.#files = files;
    this.#clock = clock;
    this.#root = root;
    this.#damaged = damaged;
    this.limits = limits;
  }

  /** Room is made when so much or less is left, so that dropping the oldest never has to stop anybody. */
  get marginBytes(): number {
    return Math.max(roomBytes, this.limits.segmentBytes / 4);
  }

  /**
   * How long a segment should become: the less is free, the shorter, so that what everybody has can be let go before nothing is
   * left to begin another with.
   */
  get segmentBytes(): number {
    return Math.min(this.limits.segmentBytes, Math.max(segmentBytesMin, Math.floor(this.#availableBytes / 8)));
  }

  near(spoolBytes: number): boolean {
    return spoolBytes + this.marginBytes > this.limits.maxBytes;
  }

  /** Why reading stops, whatever the writer says; `spoolBytes` is what segments take now. */
  hold(spoolBytes: number): HoldReason | undefined {
    this.#look();
    if (this.#damaged.full) return 'damaged_full';
    if (this.#disk) return 'disk_full';
    return spoolBytes + roomBytes > this.limits.maxBytes ? 'spool_full' : undefined;
  }

  get disk(): { readonly since: UnixMs; readonly message: string } | undefined {
    return this.#disk;
  }

  #look(): void {
    const now = this.#clock.monotonic();
    if (now - this.#looked < lookEveryMs) return;
    this.#looked = now;
    try {
      const { availableBytes } = this.#files.space(this.#root);
      this.#availableBytes = availableBytes;
      if (availableBytes >= this.limits.minFreeBytes) this.#disk = undefined;
      else
        this.#disk = {
          since: this.#disk?.since ?? this.#clock.now(),
          message: `only ${availableBytes} bytes are free where the spool is, less than min_free (${this.limits.minFreeBytes})`,
        };
    } catch {
      // Not telling how full it is does not make it full: writing will say.
      this.#disk = undefined;
    }
    if (this.#damaged.full) this.#damaged.measure();
  }
}
