/** A data_dir as today's code reads it, in the shape in which `read_spool.py` prints it. */
import * as fs from 'node:fs';
import { hostFiles } from '../../agent/host/files.ts';
import { readCursor } from '../../spool/cursor-file.ts';
import { type BlockHeader, decodeHeader, hashOf } from '../../spool/format.ts';
import { decodeDescriptions } from '../../spool/format-descriptions.ts';
import { bytesOf, layoutOf } from '../../spool/format-nesting.ts';
import { decodeTable, type Table } from '../../spool/format-table.ts';
import { expander, findSpool, inspect } from '../../spool/inspect.ts';
import type { Run } from '../../spool/nouns.ts';
import type { Codec } from '../../spool/ports.ts';

export function dump(dataDir: string, codec: Codec): unknown {
  const expand = expander(codec);
  const blocks: unknown[] = [];
  const sources: Record<string, string> = {};
  for (const found of inspect(hostFiles, findSpool(hostFiles, dataDir)!)) {
    if (found.kind === 'segment') continue;
    if (found.kind !== 'block') throw new Error(`${found.kind} in ${dataDir}`);
    const bytes = found.block.bytes()!;
    const raw = expand(found.block.header, bytes.frame);
    const layout = layoutOf(bytes.header, codec);
    if (typeof raw === 'string' || layout.kind === 'damaged') throw new Error(String(raw));
    for (const slice of layout.layout.slices) {
      const key = `${layout.layout.spool}/${slice.source}`;
      sources[key] = (sources[key] ?? '') + hex(bytesOf(slice, raw));
    }
    blocks.push({ ...dumpHeader(bytes.header, codec), text: hex(raw) });
  }
  return { blocks, sources, ...dumpCursors(`${dataDir}/cursors`) };
}

function dumpHeader(bytes: Uint8Array, codec: Codec): object {
  const decoded = decodeHeader(bytes);
  if (decoded.kind !== 'header') throw new Error(decoded.kind);
  const { runs, drops, table, origin, originDescriptions, opening, ...rest }: BlockHeader = decoded.header;
  return {
    ...rest,
    hash: hashOf(bytes),
    runs: runs.map(dumpRun),
    drops: drops.map(({ tally, ...drop }) => ({ ...drop, ...tally })),
    ...(table ? { table: dumpTable(decodeTable(table, codec)!) } : {}),
    ...(origin ? { origin: dumpHeader(origin, codec) } : {}),
    ...(originDescriptions ? { originDescriptions: decodeDescriptions(originDescriptions) } : {}),
    ...(opening ? { opening: { start: opening.start, ...(opening.parent ? { parent: opening.parent } : {}) } } : {}),
  };
}

function dumpRun({ state, dropped, mark, ...run }: Run): object {
  return { ...run, mark: hex(mark), ...(state ? { state: hex(state) } : {}), ...(dropped ? { dropped } : {}) };
}

function dumpTable(table: Table): object {
  return {
    ...table,
    sources: table.sources.map(({ cursor, state, ...source }) => ({
      ...source,
      offset: cursor.offset,
      mark: hex(cursor.mark),
      state: hex(state),
    })),
    shippers: table.shippers.map(({ cursor, ...shipper }) => ({ ...shipper, ...(cursor ? { cursor } : {}) })),
  };
}

function dumpCursors(folder: string): object {
  if (!fs.existsSync(folder)) return {};
  const cursors: Record<string, unknown> = {};
  for (const name of fs.readdirSync(folder).sort()) {
    const read = readCursor(hostFiles, `${folder}/${name}`);
    if (read.kind !== 'cursor') throw new Error(`${name}: ${read.kind}`);
    const { spool, cursor, passed } = read.record;
    cursors[name] = { sequence: read.sequence, spool, cursor, ...passed };
  }
  return { cursors };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
