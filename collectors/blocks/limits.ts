/** The receiver's limits that nobody needs to configure; the protocol's own stand in `spool/wire.ts`. */
import { wireLimits } from '../../spool/wire.ts';

export const receiverLimits = {
  /** A header goes into the receiver's own header unchanged, with descriptions beside it: together they must fit there. */
  headerBytesMax: 11 * 1024 * 1024,
  /** Verified blocks of one batch that may wait for the rest of it, so that of a bad batch nothing is stored. */
  unstoredBytesMax: 1024 * 1024,
  /** So much of a body is collected before its blocks are looked at, or all of it. */
  gatheredBytes: 1024 * 1024,
  bodyBytesMax: wireLimits.batchBytesMax,
  requestHeaderBytesMax: 16 * 1024,
  /** A body that is slower than this, after the first `slowBodyGraceMs` of waiting for it, is cut off. */
  slowBodyBytesPerSecondMin: 1024,
  slowBodyGraceMs: 30_000,
  /** How long a request waits for the spool to have room, or to become durable, before the client is sent away. */
  spoolWaitMsMax: 10_000,
  /** Rows of one spool and stream name. More are forgotten, longest unused first. */
  rowsPerStreamMax: 64,
  /** Rows of all streams. */
  rowsMax: 16_384,
  /** So many more may stand before the next regular sweep. */
  rowsExcessMax: 256,
  /** Rows of superseded epochs go when they were unused for so long while the receiver was running. */
  supersededMsMax: 7 * 24 * 3600 * 1000,
  sweepIntervalMs: 60_000,
  retryAfterBusySeconds: 1,
  retryAfterFullSeconds: 5,
  bindRetryMs: 1000,
  noticesMax: 16,
  noticeMsMax: 24 * 3600 * 1000,
} as const;
