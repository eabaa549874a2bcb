/** When to try again. Pure: time and chance come in as numbers. */
import { wireLimits } from '../../../spool/wire.ts';
import type { Failure } from './trouble.ts';

export const retryLimits = {
  delayMsMin: 250,
  /** After trouble that does not pass by itself: slow, and still soon enough for somebody who has just mended it. */
  holdMsMin: 5_000,
  holdMsMax: 60_000,
  /** With nothing to send: the receiver is asked what it holds, and so is found to be back, restored or gone. */
  idleAskMs: 300_000,
} as const;

/**
 * How long to wait after a failure. `attempt` counts failures in a row, from 1; `fraction` is in [0, 1). A Retry-After is never come back
 * before; what our own delay would be is the span over which agents that were refused in one moment spread behind it.
 */
export function pauseMs(
  failure: Failure,
  attempt: number,
  delayMsMax: number,
  nowMs: number,
  fraction: number,
): number {
  const { holdMsMin, holdMsMax, delayMsMin } = retryLimits;
  if (failure.kind === 'trouble') return backoffMs(attempt, holdMsMin, Math.min(holdMsMax, delayMsMax), fraction);
  const asked = retryAfterMs(failure.retryAfter, nowMs);
  if (asked === undefined) return backoffMs(attempt, delayMsMin, delayMsMax, fraction);
  const span = Math.max(Math.min(asked, 10_000) / 2, doubledMs(attempt, delayMsMin, delayMsMax));
  return Math.ceil(asked + span * fraction);
}

/** Between two fifths and all of a delay that doubles: most of it is chance, so that agents that failed in one moment soon know nothing of it. */
export function backoffMs(attempt: number, delayMsMin: number, delayMsMax: number, fraction: number): number {
  return Math.round(doubledMs(attempt, delayMsMin, delayMsMax) * (0.4 + 0.6 * fraction));
}

function doubledMs(attempt: number, delayMsMin: number, delayMsMax: number): number {
  return Math.min(delayMsMax, delayMsMin * 2 ** Math.min(attempt - 1, 30));
}

/** `Retry-After` (RFC 9110 section 10.2.3) in milliseconds, at most an hour; undefined where there is none that makes sense. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  const maxMs = wireLimits.retryAfterSecondsMax * 1000;
  if (/^\d{1,9}$/.test(text)) return Math.min(maxMs, Number(text) * 1000);
  if (!/^[A-Z][a-z]{2,8},? /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.min(maxMs, Math.max(0, at - nowMs));
}

/** When an idle shipper asks again: a quarter more or less, so that agents that met in one moment part. */
export function idleAskMs(fraction: number): number {
  return Math.round(retryLimits.idleAskMs * (0.75 + 0.5 * fraction));
}

/** The size of the next batch after one that went through. Starts at one block, doubles while batches fill it. */
export function grow(windowBytes: number, sentBytes: number, bytesMax: number): number {
  return sentBytes * 2 < windowBytes ? windowBytes : Math.min(bytesMax, Math.max(windowBytes, sentBytes) * 2);
}

/** After a time-out or a 413: half of what was sent. */
export function shrink(windowBytes: number, sentBytes: number): number {
  return Math.max(1, Math.floor(Math.min(windowBytes, sentBytes) / 2));
}
