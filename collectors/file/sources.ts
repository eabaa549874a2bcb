/**
 * The collector's sources in the spool: how they are described, taken up again at the start, and remembered as a whole (one
 * more source, the **marker**, says that this collector ran here before, and in which boot of the machine).
 */
import type { Intake, SourceDescription, SourceRecord } from '../../spool/nouns.ts';
import type { UnixMs } from '../../spool/ports.ts';
import type { Context } from './context.ts';
import { Generation } from './generation.ts';
import { Lineage } from './lineage.ts';
import { nameOf } from './names.ts';
import type { FileCollectorOptions } from './options.ts';
import { decodeMark, decodeState } from './state.ts';

const sourceType = 'file';
const pathKey = 'log.file.path';

/** Who a file is, for everyone downstream. */
export function describe(path: string, options: FileCollectorOptions): SourceDescription {
  const attributes = { ...options.attributes, [pathKey]: path, 'log.file.name': nameOf(path) };
  return { collector: options.name, type: sourceType, resource: options.resource, attributes };
}

/** What an earlier run of this collector left behind. */
export interface Remembered {
  /** No collector of this name ran in this data_dir. */
  readonly firstRun: boolean;
  readonly marker: SourceRecord | undefined;
  readonly facts: MarkerFacts | undefined;
  /** Own sources, and those of collectors that are no longer configured, oldest first. */
  readonly files: readonly SourceRecord[];
}

export function remember(intake: Intake, options: FileCollectorOptions): Remembered {
  const mine: SourceRecord[] = [];
  let marker: SourceRecord | undefined;
  for (const record of intake.sources.values()) {
    const { type, collector, attributes } = record.description;
    if (type !== sourceType) continue;
    const own = collector === options.name;
    const isFile = attributes[pathKey] !== undefined;
    if (own && !isFile) marker = record;
    else if (isFile && (own || !options.configuredCollectors.includes(collector))) mine.push(record);
  }
  mine.sort((one, other) => one.number - other.number);
  const firstRun = marker === undefined && !mine.some(({ description }) => description.collector === options.name);
  return { firstRun, marker, facts: marker && parseMarker(marker.state), files: mine };
}

/** What the marker says. */
export interface MarkerFacts {
  /** The boot in which the collector last ran. */
  readonly bootId: string;
  /** The patterns it looked for, and when it first did. */
  readonly patterns: string;
  readonly sinceMs: UnixMs;
}

function parseMarker(state: Uint8Array): MarkerFacts | undefined {
  try {
    const { bootId, patterns, sinceMs } = JSON.parse(Buffer.from(state).toString('utf8')) as Record<string, unknown>;
    if (typeof bootId !== 'string' || typeof patterns !== 'string' || typeof sinceMs !== 'number') return undefined;
    return { bootId, patterns, sinceMs };
  } catch {
    return undefined; // unusable: it is written anew, as at a first start with these patterns
  }
}

/** Says durably that this collector has run here, in this boot, with these patterns. */
export function writeMarker(marker: SourceRecord | undefined, facts: MarkerFacts, context: Context): void {
  const { intake, clock } = context.tools;
  const description = {
    collector: context.options.name,
    type: sourceType,
    resource: context.options.resource,
    attributes: {},
  };
  const source = marker?.number ?? intake.begin(description);
  const from = marker?.cursor.offset ?? 0;
  const state = Buffer.from(JSON.stringify(facts));
  intake.commit({
    ...{ source, from, to: from + 1, mark: new Uint8Array(0), state, format: 'text' },
    ...{ records: 0, bytes: 0, time: clock.now(), continues: false, unterminated: false },
  });
}

/** Takes up the sources of earlier runs; what does not decode is reported and its file read again. */
export function takeUp(records: readonly SourceRecord[], context: Context): void {
  const { options, registry, tools, log } = context;
  for (const record of records) {
    const path = record.description.attributes[pathKey]!;
    const state = decodeState(record.state);
    const mark = decodeMark(record.cursor.mark);
    if (!state || !mark) {
      const message = `what the spool knows of ${path} cannot be used; the file is read from its beginning, so lines may come twice.`;
      log.write({ severity: 'warn', event: 'file.state_unusable', subject: path, message });
      tools.intake.forget(record.number);
      continue;
    }
    const adopted = record.description.collector !== options.name;
    const description = describe(path, options);
    if (adopted) tools.intake.describe(record.number, description);
    const from = { description, order: context.order(), source: record.number, offset: record.cursor.offset, ...mark };
    const trail = record.trail.flatMap((cursor) => {
      const decoded = decodeMark(cursor.mark);
      return decoded && cursor.offset < record.cursor.offset ? [{ offset: cursor.offset, crc: decoded.crc }] : [];
    });
    const points = [...state.points, ...trail]
      .filter((point) => point.offset < record.cursor.offset)
      .sort((one, other) => one.offset - other.offset);
    const generation = new Generation(tools, from, { ...state, points });
    const lineage = registry.lineages.get(path) ?? new Lineage(path, context);
    registry.lineages.set(path, lineage);
    (generation.finished ? lineage.past : lineage.missing).push(generation);
    registry.note(generation, lineage);
  }
}

/** `start_at: end`: everything that stands there is passed over, up to the last line's end. */
export function beginAtEnd(generation: Generation): void {
  const { file, sizeBytes } = generation;
  if (!file || sizeBytes === 0) return;
  const tail = Buffer.alloc(Math.min(sizeBytes, 64 * 1024));
  const got = file.read(tail, sizeBytes - tail.length);
  const lastEnd = tail.subarray(0, got).lastIndexOf(10) + 1;
  const to = lastEnd > 0 ? sizeBytes - tail.length + lastEnd : sizeBytes;
  generation.skipTo(to, 'start_at_end');
}
