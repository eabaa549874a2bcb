/**
 * Decides where the mirror goes on after a start or a failure, and whether what a broken-off batch left in the files may
 * be cut. Pure. The rule: cut only what the spool can give again.
 */
import { type Id, type ShipperCursor, zeroHash } from '../../spool/nouns.ts';
import type { Intent, Place } from './intent.ts';

export interface Found {
  readonly spool: Id;
  /** As the spool keeps it for this shipper. */
  readonly cursor: ShipperCursor | undefined;
  /** Where a shipper without a cursor begins. */
  readonly oldest: Place;
  readonly intent: Intent | undefined;
  /** The newest number in the mirror's folder. */
  readonly marker: number;
  /** The hash of the block that ends at a position, if it is still there. */
  readonly hashAt: (position: number) => string | undefined;
}

export interface Resume {
  readonly from: Place;
  /** Cut the intent's files back to the lengths it lists. */
  readonly cut: boolean;
  /** The number of the newest batch: the next one is one more. */
  readonly sequence: number;
  /** What people should know: records may come twice, or are missing in an older copy. */
  readonly warning?: string;
  /** The spool lost what the mirror has of it. */
  readonly lost?: string;
  /** The folder may hold less than the state says. */
  readonly apart?: true;
}

export function planResume(found: Found): Resume {
  const { intent, marker } = found;
  // Under an intent that never got its mark nothing was done: it is written again, else the two numbers would drift apart.
  const sequence = intent && marker === intent.sequence - 1 ? marker : Math.max(marker, intent?.sequence ?? 0);
  return { ...lostSince(found), ...decide(found), sequence };
}

function decide(found: Found): Omit<Resume, 'sequence'> {
  const { intent, cursor, marker } = found;
  const saved: Place = cursor ?? found.oldest;
  if (!intent) {
    if (marker === 0) return { from: saved, cut: false };
    return {
      from: saved,
      cut: false,
      apart: true,
      warning: 'The state of the mirror was lost: records of its last batch may be in it twice.',
    };
  }
  if (marker > intent.sequence)
    return {
      from: saved,
      cut: false,
      warning: `The data_dir is older than the mirror folder (batch ${intent.sequence} of ${marker}): records that came since may be in the mirror twice.`,
    };
  if (marker < intent.sequence - 1)
    return {
      from: saved,
      cut: false,
      apart: true,
      warning: `The mirror folder is older than the data_dir (batch ${marker} of ${intent.sequence}): what came since is missing in it.`,
    };
  if (intent.spool === found.spool && cursor && cursor.position > intent.from.position)
    return { from: cursor, cut: false };
  if (intent.spool === found.spool && stillThere(found, intent.from)) return { from: intent.from, cut: true };
  return {
    from: saved,
    cut: false,
    warning: `The spool no longer has what the mirror wrote last (from position ${intent.from.position}): records of its last batch may be in it twice or in part.`,
  };
}

/** A disk that lied, or a damaged end of the newest segment: its receiver asks for it again. */
function lostSince({ cursor, oldest, hashAt }: Found): Pick<Resume, 'lost'> {
  if (!cursor || cursor.hash === zeroHash || cursor.position <= oldest.position) return {};
  if (hashAt(cursor.position) === cursor.hash) return {};
  return {
    lost: `The spool no longer has the block before position ${cursor.position}, which is in the mirror: what agents send again of it is known and not written twice, what was read on this machine itself comes twice.`,
  };
}

function stillThere(found: Found, place: Place): boolean {
  const { cursor, oldest } = found;
  return (
    [cursor, oldest].some((known) => known?.position === place.position && known.hash === place.hash) ||
    found.hashAt(place.position) === place.hash
  );
}
