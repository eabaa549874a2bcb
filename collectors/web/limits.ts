/** What the HTTP collectors hold against clients, and nobody needs to configure. */
export const webLimits = {
  requestHeaderBytesMax: 16 * 1024,
  /** Of zstd, in memory while a body expands; RFC 8878 section 3.1.1.1.2 recommends to support so much. */
  windowBytesMax: 8 * 1024 * 1024,
  /** What a body's memory begins with. */
  contentBytesStart: 16 * 1024,
  /** A body that is slower than this, after the first `slowBodyGraceMs` of waiting for it, is cut off. */
  slowBodyBytesPerSecondMin: 1024,
  slowBodyGraceMs: 30_000,
  /** How long a request waits for the spool to have room before the client is sent away. */
  roomWaitMsMax: 10_000,
  /** How long it waits until what was taken is durable. */
  durableWaitMsMax: 30_000,
  bindRetryMs: 1000,
  /** What one client address may have in memory, of all that bodies may take. */
  clientShare: 0.5,
  /** Clients whose pace is remembered. */
  pacesMax: 4096,
} as const;
