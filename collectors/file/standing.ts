/**
 * What is known of a path's generations and what stands there now, and what names, times and lengths say of it. Pure.
 */
import type { Likeness } from './identity.ts';

/** A generation that was read, oldest first in the list. */
export interface KnownGeneration {
  readonly offset: number;
  readonly finished: boolean;
  /** Its descriptor is open and still gives its bytes, whatever became of its name. */
  readonly open: boolean;
  /** Its descriptor is open, and the file does not hold any more what was read of it: it was truncated, also where no name leads to it. */
  readonly cutOff: boolean;
  /** It was empty whenever it was looked at: only the object can be known again, and what it holds by now has to be judged anew. */
  readonly blank: boolean;
  /** When its file was last modified, as far as that was certain. */
  readonly modifiedMs: number;
}

/** A file that stands there: at the path itself (`current`), or under a name that rotation gives. */
export interface StandingFile {
  readonly current: boolean;
  /** Its name is a rotated form of the path's: it may be a generation that was missed. */
  readonly related: boolean;
  readonly compressed: boolean;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** For equal times: higher is older. */
  readonly age: number;
  /** The name before compression: a plain file and its compressed form being written share it. */
  readonly plainName: string;
  /** Of the file at the path, as it is after all others were looked at; undefined where that is not known. */
  readonly now?: { readonly sizeBytes: number; readonly modifiedMs: number } | undefined;
}

/** What can be asked about them; each answer may read from the files. */
export interface Comparison {
  likeness(known: number, standing: number): Likeness;
  /** The shorter of two standing files holds the same bytes as the other's beginning. */
  startsAlike(one: number, other: number): boolean;
  /** What stands there holds nothing but the beginning, or all, of the file that is open for a generation. */
  isWithin(known: number, standing: number): boolean;
}

/** Content alone, without the inode, names a file only if it is longer than what files may have in common at their start. */
export const commonStartBytesMax = 16 * 1024;

/** Compressed files keep the time of what they were made from, but some tools only the whole second of it. */
export const compressedGrainMs = 1000;

/** A copy is never longer than what it was made of, and if that was not cut off since, it can only have grown. */
export function isCopiedBeforeCut(copy: StandingFile, { now }: StandingFile): boolean {
  if (now === undefined) return false;
  if (copy.sizeBytes !== now.sizeBytes) return copy.sizeBytes > now.sizeBytes;
  return now.modifiedMs > copy.modifiedMs + (copy.compressed ? compressedGrainMs : 0);
}

/** Modified at that time or later. */
export function isYoung({ modifiedMs, compressed }: StandingFile, newerThanMs: number): boolean {
  return modifiedMs + (compressed ? compressedGrainMs : 0) >= newerThanMs;
}

/** Times in whole seconds may have been cut to that. */
export function isOfTime({ modifiedMs }: StandingFile, atMs: number): boolean {
  return Math.abs(modifiedMs - atMs) < (modifiedMs % 1000 === 0 ? compressedGrainMs : 2);
}

/** Above 0 where the other one was rotated later, below where earlier; 0 where its name and its time do not agree on that. */
export function byRotation(one: StandingFile, other: StandingFile): number {
  if (one.age * other.age <= 0) return 0; // a number and a date
  const byName = Math.sign(one.age - other.age);
  return byName === Math.sign(other.modifiedMs - one.modifiedMs) ? byName : 0;
}

/** Oldest first; what stands at the path is the newest. */
export function byTime(one: StandingFile, other: StandingFile): number {
  if (one.current !== other.current) return one.current ? 1 : -1;
  return one.modifiedMs - other.modifiedMs || other.age - one.age;
}

export function byCounter(one: StandingFile, other: StandingFile): number {
  if (one.current !== other.current) return one.current ? 1 : -1;
  return other.age - one.age;
}
