/**
 * What a data_dir tells while no agent runs on it: the spool, how far each shipper has come and what waits for it, dead letters,
 * and what is wrong. Reads only.
 */
import { cursorsOf, type Found, type FoundCursor, findSpool, inspect, type Place } from '../../spool/inspect.ts';
import type { Tally } from '../../spool/nouns.ts';
import type { Files, UnixMs } from '../../spool/ports.ts';
import { retryName } from '../dead/box.ts';
import { type DeadPlace, deadPlaces } from '../dead/look.ts';
import { addTallies, noTally } from './tallies.ts';
import { ago, count, duration, size } from './units.ts';

export interface DiskStatus {
  readonly running: false;
  readonly dataDir: string;
  readonly red: boolean;
  readonly at: UnixMs;
  /** undefined where no agent has ever run. */
  readonly spool: DiskSpool | undefined;
  readonly shippers: readonly DiskShipper[];
  /** Of each shipper that ever had some. */
  readonly dead: readonly DiskDead[];
  readonly problems: readonly { readonly cause: string; readonly message: string; readonly hint: string }[];
}

export interface DiskSpool {
  readonly id: string | undefined;
  readonly segments: number;
  readonly bytes: number;
  readonly held: Tally;
  readonly lastWrittenAt: UnixMs | undefined;
  readonly damagedBytes: number;
}

/** Only those that ever saved a cursor: of the others the disk knows nothing. */
export interface DiskShipper {
  readonly name: string;
  readonly position: number | undefined;
  readonly waiting: Tally;
  readonly oldestWaitingAt: UnixMs | undefined;
}

export interface DiskDead {
  readonly shipper: string;
  readonly held: Tally;
}

/** Throws where data_dir cannot be read. */
export function lookAtDisk(files: Files, dataDir: string, at: UnixMs): DiskStatus {
  const place = findSpool(files, dataDir);
  const main = place && lookAtSpool(files, place, 'the spool');
  const dead = deadPlaces(files, dataDir).map((one) => lookAtDead(files, one));
  const cursors = main?.cursors.flatMap(cursorProblem) ?? [];
  const problems = [...(main?.problems ?? []), ...cursors, ...dead.flatMap((one) => one.problems)];
  return {
    ...{ running: false, dataDir, red: problems.length > 0, at },
    ...{ spool: main?.spool, shippers: main?.shippers ?? [], dead: dead.map(({ shown }) => shown), problems },
  };
}

function lookAtSpool(files: Files, place: Place, name: string): Looked & { readonly cursors: readonly FoundCursor[] } {
  const cursors = cursorsOf(files, place);
  const look = new Look(cursors);
  for (const found of inspect(files, place)) look.take(found);
  return { ...look.result(), problems: look.problems(name), cursors };
}

/** What stands behind the one reader's cursor is held; without a cursor, all. */
function lookAtDead(
  files: Files,
  { shipper, place }: DeadPlace,
): { shown: DiskDead; problems: DiskStatus['problems'] } {
  const { spool, shippers, problems } = lookAtSpool(files, place, `the dead letters of shipper ${shipper}`);
  const retry = shippers.find(({ name }) => name === retryName);
  return { shown: { shipper, held: retry?.waiting ?? spool.held }, problems };
}

interface Looked {
  readonly spool: DiskSpool;
  readonly shippers: readonly DiskShipper[];
  readonly problems: DiskStatus['problems'];
}

/** Adds up what is found, block by block. */
class Look {
  readonly #waiting: { readonly cursor: FoundCursor; waiting: Tally; oldest: UnixMs | undefined }[];
  #id: string | undefined;
  #segments = 0;
  #bytes = 0;
  #held = noTally;
  #lastAt: UnixMs | undefined;
  #damagedBytes = 0;
  #newer = false;

  constructor(cursors: readonly FoundCursor[]) {
    this.#waiting = cursors.map((cursor) => ({ cursor, waiting: noTally, oldest: undefined }));
  }

