/**
 * `tailspool spool ls`: what a spool holds: its segments, the records of each source in them, the shippers' cursors. Works on
 * a spool that is in use or not, and changes nothing.
 */
import { layoutOf } from '../../spool/format-nesting.ts';
import { SourcesOnDisk } from '../../spool/format-sources.ts';
import { cursorsOf, type FoundCursor, inspect, type Place } from '../../spool/inspect.ts';
import type { Host } from '../ports.ts';
import { count, size } from '../status/units.ts';
import { type Command, exitCodes, type SpoolListOptions } from './commands.ts';
import { lookInto } from './spool-place.ts';

export const spoolListCommand: Command<SpoolListOptions> = async (options, context) => {
  const looking = await lookInto(options, context);
  if (!looking) return exitCodes.usage;
  const listing = listSpool(looking.host, looking.place);
  await context.out(options.json ? `${JSON.stringify(listing, undefined, 2)}\n` : textOf(listing));
  return exitCodes.ok;
};

/** What `ls --json` prints. Bytes of records are as the sources had them or, per segment, as they stand in its frames. */
export interface Listing {
  readonly spool: string | undefined;
  readonly segments: readonly SegmentLine[];
  readonly sources: readonly SourceLine[];
  readonly shippers: readonly {
    readonly name: string;
    readonly position: number | undefined;
    readonly kind: FoundCursor['kind'];
  }[];
}

interface SegmentLine {
  readonly name: string;
  readonly start: number;
  readonly bytes: number;
  blocks: number;
  records: number;
  rawBytes: number;
  damagedBytes: number;
  firstTime: string | undefined;
  lastTime: string | undefined;
}

interface SourceLine {
  readonly origin: string;
  readonly source: number;
  /** The file's path, the peer, the unit. */
  readonly name: string;
  readonly collector: string | undefined;
  readonly host: string | undefined;
  records: number;
  bytes: number;
}

function listSpool({ files, codec }: Host, place: Place): Listing {
  const segments: SegmentLine[] = [];
  const sources = new Map<string, SourceLine>();
  const known = new SourcesOnDisk();
  let spool: string | undefined;
  for (const found of inspect(files, place)) {
    const line = segments.at(-1)!;
    if (found.kind === 'gone') continue;
    if (found.kind === 'segment') segments.push(lineOf(found.segment));
    else if (found.kind === 'damage') line.damagedBytes += found.end - found.position;
    else if (found.kind === 'newer') line.damagedBytes += found.segment.end - found.position;
    else {
      const { header } = found.block;
      spool ??= header.spool;
      line.blocks++;
      line.records += header.records;
      line.rawBytes += header.rawBytes;
      line.firstTime ??= new Date(header.time).toISOString();
      line.lastTime = new Date(header.time).toISOString();
      const bytes = found.block.bytes();
      const result = bytes && layoutOf(bytes.header, codec);
      if (result?.kind !== 'layout') continue;
      known.learn(result.layout);
      for (const slice of result.layout.slices) {
        const source = sourceLine(sources, known.of(result.layout, slice));
        source.records += slice.records;
        source.bytes += slice.upto - slice.from - (slice.addedLf ? 1 : 0);
      }
    }
  }
  const shippers = cursorsOf(files, place).map(({ name, kind, cursor }) => ({
    name,
    kind,
    position: cursor?.position,
  }));
  return { spool, segments, sources: [...sources.values()], shippers };
}

function lineOf({ name, start, fileBytes }: { name: string; start: number; fileBytes: number }): SegmentLine {
  const none = { blocks: 0, records: 0, rawBytes: 0, damagedBytes: 0, firstTime: undefined, lastTime: undefined };
  return { name, start, bytes: fileBytes, ...none };
}

function sourceLine(lines: Map<string, SourceLine>, found: ReturnType<SourcesOnDisk['of']>): SourceLine {
  const { spool: origin, source, description } = found;
  const attributes = description?.attributes ?? {};
  const name = attributes['log.file.path'] ?? Object.values(attributes)[0] ?? '?';
  const key = `${origin}.${source}.${name}`;
  const known = lines.get(key);
  if (known) return known;
  const host = description?.resource['host.name'];
  const line = { origin, source, name, collector: description?.collector, host, records: 0, bytes: 0 };
  lines.set(key, line);
  return line;
}

function textOf({ spool, segments, sources, shippers }: Listing): string {
  const lines = [`spool ${spool ?? '(empty)'}`, ''];
  for (const segment of segments) {
    const { name, bytes, blocks, records, rawBytes, damagedBytes, firstTime } = segment;
    const parts = [name, size(bytes), count(blocks, 'block'), count(records, 'record'), `${size(rawBytes)} of records`];
    if (firstTime) parts.push(`since ${firstTime}`);
    if (damagedBytes > 0) parts.push(`${size(damagedBytes)} cannot be read`);
    lines.push(parts.join('  '));
  }
  lines.push('', 'what is in it, by source:');
  for (const { origin, source, name, host, records, bytes } of sources) {
    const from = origin === spool ? '' : `  from ${origin.slice(0, 8)}`;
    lines.push(`  ${source}  ${name}  ${count(records, 'record')}  ${size(bytes)}${host ? `  ${host}` : ''}${from}`);
  }
  lines.push('', 'cursors of shippers:');
  for (const { name, position, kind } of shippers)
    lines.push(`  ${name}  ${kind === 'cursor' ? `at ${position}` : `(${kind})`}`);
  return `${lines.join('\n')}\n`;
}
