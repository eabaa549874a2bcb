/**
 * Follows the systemd journal: a `journalctl` that writes entries as they come, the journal's own cursor in the spool's blocks.
 * Each entry once, in the journal's order, whatever is killed; entries that the journal lost before they were read are said and,
 * where their numbers tell, counted. A child that ends is started again from the newest entry taken.
 */
import type { Timer } from '../../spool/ports.ts';
import type { ChildProcess, Collector, CollectorStatus } from '../ports.ts';
import { Deposit } from '../shared/deposit.ts';
import { encodeEvent } from '../shared/event.ts';
import { followArguments, isFiltered, newestArguments } from './command.ts';
import { type Entry, ExportParser, type Parsed } from './export-parser.ts';
import { journalEvent } from './journal-event.ts';
import { Ledger } from './ledger.ts';
import { meaningOf, saysPartial } from './meaning.ts';
import type { JournaldOptions, JournaldWorld } from './options.ts';
import { isOwn } from './own.ts';
import { cursorBytesMax, decodePlace, encodePlace, missingBetween, selectionKey } from './place.ts';

const retryDelayMsMin = 1000;
const retryDelayMsMax = 60_000;
/** One that lived so long did start. */
const settledMs = 3000;
const stopGraceMs = 1000;
const saidLinesMax = 5;
/** Own entries passed over, after which the place is kept even without a record. */
const skippedMax = 1000;

