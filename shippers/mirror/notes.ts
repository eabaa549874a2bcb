/** What the mirror's parts notice, as counters, problems and lines of the agent's log: one function per event. */

import { decodeHeader, tallyOf } from '../../spool/format.ts';
import { decodeDescriptions } from '../../spool/format-descriptions.ts';
import type { Gap, Outlet, Position, Tally } from '../../spool/nouns.ts';
import type { BatchNotes } from './batch.ts';
import type { BookNotes } from './book.ts';
import type { CutNotes } from './cut.ts';
import type { MirrorStatus } from './status.ts';

export interface MirrorNotes extends BatchNotes, BookNotes, CutNotes {
  /** Records that the spool no longer has. */
  gap(gap: Gap): void;
  /** Records came again that are in the mirror, behind a position: its receiver had lost them. */
  known(records: number, from: Position): void;
}

export function notesFor(status: MirrorStatus, outlet: Outlet, folder: string): MirrorNotes {
  return {
    gap({ from, upto, reason, records }) {
      const lost = records < 0 ? 'An unknown number of' : records;
      const message = `${lost} records between positions ${from} and ${upto} are missing in ${folder}: ${reason}.`;
      status.note('warn', 'gap', `${from}`, message);
    },
    known(records, from) {
      const message = `${records} records behind position ${from} were sent again and are in ${folder} already: not written twice.`;
      status.note('warn', 'sent_again', `${from}`, message);
    },
    blockDamaged({ view, records, why }) {
      for (const [collector, tally] of talliesOf(view.header, outlet)) outlet.dropped('damaged', tally, collector);
      const message = `The block at position ${view.position} cannot be mirrored: ${why}. ${records} records are missing in ${folder}.`;
      status.note('error', 'block_damaged', `${view.position}`, message);
    },
    pathTaken: (path, instead, code) =>
      status.note(
        'warn',
        'path_taken',
        path,
        `${folder}/${path} cannot be written (${code}): its records go to ${instead}.`,
      ),
    undescribed: (spool, source, path) =>
      status.note(
        'warn',
        'undescribed',
        path,
        `Nobody described source ${source} of spool ${spool}: its records go to ${folder}/${path}.`,
      ),
    hostRenamed: (hostName, into, spool) =>
      status.note(
        'warn',
        'host_name_taken',
        into,
        hostName === ''
          ? `Spool ${spool} says no host.name: its records go to ${folder}/${into}.`
          : `The host name ${hostName} belongs to another spool: records of spool ${spool} go to ${folder}/${into}.`,
      ),
    stateDamaged: (path, lines) =>
      status.note(
        'warn',
        'state_damaged',
        path,
        `${lines} lines of ${path} are damaged: some records may go to another file than before.`,
      ),
    shortened: (path) =>
      status.note(
        'warn',
        'shortened',
        path,
        `${folder}/${path} was made shorter by somebody: the mirror goes on at its end.`,
      ),
    notCut: (path, code) =>
      status.note(
        'warn',
        'not_cut',
        path,
        `${folder}/${path} could not be cut back (${code}): its last records may be in it twice.`,
      ),
  };
}

/** What the block counts for in this spool, by collector. */
function talliesOf(bytes: Uint8Array, outlet: Outlet): Map<string | undefined, Tally> {
  const tallies = new Map<string | undefined, Tally>();
  const decoded = decodeHeader(bytes);
  if (decoded.kind !== 'header') return tallies;
  const live = decodeDescriptions(outlet.describe()) ?? [];
  for (const run of decoded.header.runs) {
    const collector = live.find(({ number }) => number === run.source)?.description.collector;
    const before = tallies.get(collector) ?? { records: 0, bytes: 0 };
    const { records, bytes } = tallyOf(run);
    tallies.set(collector, { records: before.records + records, bytes: before.bytes + bytes });
  }
  return tallies;
}
