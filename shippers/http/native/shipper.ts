/**
 * The native shipper: brings the spool's blocks to a receiver as they lie on disk, in order, one batch at a time, for ever.
 * Its cursor moves only on proof: an answer with the hash of one of our own blocks, at the position where that block ends.
 * All decisions are made in `decide.ts`, `place.ts` and `batch.ts`; here they are carried out. States: `states.ts`.
 */
import type { Id, Outlet, Position } from '../../../spool/nouns.ts';
import type { Clock, Log, MonotonicMs, Random } from '../../../spool/ports.ts';
import type { Authorization, Shipper, ShipperStatus, TransportOptions, Transports } from '../../ports.ts';
import { Addresses } from '../shared/addresses.ts';
import { type Delivered, Meter } from '../shared/meter.ts';
import { grow, idleAskMs, pauseMs, shrink } from '../shared/retry.ts';
import { Route } from '../shared/route.ts';
import { type Failure, surprise, type Trouble, withoutQuery } from '../shared/trouble.ts';
import type { Outgoing } from './batch.ts';
import { gather } from './batch.ts';
import type { Verdict } from './decide.ts';
import { Exchange, stopped } from './exchange.ts';
import { findings } from './findings.ts';
import type { Finding, Located, Place } from './place.ts';
import { cursorOf, locate } from './place.ts';
import type { Event, State } from './states.ts';
import { next, showState } from './states.ts';

export interface HttpOptions {
  readonly name: string;
  readonly url: string;
  /** Further addresses of the same receiver. */
  readonly failover?: readonly string[];
  /** Shippers without filters share the empty name. */
  readonly stream?: string;
  readonly tls?: TransportOptions['tls'];
  readonly socketPath?: string | undefined;
  readonly proxy?: TransportOptions['proxy'];
  readonly connectTimeoutMs: number;
  /** No byte moved in either direction for so long. */
  readonly progressTimeoutMs: number;
  readonly batchBytesMax: number;
  readonly retryDelayMsMax: number;
  /** undefined: no limit. */
  readonly rateBytesPerSecondMax?: number | undefined;
}

export interface HttpWorld {
  readonly outlet: Outlet;
  readonly transports: Transports;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly authorization?: Authorization | undefined;
}

const windowBytesStart = 64 * 1024;
const closedSpoolWaitMs = 1000;
/** Answers in a row that only sent us elsewhere. */
const detoursMax = 8;
/** Answers in a row that are not ours, each followed by a question: one or two may be forged or garbled, more are a fact. */
const strangeMax = 2;

export class HttpShipper implements Shipper {
  readonly type = 'http';
  readonly name: string;
  readonly #options: HttpOptions;
  readonly #world: HttpWorld;
  readonly #addresses: Addresses;
  readonly #route: Route;
  readonly #exchange: Exchange;
  readonly #meter: Meter;
  readonly #abort = new AbortController();
  #state: State = 'asking';
  #place: Place | undefined;
  #outgoing: Outgoing | undefined;
  /** Where there was nothing more to read. */
  #waitAt = 0;
  #windowBytes: number;
  #failures = 0;
  /** Where the last failure happened. */
  #failedAt: State = 'asking';
  #detours = 0;
  /** Answers in a row that say that another history of our epoch is held. */
  #strange = 0;
  /** The fork that was drawn at a place, until it is taken: a late copy of an attempt must not be another stream. */
  #drawn: { readonly from: Id | undefined; readonly position: Position; readonly id: Id } | undefined;
  #delayMs = 0;
  #describe = false;
  #nextSendAt: MonotonicMs = 0;
  #running: Promise<void> | undefined;

