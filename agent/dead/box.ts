/**
 * One shipper's dead letters: a spool of their own in `data_dir/dead/<shipper>`, opened when it is first needed or found. Its
 * sources are the collectors whose records were refused, their cursors the last record that was kept: what a crash has the
 * shipper hand over again is known. Its one reader, `retry`, stands behind what was delivered after all or given up by hand.
 */
import type { DeadLetter, DeadLetters, DeadOrigin, DeadStatus, RetryReport, SendLetter } from '../../shippers/ports.ts';
import { cursorName } from '../../spool/layout.ts';
import type { Id, Intake, Position, ShipperTotals, SourceNumber, Tally } from '../../spool/nouns.ts';
import type { Clock, Codec, Files, Log, Problem, Random, UnixMs } from '../../spool/ports.ts';
import { openSpool, type Spool } from '../../spool/spool.ts';
import { addTallies, noTally } from '../status/tallies.ts';
import { encodeLetter, type StoredLetter } from './letter.ts';
import { dropAll, type RoundWorld, retryRound } from './round.ts';

export interface BoxOptions {
  /** The agent's. */
  readonly dataDir: string;
  readonly shipper: string;
  readonly bytesMax: number;
  readonly minFreeBytes: number | undefined;
}

export interface BoxWorld {
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly codec: Codec;
  readonly log: Log;
}

/** The name of the spool's one reader. */
export const retryName = 'retry';
const sourceType = 'dead';
const originKey = 'tailspool.origin';

const segmentBytes = 4 * 1024 * 1024;
const syncIntervalMs = 20;
const unsyncedBytesMax = 512 * 1024;
const closeMs = 400;

export function deadFolder(dataDir: string, shipper: string): string {
  return `${dataDir}/dead/${cursorName(shipper)}`;
}

/** Stands for the origin of letters that were tried again. */
const againOrigin = 'again';
const recordRun = { format: 'json', records: 1, continues: false, unterminated: false } as const;

/** The last record that was kept of a source. */
interface Kept {
  readonly position: number;
  readonly epoch: Id;
  readonly record: number;
}

export class DeadLetterBox implements DeadLetters {
  readonly #options: BoxOptions;
  readonly #world: BoxWorld;
  readonly #folder: string;
  #opening: Promise<Spool> | undefined;
  #spool: Spool | undefined;
  /** By source; ahead of the spool's own cursors, which move when a block is written. */
  readonly #kept = new Map<SourceNumber, Kept>();
  #fullSince: UnixMs | undefined;
  #inRound = false;

  constructor(options: BoxOptions, world: BoxWorld) {
    this.#options = options;
    this.#world = world;
    this.#folder = deadFolder(options.dataDir, options.shipper);
  }

  async begin(): Promise<void> {
    try {
      this.#world.files.stat(this.#folder);
    } catch {
      // Nothing was ever refused, or it cannot be told: `put` will say.
      return;
    }
    await this.#open().catch(() => undefined);
  }

