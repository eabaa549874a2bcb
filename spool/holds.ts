/** Why reading is held, in words for people. */
import type { HoldReason } from './nouns.ts';

export const holdMessages: Readonly<Record<HoldReason, string>> = {
  spool_full: 'the spool has reached max_size and its policy is to block',
  disk_full: 'there is no space left where the spool is',
  disk_error: 'the disk refuses to write',
  too_many_sources: 'more sources are remembered than a segment can begin with',
  unsynced: 'as much waits for the disk as memory allows',
  rolling: 'a new segment is being begun',
  damaged_full: 'damaged/ has reached its cap',
  closed: 'the spool is closed',
};

export const holdHints: Readonly<Record<HoldReason, string>> = {
  spool_full: 'mend the destination, raise spool.max_size, or set when_full: drop_oldest',
  disk_full: 'free some space; reading goes on by itself',
  disk_error: 'look at the disk and the kernel log',
  too_many_sources: 'have the collectors forget some: forget_after, sources_max',
  unsynced: 'the disk is slow',
  rolling: 'this passes by itself',
  damaged_full: 'look at the files in damaged/, then move or delete them',
  closed: 'the agent is stopping',
};