  constructor(options: HttpOptions, world: HttpWorld) {
    this.name = options.name;
    this.#options = options;
    this.#world = world;
    this.#windowBytes = Math.min(windowBytesStart, options.batchBytesMax);
    const { url, failover = [], tls, socketPath, proxy, connectTimeoutMs } = options;
    this.#meter = new Meter(options.name, withoutQuery(url), world.clock, world.log);
    this.#addresses = new Addresses([url, ...failover], world.clock);
    this.#route = new Route({
      addresses: this.#addresses,
      open: (each) => world.transports.open({ url: each, tls, socketPath, proxy, connectTimeoutMs }),
      heard: (answer, warning) => this.#meter.heard(answer, warning),
    });
    const { outlet, authorization } = world;
    this.#exchange = new Exchange(
      { stream: this.#stream, progressTimeoutMs: options.progressTimeoutMs },
      { outlet, route: this.#route, signal: this.#abort.signal, authorization },
    );
  }

  get #stream(): string {
    return this.#options.stream ?? '';
  }

  async start(): Promise<void> {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
    this.#state = 'stopped';
    await Promise.all([this.#route.close(), this.#world.authorization?.close()]);
  }

  status(): ShipperStatus {
    const position = this.#place?.position ?? this.#world.outlet.cursor?.position ?? 0;
    const gauges = {
      batch_bytes: this.#windowBytes,
      retry_delay_ms: this.#delayMs,
      failures_in_a_row: this.#failures,
      position,
    };
    const { shown, circuit } = showState(this.#state, this.#meter.trouble);
    return this.#meter.status(this.type, shown, circuit, gauges);
  }

  async #run(): Promise<void> {
    while (this.#state !== 'stopped') {
      const event = await this.#event(this.#state);
      const state = next(this.#state, this.#abort.signal.aborted ? 'stop' : event);
      if (!state) throw new Error(`BUG: "${event}" cannot happen while ${this.#state}`);
      this.#state = state;
    }
  }

  /** What throws is the spool's disk, or a bug: it is shown, and tried again from the beginning. */
  async #event(state: State): Promise<Event> {
    if (this.#abort.signal.aborted) return 'stop';
    try {
      return await this.#step(state);
    } catch (error) {
      this.#failed({ kind: 'trouble', outcome: 'surprise', trouble: surprise(error) });
      return 'surprise';
    }
  }

  #step(state: State): Event | Promise<Event> {
    switch (state) {
      case 'asking':
        return this.#ask();
      case 'reading':
        return this.#read();
      case 'waiting':
        return this.#wait();
      case 'sending':
        return this.#send();
      case 'pausing':
      case 'holding':
        return this.#pause();
      case 'stopped':
        return 'stop';
      default:
        return state satisfies never;
    }
  }

  async #ask(): Promise<Event> {
    const { outlet } = this.#world;
    this.#meter.asked();
    const told = await this.#exchange.ask();
    this.#meter.outcome(told.kind === 'told' ? 'told' : told.outcome);
    if (told.kind !== 'told') return this.#failed(told);
    const expected = (this.#place ?? outlet.cursor)?.receiver;
    if (this.#addresses.several && expected !== undefined && told.receiver !== expected)
      return this.#failed(otherReceiver(told.receiver, expected));
    // a batch that was refused is not mended by an answer to a question
    if (this.#failedAt === 'asking') this.#well();
    this.#describe = told.describe;
    const saved = (this.#place && cursorOf(this.#place)) ?? outlet.cursor;
    const located = locate(told.receiver, told.rows, saved, outlet);
    const { place, finding } = this.#strange > strangeMax ? forking(located) : located;
    if (finding !== 'as_saved') this.#found(finding, place.position, told.receiver);
    this.#moveTo(place);
    return 'located';
  }

  #read(): Event {
    const { outlet } = this.#world;
    const gathered = gather(outlet, this.#place!, this.#stream, this.#windowBytes, () => this.#draw());
    if (gathered.kind === 'nothing') {
      this.#well();
      this.#waitAt = gathered.at;
      return 'nothing';
    }
    this.#outgoing = gathered.outgoing;
    return 'batch';
  }

  #draw(): Id {
    const { epoch: from, position } = this.#place!;
    if (this.#drawn?.from !== from || this.#drawn?.position !== position)
      this.#drawn = { from, position, id: Buffer.from(this.#world.random.bytes(16)).toString('hex') };
    return this.#drawn.id;
  }

  async #wait(): Promise<Event> {
    const { outlet, clock, random } = this.#world;
    const askMs = idleAskMs(random.fraction());
    const wait = new AbortController();
    let isDue = false;
    const timer = clock.after(askMs, () => {
      isDue = true;
      wait.abort();
    });
    const stop = () => wait.abort();
    this.#abort.signal.addEventListener('abort', stop);
    await outlet.readable(this.#waitAt, wait.signal);
    this.#abort.signal.removeEventListener('abort', stop);
    timer.cancel();
    // It may have lost what it held (restored, or its disk lied) while there is nothing to send that would tell.
    if (isDue) return 'due';
    // woken for nothing: the spool has closed, and we are about to be stopped
    if (outlet.durable <= this.#waitAt) await this.#sleep(closedSpoolWaitMs);
    return 'readable';
  }

  async #send(): Promise<Event> {
    const { outlet, clock } = this.#world;
    const sent = this.#outgoing!;
    using _ = outlet.pin(sent.batch.after, sent.batch.upto);
    await this.#pace(sent.blocks.length);
    const since = clock.monotonic();
    const verdict = await this.#exchange.send(sent, this.#place!, this.#describe, (bytes) =>
      this.#meter.attempted(bytes),
    );
    this.#outgoing = undefined;
    this.#meter.outcome(verdict.outcome);
    return this.#follow(verdict, sent, clock.monotonic() - since);
  }

  #follow(verdict: Verdict, sent: Outgoing, tookMs: number): Event {
    switch (verdict.kind) {
      case 'advanced':
        this.#well();
        this.#detours = 0;
        this.#strange = 0;
        this.#drawn = undefined;
        this.#describe = verdict.describe;
        this.#windowBytes = grow(this.#windowBytes, sent.blocks.length, this.#options.batchBytesMax);
        this.#meter.acknowledged(tookMs / 1000, delivered(sent));
        this.#moveTo(verdict.place);
        return 'advanced';
      case 'relocate':
        return this.#relocate(verdict);
      case 'doubt':
        this.#strange = verdict.outcome === 'other_receiver' ? 0 : this.#strange + 1;
        return this.#detour() ?? 'doubt';
      case 'later':
        if (verdict.smaller) this.#windowBytes = shrink(this.#windowBytes, sent.blocks.length);
        return this.#failed(verdict);
      case 'trouble':
        return this.#failed(verdict);
      default:
        return verdict satisfies never;
    }
  }

  /** The receiver stands elsewhere than we thought. */
  #relocate(verdict: Extract<Verdict, { kind: 'relocate' }>): Event {
    const lost = this.#detour();
    if (lost) return lost;
    const found = locate(verdict.receiver, verdict.rows, cursorOf(this.#place!), this.#world.outlet);
    this.#found(found.finding, found.place.position, verdict.receiver);
    this.#moveTo(found.place);
    return 'located';
  }

  /** After too many answers that led nowhere it is trouble with the endpoint: two receivers behind one address, for instance. */
  #detour(): Event | undefined {
    this.#detours++;
    if (this.#detours <= detoursMax) return undefined;
    this.#detours = 0;
    return this.#failed({ kind: 'trouble', outcome: 'inconsistent', trouble: inconsistent });
  }

  #found(finding: Finding, position: Position, receiver: Id): void {
    const { severity, text } = findings[finding];
    this.#meter.say(severity, finding, `, receiver ${receiver.slice(0, 8)}: ${text} Goes on at ${position}.`);
  }

  #moveTo(place: Place): void {
    const before = this.#place;
    this.#place = place;
    const cursor = cursorOf(place);
    if (
      !cursor ||
      (before &&
        before.position === place.position &&
        before.hash === place.hash &&
        before.epoch === place.epoch &&
        before.receiver === place.receiver)
    )
      return;
    // durable within a second; what is lost of it in a crash is asked for at the next start
    this.#world.outlet.save(cursor).catch(() => undefined);
  }

  #well(): void {
    this.#addresses.worked();
    this.#showAddress();
    this.#failures = 0;
    this.#delayMs = 0;
    this.#meter.well();
  }

  #failed(verdict: Failure): Event {
    if (verdict === stopped) return 'stop';
    const { clock, random } = this.#world;
    this.#failures++;
    this.#failedAt = this.#state;
    const lasting = verdict.kind === 'trouble';
    const { current, several } = this.#addresses;
    const { trouble } = verdict;
    const message = several ? `${withoutQuery(current)}: ${trouble.message}` : trouble.message;
    this.#meter.failed({ ...trouble, message }, lasting);
    if (this.#addresses.failed(verdict, clock.monotonic())) {
      this.#showAddress();
      this.#delayMs = 0;
      return 'later';
    }
    this.#delayMs = pauseMs(verdict, this.#failures, this.#options.retryDelayMsMax, clock.now(), random.fraction());
    return lasting ? 'trouble' : 'later';
  }

  #showAddress(): void {
    const { several, current, away } = this.#addresses;
    if (several) this.#meter.destined(withoutQuery(current), away && { ...away, first: withoutQuery(away.first) });
  }

  async #pause(): Promise<Event> {
    await this.#sleep(this.#delayMs);
    return 'due';
  }

  /** Waits until the rate limit lets so many bytes go. */
  async #pace(bytes: number): Promise<void> {
    const rate = this.#options.rateBytesPerSecondMax;
    if (rate === undefined) return;
    const { clock } = this.#world;
    const now = clock.monotonic();
    await this.#sleep(Math.max(0, this.#nextSendAt - now));
    this.#nextSendAt = Math.max(now, this.#nextSendAt) + (bytes / rate) * 1000;
  }

  #sleep(delayMs: number): Promise<void> {
    const { signal } = this.#abort;
    if (delayMs <= 0 || signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#world.clock.after(delayMs, resolve);
    const ended = () => resolve();
    signal.addEventListener('abort', ended);
    return promise.finally(() => {
      timer.cancel();
      signal.removeEventListener('abort', ended);
    });
  }
}

function delivered({ blocksCount: blocks, records, batch }: Outgoing): Delivered {
  return { blocks, records, gaps: batch.gaps.filter((gap) => gap.reason !== 'hole_in_positions').length };
}

/** It holds everything before, and after it blocks that are not ours: so ours go out under a new epoch. */
function forking({ place }: Located): Located {
  return { place: { ...place, fork: place.epoch !== undefined }, finding: 'forked' };
}

/** Only what is one receiver may take turns: what was delivered to one is not at the other. */
function otherReceiver(told: Id, expected: Id): Failure {
  const names = `receiver ${told.slice(0, 8)}, and what was delivered so far is at receiver ${expected.slice(0, 8)}`;
  const hint =
    'Addresses of one shipper have to lead to one receiver; another receiver needs a shipper of its own. Has the receiver been replaced by a new one: take failover out until the agent has met it.';
  const trouble = { cause: 'other_receiver', message: `This address is ${names}.`, hint };
  return { kind: 'trouble', outcome: 'other_receiver', trouble };
}

const inconsistent: Trouble = {
  cause: 'inconsistent_answers',
  message: 'The endpoint answers again and again that it stands elsewhere than it said before.',
  hint: 'Several receivers may answer at this url; each needs a url of its own.',
};
