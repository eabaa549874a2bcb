/** The collector's sources in the spool: how they are described, and how they are found and taken up again at the start. */
import type { Intake, SourceDescription, SourceRecord } from '../../spool/nouns.ts';
import type { Context } from './context.ts';
import { Generation } from './generation.ts';
import type { Patterns } from './glob.ts';
import { Lineage } from './lineage.ts';
import { nameOf } from './names.ts';
import type { FileCollectorOptions } from './options.ts';
import { decodeMark, decodeState } from './state.ts';

export const sourceType = 'file';
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
}

export function remember(intake: Intake, options: FileCollectorOptions): Remembered {
  const mine = [...intake.sources.values()].filter((record) => isFrom(options.name, record));
  const marker = mine.find((record) => pathOf(record) === undefined);
  return { firstRun: mine.length === 0, marker };
}

/**
 * Its own sources and those of collectors that are no longer configured, where it includes the file, oldest first. To be taken up
 * at once: two collectors may include a file, and the first that starts has its cursor.
 */
export function takenUpFrom(intake: Intake, options: FileCollectorOptions, patterns: Patterns): SourceRecord[] {
  const isOurs = (record: SourceRecord) => {
    const path = pathOf(record);
    if (path === undefined || record.description.type !== sourceType || !patterns.matches(path)) return false;
    const { collector } = record.description;
    return collector === options.name || !options.configuredCollectors.includes(collector);
  };
  return [...intake.sources.values()].filter(isOurs).sort((one, other) => one.number - other.number);
}

function isFrom(name: string, { description }: SourceRecord): boolean {
  return description.type === sourceType && description.collector === name;
}

function pathOf({ description }: SourceRecord): string | undefined {
  return description.attributes[pathKey];
}

/** Takes up the sources of earlier runs; what does not decode is reported and its file read again. */
export function takeUp(records: readonly SourceRecord[], context: Context): void {
  const { options, registry, tools, log } = context;
  for (const record of records) {
    const path = pathOf(record)!;
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
