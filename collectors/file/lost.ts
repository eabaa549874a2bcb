/** What is given up of a file for good: the counter of what was dropped and the word about it in one, so that they cannot differ. */
import type { DropReason } from '../../spool/nouns.ts';
import type { Log } from '../../spool/ports.ts';
import type { Generation } from './generation.ts';

export interface GivenUp {
  readonly event: 'file.truncated_unread' | 'file.deleted_limit' | 'file.forgotten';
  readonly reason: DropReason;
  /** For people; has the range in words. */
  readonly message: string;
}

/**
 * A file of which nothing was taken was filled up to byte `to` and emptied again: that is counted and said, and it is read on from
 * its beginning.
 */
export function loseUnread(generation: Generation, to: number, log: Log): void {
  const { path: subject } = generation;
  generation.countLost(to, 'truncated');
  const message = `${subject} was truncated before bytes 0 to ${to} were read, and no copy of them was found; they are lost. Rotating by renaming instead of copytruncate loses nothing.`;
  const attributes = { source: generation.source, from: 0, to };
  log.write({ severity: 'warn', event: 'file.truncated_unread', subject, message, attributes });
}

/** Passes over what is unread before byte `to`, which may be nothing, and says which bytes of which source that is. */
export function giveUp(generation: Generation, to: number, { event, reason, message }: GivenUp, log: Log): void {
  const { offset: from, path: subject } = generation;
  generation.skipTo(to, reason);
  const attributes = { source: generation.source, from, to };
  log.write({ severity: 'warn', event, subject, message, attributes });
}
