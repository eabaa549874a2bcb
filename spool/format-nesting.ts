/**
 * Whose records a block holds, wherever it came from: which bytes of its frame belong to which source, and what is said about
 * sources beside them. Pure. A block that came from an agent has that agent's header nested in ours (and a relay's in
 * between): the innermost header's runs are the ones that slice the frame.
 */
import { type BlockHeader, decodeHeader } from './format.ts';
import { type DescriptionEntry, decodeDescriptions } from './format-descriptions.ts';
import { openTable, type TableSources } from './format-table.ts';
import type { Id, RecordFormat, Run, SourceNumber } from './nouns.ts';
import type { Codec } from './ports.ts';

/** How many spools a block may have gone through before ours. */
export const nestingMax = 16;

/** Bytes of the expanded frame that go to one source's file. */
export interface Slice {
  readonly source: SourceNumber;
  readonly format: RecordFormat;
  readonly from: number;
  readonly upto: number;
  readonly records: number;
  /** The byte before `upto` is an LF that the source did not have. */
  readonly addedLf: boolean;
}

/** What a block says about the sources of one spool, as the epoch of that spool numbers them. */
export interface Statement {
  readonly spool: Id;
  readonly epoch: Id;
  /** The epoch before, where the block says so. */
  readonly parent: Id | undefined;
  /** To be gone through once: a table's sources are decoded one at a time. */
  readonly entries: Iterable<DescriptionEntry>;
  /** Where they are a segment's table: of the sources numbered below `next` no others are left. */
  readonly table: Pick<TableSources, 'next' | 'complete'> | undefined;
}

export interface Layout {
  /** Whose source numbers the slices have. */
  readonly spool: Id;
  readonly epoch: Id;
  readonly statements: readonly Statement[];
  readonly slices: readonly Slice[];
  /** What the slices are made from, each with its time and flags. */
  readonly runs: readonly Run[];
  readonly rawBytes: number;
  readonly records: number;
  /** The header that the first spool gave it; undefined where that is the spool it was read from. */
  readonly origin: Uint8Array | undefined;
}

export type LayoutResult =
  | { readonly kind: 'layout'; readonly layout: Layout }
  | { readonly kind: 'damaged'; readonly why: string };

export function layoutOf(header: Uint8Array, codec: Codec): LayoutResult {
  const levels: BlockHeader[] = [];
  let origin: Uint8Array | undefined;
  for (let bytes: Uint8Array | undefined = header; bytes !== undefined; ) {
    if (levels.length === nestingMax) return { kind: 'damaged', why: `more than ${nestingMax} headers are nested` };
    const decoded = decodeHeader(bytes);
    if (decoded.kind !== 'header') return { kind: 'damaged', why: `header ${levels.length + 1}: ${reasonOf(decoded)}` };
    levels.push(decoded.header);
    bytes = decoded.header.origin;
    origin = bytes ?? origin;
  }
  const innermost = levels.at(-1)!;
  if (innermost.rawBytes !== levels[0]!.rawBytes)
    return { kind: 'damaged', why: 'the nested header is of another frame' };
  const { spool, epoch, rawBytes, records, runs } = innermost;
  const slices = slicesOf(innermost);
  const statements = statementsOf(levels, codec);
  return { kind: 'layout', layout: { spool, epoch, rawBytes, records, slices, runs, statements, origin } };
}

function reasonOf(result: Exclude<ReturnType<typeof decodeHeader>, { kind: 'header' }>): string {
  switch (result.kind) {
    case 'damaged':
      return result.why;
    case 'short':
      return 'it is cut short';
    case 'unknown_version':
      return `it is of version ${result.version}`;
    default:
      return result satisfies never;
  }
}

/** What of the expanded frame the source really had. */
export function bytesOf(slice: Slice, raw: Uint8Array): Uint8Array {
  const added = slice.addedLf && raw[slice.upto - 1] === 0x0a;
  return raw.subarray(slice.from, added ? slice.upto - 1 : slice.upto);
}

/** Neighbouring runs of one source become one slice. */
function slicesOf(header: BlockHeader): Slice[] {
  const slices: Slice[] = [];
  let at = 0;
  for (const run of header.runs) {
    const from = at;
    at += run.bytes;
    if (run.bytes === 0) continue;
    const addedLf = run.unterminated && run.format === 'text';
    const last = slices.at(-1);
    if (last && last.source === run.source && last.format === run.format && !last.addedLf)
      slices[slices.length - 1] = { ...last, upto: at, records: last.records + run.records, addedLf };
    else slices.push({ source: run.source, format: run.format, from, upto: at, records: run.records, addedLf });
  }
  return slices;
}

function statementsOf(levels: readonly BlockHeader[], codec: Codec): Statement[] {
  const all: Statement[] = [];
  levels.forEach((header, level) => {
    const { spool, epoch } = header;
    const say = (entries: Iterable<DescriptionEntry>, table?: Statement['table']) =>
      all.push({ spool, epoch, parent: header.opening?.parent?.id, entries, table });
    const table = header.table && openTable(header.table, codec);
    if (table) say(table.sources, table);
    // What came beside a block stands in the header around it.
    const beside = level === 0 ? undefined : levels[level - 1]!.originDescriptions;
    if (beside) say(decodeDescriptions(beside) ?? []);
    if (header.descriptions.length > 0) say(header.descriptions);
  });
  return all;
}
