/** The collector's sources in the spool: how they are described, and how they are found and taken up again at the start. */
import type { Intake, SourceDescription, SourceRecord } from '../../spool/nouns.ts';
import type { Files } from '../../spool/ports.ts';
import { type Shape, startBytes } from '../shared/shape.ts';
import type { Context } from './context.ts';
import { fingerprintAt, headOf } from './fingerprint.ts';
import { Generation } from './generation.ts';
import type { Patterns } from './glob.ts';
import { Lineage } from './lineage.ts';
import { directoryOf, nameOf } from './names.ts';
import type { FileCollectorOptions } from './options.ts';
import { inspect } from './permission.ts';
import { isSame, type Sleeper } from './sleepers.ts';
import { decodeMark, decodeState, type Mark, type SourceState } from './state.ts';

const pathKey = 'log.file.path';

/** The type of the collector whose sources they are. */
export function typeOf(options: Pick<FileCollectorOptions, 'logs'>): string {
  return options.logs?.type ?? 'file';
}

/** Who a file is, for everyone downstream. */
export function describe(path: string, options: FileCollectorOptions): SourceDescription {
  const own = { ...options.logs?.attributesOf(path), ...options.attributes };
  const attributes = { ...own, [pathKey]: path, 'log.file.name': nameOf(path) };
  return { collector: options.name, type: typeOf(options), resource: options.resource, attributes };
}

/** What an earlier run of this collector left behind. */
export interface Remembered {
  /** No collector of this name ran in this data_dir. */
  readonly firstRun: boolean;
  readonly marker: SourceRecord | undefined;
}

export function remember(intake: Intake, options: FileCollectorOptions): Remembered {
  const mine = [...intake.sources.values()].filter((record) => isFrom(options, record));
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
    if (path === undefined || record.description.type !== typeOf(options) || !patterns.matches(path)) return false;
    const { collector } = record.description;
    return collector === options.name || !options.configuredCollectors.includes(collector);
  };
  return [...intake.sources.values()].filter(isOurs).sort((one, other) => one.number - other.number);
}

function isFrom(options: FileCollectorOptions, { description }: SourceRecord): boolean {
  return description.type === typeOf(options) && description.collector === options.name;
}

function pathOf({ description }: SourceRecord): string | undefined {
  return description.attributes[pathKey];
}

/**
 * Takes up the sources of earlier runs; what does not decode is reported and its file read again. `mayHint`: changes in a folder
 * are told from now on, so what did not change there since it was read may sleep on.
 */
export function takeUp(
  records: readonly SourceRecord[],
  context: Context,
  mayHint: (directory: string) => boolean,
): void {
  const { options, registry, tools, log } = context;
  for (const record of records) {
    const path = pathOf(record)!;
    registry.rouse(registry.sleepers.at(path)); // of several generations all have to be looked at
    const state = decodeState(record.state);
    const mark = decodeMark(record.cursor.mark);
    if (!state || !mark) {
      const message = `what the spool knows of ${path} cannot be used; the file is read from its beginning, so lines may come twice.`;
      log.write({ severity: 'warn', event: 'file.state_unusable', subject: path, message });
      tools.intake.forget(record.number);
      continue;
    }
    const isAlone = record.description.collector === options.name && !registry.lineages.has(path);
    if (isAlone && sleepsOnDisk(record, state, mark, context) && mayHint(directoryOf(path))) {
      const { device, inode, modifiedMs } = state;
      const facts = { path, source: record.number, device, inode, sizeBytes: record.cursor.offset, modifiedMs };
      if (registry.sleepers.add({ ...facts, compared: false })) continue;
    }
    takeUpOne(record, state, mark, context);
  }
}

/** One that slept goes on as at a start: it is looked at before anything is read of it. */
export function takeUpAgain({ path, source }: Sleeper, context: Context): void {
  const record = context.tools.intake.sources.get(source);
  const [state, mark] = [record && decodeState(record.state), record && decodeMark(record.cursor.mark)];
  if (!record || !state || !mark) throw new Error(`BUG: of ${path}, which slept, source ${source} is not known`);
  const lineage = takeUpOne(record, state, mark, context);
  // What happened to it since this process began is no power cut.
  for (const generation of lineage.missing) generation.seen = true;
  lineage.resolveAt = context.clock.monotonic();
}

/** Nothing happened to it since it was read to its end, as far as can be told without opening it. */
function sleepsOnDisk(record: SourceRecord, state: SourceState, mark: Mark, context: Context): boolean {
  const path = pathOf(record)!;
  if (context.rebooted || state.finished || mark.unterminated || state.place !== '') return false;
  if (record.cursor.offset === 0 || context.isRemote(path)) return false;
  const inspection = inspect(path, context.rules);
  if (inspection.kind !== 'file' || inspection.path !== path) return false;
  const { device, inode, modifiedMs } = state;
  return isSame({ device, inode, sizeBytes: record.cursor.offset, modifiedMs }, inspection.stat);
}

/** Opens a file that sleeps and compares it with what was read of it: its beginning, and the bytes before the cursor. */
export function holdsWhatWasRead(sleeper: Sleeper, record: SourceRecord | undefined, files: Files): boolean {
  const [state, mark] = [record && decodeState(record.state), record && decodeMark(record.cursor.mark)];
  if (!state || !mark) return false;
  try {
    const file = files.open(sleeper.path, 'read-no-follow');
    try {
      if (!isSame(sleeper, file.stat())) return false;
      const read = (into: Uint8Array, position: number) => file.read(into, position);
      const { head } = state;
      const isHead = head.length === 0 || headOf(read, head.length)?.crc === head.crc;
      return isHead && fingerprintAt(read, sleeper.sizeBytes) === mark.crc;
    } finally {
      file.close();
    }
  } catch {
    return false; // whoever wakes it finds out why
  }
}

function takeUpOne(record: SourceRecord, state: SourceState, mark: Mark, context: Context): Lineage {
  const { options, registry, tools } = context;
  const path = pathOf(record)!;
  const description = describe(path, options);
  if (record.description.collector !== options.name) tools.intake.describe(record.number, description);
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
  return lineage;
}

/** `start_at: end`: everything that stands there is passed over, up to the last line's end. */
export function beginAtEnd(generation: Generation, shape: Shape | undefined): void {
  const { file, sizeBytes } = generation;
  if (!file || sizeBytes === 0) return;
  const start = Buffer.alloc(startBytes);
  const encoding = shape?.encodingOf(start.subarray(0, file.read(start, 0)));
  const tail = Buffer.alloc(Math.min(sizeBytes, 64 * 1024));
  const got = file.read(tail, sizeBytes - tail.length);
  const from = sizeBytes - tail.length;
  const lines = tail.subarray(0, got);
  const lastEnd = encoding ? encoding.lastLineEnd(lines, from) : lines.lastIndexOf(10) + 1;
  const to = lastEnd > 0 ? from + lastEnd : (encoding?.align(sizeBytes) ?? sizeBytes);
  generation.skipTo(to, 'start_at_end');
}
