/** Reads the table that a segment begins with. */
import type { Table } from './format-table.ts';
import { decodeTable } from './format-table.ts';
import type { Codec, OpenFile } from './ports.ts';
import { firstBlock } from './scan.ts';
import type { Segment } from './segments.ts';

/** The table at the start of a segment; undefined where it is damaged, `refused` where the disk does not tell. */
export function readTable(
  file: OpenFile,
  segment: Pick<Segment, 'start' | 'end'>,
  codec: Codec,
): Table | 'refused' | undefined {
  const first = firstBlock(file, segment.start, segment.end);
  if (first.kind === 'damage' && first.refused) return 'refused';
  if (first.kind !== 'block' || !first.header.table) return undefined;
  return decodeTable(first.header.table, codec);
}