export class JournaldCollector implements Collector {
  readonly type = 'journald';
  readonly name: string;
  readonly #options: JournaldOptions;
  readonly #world: JournaldWorld;
  readonly #deposit: Deposit;
  readonly #ledger: Ledger;
  readonly #selection: string;
  /** The newest entry that was taken or passed over; undefined where the next one follows none. */
  #newest: string | undefined;
  /** The child was asked to begin with that entry, and `certain`: it is among what is selected, if it is still there. */
  #asked: 'certain' | 'perhaps' | undefined;
  #waiting: { readonly records: string[]; readonly marks: Buffer[] } = { records: [], marks: [] };
  #skipped = 0;
  #delayMs = retryDelayMsMin;
  #child: ChildProcess | undefined;
  #pause: { readonly timer: Timer; readonly end: () => void } | undefined;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: JournaldOptions, world: JournaldWorld) {
    this.name = options.name;
    this.#options = options;
    this.#world = world;
    this.#ledger = new Ledger(options.name, world.clock, world.log);
    this.#selection = selectionKey(options);
    const { name: collector, resource, namespace, directory } = options;
    const attributes = {
      ...options.attributes,
      ...(namespace === undefined ? {} : { 'journald.namespace': namespace }),
      ...(directory === undefined ? {} : { 'journald.directory': directory }),
    };
    this.#deposit = new Deposit({ collector, type: this.type, resource, attributes, format: 'json' }, world);
  }

  async start(): Promise<void> {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pause?.end();
    await this.#child?.stop(stopGraceMs);
    await Promise.race([this.#running, this.#sleep(stopGraceMs / 2)]);
    this.#deposit.close();
  }

  status(): CollectorStatus {
    const { name, type } = this;
    const running = this.#child === undefined ? 0 : 1;
    const gauges = { ...this.#ledger.gauges, running };
    return { name, type, read: this.#deposit.read, problems: this.#ledger.problems, sources: [], gauges };
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const began = this.#world.clock.monotonic();
      const known = decodePlace(this.#deposit.mark);
      const ended = known || this.#options.startAt === 'beginning' ? await this.#follow() : await this.#passOver();
      if (ended === 'go on') continue;
      if (this.#world.clock.monotonic() - began > retryDelayMsMax) this.#delayMs = retryDelayMsMin;
      if (!this.#stopped) await this.#sleep(this.#delayMs);
      this.#delayMs = Math.min(2 * this.#delayMs, retryDelayMsMax);
    }
  }

  /** Runs a child until it ends, from the newest entry that was taken. */
  async #follow(): Promise<'ended'> {
    const place = decodePlace(this.#deposit.mark);
    this.#newest = place?.cursor;
    this.#asked = place?.cursor === undefined ? undefined : place.selection === this.#selection ? 'certain' : 'perhaps';
    this.#ledger.begins();
    const parser = new ExportParser(this.#options.entryBytesMax);
    const settled = this.#world.clock.after(settledMs, () => this.#child && this.#ledger.works());
    await this.#untilEnd(followArguments(this.#options, this.#newest), (piece) => this.#take(parser.feed(piece)));
    settled.cancel();
    return 'ended';
  }

  /** `start_at: end`: the place is the newest entry, or the beginning of what is still empty. */
  async #passOver(): Promise<'ended' | 'go on'> {
    const parser = new ExportParser(this.#options.entryBytesMax);
    const found: Entry[] = [];
    const ok = await this.#untilEnd(newestArguments(this.#options), (piece) =>
      found.push(...parser.feed(piece).filter((entry) => entry.kind === 'entry')),
    );
    if (!ok || this.#stopped) return 'ended';
    this.#deposit.moveTo(this.#markOf(cursorOf(found.at(-1)) ?? ''));
    this.#ledger.startedAtEnd();
    return 'go on';
  }

  /** True where the child ended as it should. */
  async #untilEnd(args: readonly string[], take: (piece: Uint8Array) => void): Promise<boolean> {
    const { journalctl: program } = this.#options;
    const said: string[] = [];
    const child = this.#world.children.spawn({
      program,
      arguments: args,
      onErrorLine: (line) => this.#said(said, line),
    });
    this.#child = child;
    try {
      await this.#read(child, take);
    } finally {
      this.#child = undefined;
    }
    const end = await child.stop(stopGraceMs);
    const ok = end.kind === 'exited' && end.code === 0;
    if (!this.#stopped && !(ok && args.includes('--lines=1'))) this.#childEnded(meaningOf(end, program, said));
    return ok;
  }

  async #read(child: ChildProcess, take: (piece: Uint8Array) => void): Promise<void> {
    const takeWhileThereIsRoom = (piece: Uint8Array) => {
      take(piece);
      return this.#waiting.records.length === 0;
    };
    const failed = (error: unknown) => {
      this.#ledger.failed(error);
      // As good as an end: another child begins behind what was taken.
      return false;
    };
    while (await child.read(takeWhileThereIsRoom).catch(failed)) {
      while (this.#waiting.records.length > 0 && !this.#stopped) {
        await this.#deposit.room();
        this.#put();
      }
      if (this.#stopped) break;
    }
  }

  #said(said: string[], line: string): void {
    if (saysPartial(line)) this.#ledger.partial();
    said.push(line);
    if (said.length > saidLinesMax) said.shift();
  }

  #childEnded(meaning: ReturnType<typeof meaningOf>): void {
    this.#ledger.ended(meaning);
    if (meaning.cause !== 'journal_cursor') return;
    this.#ledger.gone(undefined);
    this.#deposit.moveTo(this.#markOf(''));
  }

  #take(parsed: readonly Parsed[]): void {
    if (parsed.length > 0) {
      this.#ledger.works();
      this.#delayMs = retryDelayMsMin;
    }
    for (const one of parsed) {
      if (one.kind === 'entry') this.#takeEntry(one);
      else this.#takeDamaged(one.bytes);
    }
    this.#put();
  }

  #takeDamaged(bytes: number): void {
    this.#ledger.damaged(bytes);
    this.#deposit.drop('malformed', 1, bytes);
  }

  #takeEntry(entry: Entry): void {
    const cursor = cursorOf(entry);
    const before = this.#newest;
    const asked = this.#asked;
    this.#asked = undefined;
    if (cursor !== undefined) this.#newest = cursor;
    // Shown again: nothing went before it could be read.
    if (asked && cursor === before) return;
    if (asked !== 'perhaps') this.#lookForGap(before, cursor, asked !== undefined);
    if (isOwn(entry, this.#options.own)) this.#skip();
    else this.#keep(entry);
  }

  #keep(entry: Entry): void {
    this.#ledger.entry();
    if (entry.cut) this.#ledger.cutShort();
    this.#waiting.records.push(encodeEvent(journalEvent(entry)));
    this.#waiting.marks.push(this.#markOf(this.#newest ?? ''));
  }

  /** `gone`: the entry before is no longer in the journal. Else numbers that are missing tell that entries between went unread. */
  #lookForGap(before: string | undefined, cursor: string | undefined, gone: boolean): void {
    const counted = before !== undefined && cursor !== undefined ? missingBetween(before, cursor) : undefined;
    const missing = this.#seesAll() ? counted : undefined;
    if (!gone && !missing) return;
    this.#ledger.gone(missing);
    if (missing) this.#deposit.drop('vanished', missing, 0);
  }

  #seesAll(): boolean {
    return !isFiltered(this.#options) && this.#ledger.sees === 'all';
  }

  #skip(): void {
    this.#ledger.own();
    this.#skipped += 1;
    if (this.#skipped < skippedMax || this.#waiting.records.length > 0) return;
    this.#skipped = 0;
    this.#deposit.moveTo(this.#markOf(this.#newest ?? ''));
  }

  #put(): void {
    const { records, marks } = this.#waiting;
    const taken = this.#deposit.put(records, 0, (index) => marks[index] as Buffer);
    this.#waiting = { records: records.slice(taken), marks: marks.slice(taken) };
  }

  #markOf(cursor: string): Buffer {
    if (cursor.length > cursorBytesMax) {
      this.#ledger.cursorTooLong(cursor.length);
      return Buffer.from(this.#deposit.mark);
    }
    return encodePlace({ cursor, selection: this.#selection });
  }

  #sleep(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pause = { timer: this.#world.clock.after(delayMs, resolve), end: resolve };
    return promise;
  }
}

function cursorOf(entry: Entry | undefined): string | undefined {
  const cursor = entry?.fields.get('__CURSOR');
  return typeof cursor === 'string' ? cursor : undefined;
}
