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

/** Passes over what is unread before byte `to`, which may be nothing, and says which bytes of which source that is. */
export function giveUp(generation: Generation, to: number, { event, reason, message }: GivenUp, log: Log): void {
  const { offset: from, path: subject } = generation;
  generation.skipTo(to, reason);
  const attributes = { source: generation.source, from, to };
  log.write({ severity: 'warn', event, subject, message, attributes });
}