  async put(origin: DeadOrigin, letters: readonly DeadLetter[]): Promise<'kept' | 'full'> {
    const spool = await this.#open();
    const { intake } = spool;
    for (const letter of letters) {
      const source = this.#sourceOf(intake, letter.collector, origin.spool);
      if (this.#has(intake, source, origin, letter.record)) continue;
      const line = encodeLetter({ letter, origin, shipper: this.#options.shipper });
      if (!(await reserved(intake, line))) return this.#full();
      this.#commit(intake, source, line.length, letter, origin);
    }
    await intake.flush();
    this.#fullSince = undefined;
    return 'kept';
  }

  async retry(send: SendLetter, limitMs: number, until?: Position): Promise<RetryReport> {
    await this.begin();
    if (!this.#spool) return { delivered: 0, refused: 0, until: 0, done: true, held: 0 };
    return this.#alone((world) => retryRound(world, send, limitMs, until));
  }

  async drop(): Promise<number> {
    await this.begin();
    return this.#spool ? this.#alone(dropAll) : 0;
  }

  /** One round at a time: two would read the same letters. */
  async #alone<T>(round: (world: RoundWorld) => Promise<T>): Promise<T> {
    if (this.#inRound) throw new Error('the dead letters of this shipper are being retried or dropped already');
    this.#inRound = true;
    try {
      const { clock, codec } = this.#world;
      const outlet = this.#spool!.outlet(retryName);
      return await round({ outlet, clock, codec, putBack: (letters) => this.#putBack(letters) });
    } finally {
      this.#inRound = false;
    }
  }

  /** At the end again; they were kept before, so they are of a source of their own. */
  async #putBack(letters: readonly StoredLetter[]): Promise<boolean> {
    const { intake } = await this.#open();
    for (const stored of letters) {
      const { collector, refusedAt: time } = stored.letter;
      const source = this.#sourceOf(intake, collector, againOrigin);
      const line = encodeLetter(stored);
      if (!(await reserved(intake, line))) return false;
      const at = intake.sources.get(source)?.cursor.offset ?? 0;
      intake.commit({ ...recordRun, source, from: at, to: at, mark: new Uint8Array(0), time, bytes: line.length });
    }
    await intake.flush();
    return true;
  }

  status(): DeadStatus | undefined {
    if (!this.#spool) return undefined;
    const { collectors, shippers, bytes, maxBytes, problems } = this.#spool.status();
    const flows = Object.values(shippers[retryName]!.collectors);
    const spooled = sumOf(Object.values(collectors).map((totals) => totals.spooled));
    const again = sumOf(flows.map(({ dropped }) => dropped.refused ?? noTally));
    return {
      refused: minus(spooled, again),
      held: sumOf(flows.map(({ waiting }) => waiting)),
      delivered: sumOf(flows.map(({ acknowledged }) => acknowledged)),
      dropped: sumOf(flows.map(otherDrops)),
      bytes,
      bytesMax: maxBytes,
      problems: [...this.#problems(), ...problems.filter(({ cause }) => cause !== 'spool_full')],
    };
  }

  async close(): Promise<void> {
    await this.#spool?.close(closeMs);
  }

  #open(): Promise<Spool> {
    this.#opening ??= this.#openSpool().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #openSpool(): Promise<Spool> {
    const { bytesMax, minFreeBytes } = this.#options;
    const options = {
      ...{ dataDir: this.#folder, maxBytes: bytesMax, minFreeBytes, segmentBytes, syncIntervalMs, unsyncedBytesMax },
      ...{ damagedBytesMax: bytesMax, retainAckedBytes: 0 },
      shippers: [{ name: retryName, whenFull: 'block' }] as const,
    };
    const { log, ...world } = this.#world;
    this.#spool = await openSpool(options, { ...world, log: named(log, `dead letters of ${this.#options.shipper}`) });
    return this.#spool;
  }

  #sourceOf(intake: Intake, collector: string, origin: string): SourceNumber {
    for (const { number, description } of intake.sources.values())
      if (description.collector === collector && description.attributes[originKey] === origin) return number;
    const attributes = { [originKey]: origin };
    return intake.begin({ collector, type: sourceType, resource: {}, attributes });
  }

  #has(intake: Intake, source: SourceNumber, { epoch, position }: DeadOrigin, record: number): boolean {
    const kept = this.#kept.get(source) ?? keptOf(intake, source);
    if (kept?.epoch !== epoch) return false;
    return kept.position > position || (kept.position === position && kept.record >= record);
  }

  #commit(intake: Intake, source: SourceNumber, bytes: number, letter: DeadLetter, origin: DeadOrigin): void {
    const { epoch, position } = origin;
    const before = this.#kept.get(source)?.position ?? intake.sources.get(source)?.cursor.offset ?? 0;
    const { record, refusedAt: time } = letter;
    this.#kept.set(source, { epoch, position, record });
    const from = Math.min(before, position);
    intake.commit({ ...recordRun, source, from, to: position, mark: markOf(epoch, record), time, bytes });
  }

  #full(): 'full' {
    this.#fullSince ??= this.#world.clock.now();
    return 'full';
  }

  #problems(): Problem[] {
    if (this.#fullSince === undefined) return [];
    const { shipper } = this.#options;
    return [
      {
        cause: 'dead_letters_full',
        subject: shipper,
        message: `${this.#folder} has no room for another dead letter, so this shipper waits.`,
        hint: '`tailspool dead ls` shows them; `tailspool dead retry` or `drop` makes room, or a larger dead_max_size.',
        since: this.#fullSince,
        red: true,
      },
    ];
  }
}

/** What this spool says of itself must not be taken for what the agent's says. */
function named(log: Log, name: string): Log {
  return {
    write(entry) {
      const subject = entry.subject === undefined ? name : `${name}: ${entry.subject}`;
      log.write({ ...entry, subject, message: `${name}: ${entry.message}` });
    },
  };
}

/** Writes the line into the spool's open block, waiting where that passes by itself. */
async function reserved(intake: Intake, line: Uint8Array): Promise<boolean> {
  for (;;) {
    const view = intake.reserve(line.length);
    if (view) {
      view.set(line);
      return true;
    }
    if (intake.hold !== 'unsynced' && intake.hold !== 'rolling') return false;
    await intake.room();
  }
}

/** epoch (16 bytes), record (u32): where in the shipper's own spool the letter came from. */
function markOf(epoch: Id, record: number): Buffer {
  const mark = Buffer.alloc(20);
  mark.write(epoch, 'hex');
  mark.writeUInt32LE(record, 16);
  return mark;
}

function keptOf(intake: Intake, source: SourceNumber): Kept | undefined {
  const cursor = intake.sources.get(source)?.cursor;
  if (cursor?.mark.length !== 20) return undefined;
  const mark = Buffer.from(cursor.mark);
  return { position: cursor.offset, epoch: mark.toString('hex', 0, 16), record: mark.readUInt32LE(16) };
}

function otherDrops({ dropped }: ShipperTotals['collectors'][string]): Tally {
  const others = Object.entries(dropped).filter(([reason]) => reason !== 'refused');
  return sumOf(others.map(([, tally]) => tally ?? noTally));
}

function sumOf(tallies: readonly Tally[]): Tally {
  return tallies.reduce(addTallies, noTally);
}

function minus(a: Tally, b: Tally): Tally {
  return { records: a.records - b.records, bytes: a.bytes - b.bytes };
}