  take(found: Found): void {
    switch (found.kind) {
      case 'segment':
        this.#segments += 1;
        this.#bytes += found.segment.fileBytes;
        return;
      case 'block':
        this.#block(found.block);
        return;
      case 'damage':
        this.#damagedBytes += found.end - found.position;
        return;
      case 'newer':
        this.#newer = true;
        return;
      case 'gone':
        return;
      default:
        found satisfies never;
    }
  }

  #block({ position, header }: Extract<Found, { kind: 'block' }>['block']): void {
    this.#id ??= header.spool;
    this.#lastAt = header.time;
    const tally = { records: header.records, bytes: header.rawBytes };
    this.#held = addTallies(this.#held, tally);
    for (const one of this.#waiting) {
      if (header.records === 0 || position < (one.cursor.cursor?.position ?? 0)) continue;
      one.waiting = addTallies(one.waiting, tally);
      one.oldest ??= header.time;
    }
  }

  result(): Omit<Looked, 'problems'> {
    return {
      spool: {
        id: this.#id,
        segments: this.#segments,
        bytes: this.#bytes,
        held: this.#held,
        lastWrittenAt: this.#lastAt,
        damagedBytes: this.#damagedBytes,
      },
      shippers: this.#waiting.map(({ cursor: { name, cursor }, waiting, oldest }) => ({
        name,
        position: cursor?.position,
        waiting,
        oldestWaitingAt: oldest,
      })),
    };
  }

  problems(name: string): DiskStatus['problems'] {
    const damage = {
      cause: 'damaged',
      message: `${size(this.#damagedBytes)} of ${name} cannot be read.`,
      hint: '`tailspool spool verify` says where. At the next start it is set aside and what was lost is counted.',
    };
    const newer = {
      cause: 'newer_version',
      message: `A newer version of tailspool wrote ${name}.`,
      hint: 'Run that version, or a newer one.',
    };
    return [...(this.#damagedBytes > 0 ? [damage] : []), ...(this.#newer ? [newer] : [])];
  }
}

function cursorProblem({ name, kind }: FoundCursor): DiskStatus['problems'] {
  if (kind === 'cursor') return [];
  const message = `The cursor of shipper ${name} ${kind === 'newer' ? 'was written by a newer version' : 'is damaged'}.`;
  return [{ cause: `cursor_${kind}`, message, hint: 'The receiver is asked at the next start how far it has come.' }];
}

/** For people. Ends without a line feed. */
export function diskText(status: DiskStatus): string {
  const { dataDir, spool, shippers, dead, problems, at } = status;
  const head = `tailspool: not running${status.red ? ', RED' : ''}. Data in ${dataDir}`;
  if (!spool) return `${head}: nothing yet.`;
  const held = `${count(spool.held.records, 'record')}, ${size(spool.held.bytes)}`;
  const written = spool.lastWrittenAt === undefined ? '' : `; last written ${ago(at - spool.lastWrittenAt)}`;
  return [
    `${head}.`,
    '',
    `spool: ${size(spool.bytes)} in ${count(spool.segments, 'segment')}: ${held}${written}`,
    ...shippers.map((one) => `shipper ${one.name}: ${waitingText(one, at)}`),
    ...dead.filter(({ held }) => held.records > 0).map(deadText),
    ...(problems.length > 0 ? ['', 'problems:'] : []),
    ...problems.map(({ cause, message, hint }) => `RED ${cause.replaceAll('_', ' ')}: ${message}\n    to do: ${hint}`),
  ].join('\n');
}

function waitingText({ waiting, oldestWaitingAt }: DiskShipper, at: UnixMs): string {
  if (waiting.records === 0) return 'nothing waits';
  const oldest = oldestWaitingAt === undefined ? '' : ` (oldest ${duration(at - oldestWaitingAt)})`;
  return `${count(waiting.records, 'record')}, ${size(waiting.bytes)} wait${oldest}`;
}

function deadText({ shipper, held }: DiskDead): string {
  return `dead letters of shipper ${shipper}: ${count(held.records, 'record')}; \`tailspool dead ls\` shows them`;
}
