/**
 * The plain shipper: brings the spool's blocks to any HTTP endpoint, one block a request, several requests outstanding if that is
 * wanted. Its cursor moves over the completed head, and is durable before further blocks go out: after a crash at most `outstandingMax`
 * blocks are sent again, under the keys they had. What is decided where: `decide.ts` (answers), `narrow.ts` (what is sent next of a
 * block), `choose.ts` (of which block), `window.ts` (blocks on their way), `gate.ts` (whether anything goes out), `settlement.ts` (cursor
 * and dead letters).
 */
import type { Outlet } from '../../../spool/nouns.ts';
import type { Clock, Codec, Log, MonotonicMs, Random, Timer } from '../../../spool/ports.ts';
import type {
  Authorization,
  DeadActions,
  DeadLetter,
  DeadLetters,
  LetterVerdict,
  Shipper,
  ShipperStatus,
  Transport,
} from '../../ports.ts';
import { Addresses } from '../shared/addresses.ts';
import { Meter } from '../shared/meter.ts';
import { backoffMs, retryLimits } from '../shared/retry.ts';
import { Route } from '../shared/route.ts';
import { type Failure, surprise, withoutQuery } from '../shared/trouble.ts';
import { headersOf } from './body.ts';
import { BodyLimit, type BodySize } from './body-limit.ts';
import { chooseParcel } from './choose.ts';
import { type Refusal, refusesEverything, type Verdict } from './decide.ts';
import { Gate } from './gate.ts';
import { idempotencyKey, type Piece } from './key.ts';
import { Lane } from './lane.ts';
import { Lanes } from './lanes.ts';
import { nextStep } from './narrow.ts';
import { Pace } from './pace.ts';
import { Parcelling, type ParcellingOptions } from './parcelling.ts';
import { Settlement } from './settlement.ts';
import { Supply } from './supply.ts';
import { halve, type Parcel, refuse, take, unpin, vouch, Window } from './window.ts';

export interface PlainOptions extends ParcellingOptions {
  readonly name: string;
  readonly url: string;
  /** Further addresses that are declared to be the same endpoint. */
  readonly failover?: readonly string[];
  readonly method: string;
  /** Requests on their way at once, each with another block. */
  readonly outstandingMax: number;
  readonly progressTimeoutMs: number;
  readonly retryDelayMsMax: number;
  /** undefined: no limit. */
  readonly rateBytesPerSecondMax?: number | undefined;
}

export interface PlainWorld {
  readonly outlet: Outlet;
  readonly clock: Clock;
  readonly random: Random;
  readonly codec: Codec;
  readonly log: Log;
  readonly dead: DeadLetters;
  /** A connection of its own for each request that is on its way. */
  connect(url: string): Transport;
  readonly authorization: Authorization | undefined;
  /** Extra headers, with secrets as they are at this moment. Throws `SECRET_UNREADABLE`. */
  headers(): Readonly<Record<string, string>>;
}

/** Blocks that wait, refused, for proof that the endpoint accepts others; each next one is such a proof. */
const suspectsMax = 3;
/** Requests on their way, and the rest of a block that was sent in part, get so long when we stop: broken off, they may come twice. */
const stopGraceMs = 1200;

export class PlainShipper implements Shipper {
  readonly type = 'http';
  readonly name: string;
  readonly #options: PlainOptions;
  readonly #world: PlainWorld;
  readonly #supply: Supply;
  readonly #parcelling: Parcelling;
  readonly #meter: Meter;
  readonly #addresses: Addresses;
  readonly #window = new Window();
  readonly #limit = new BodyLimit();
  readonly #abort = new AbortController();
  readonly #lanes = new Lanes(() => this.#openLane());
  readonly #gate: Gate;
  readonly #pace: Pace;
  readonly #settlement: Settlement;
  #requests = 0;
  #sending = 0;
  #stopping = false;
  #waiting: Promise<void> | undefined;
  #timer: Timer | undefined;
  #wake: () => void = () => {};
  #running: Promise<void> | undefined;

  constructor(options: PlainOptions, world: PlainWorld) {
    this.name = options.name;
    this.#options = options;
    this.#world = world;
    const { outlet, clock, random, codec, dead, log } = world;
    this.#supply = new Supply(outlet);
    this.#parcelling = new Parcelling(options, outlet, clock, codec);
    this.#meter = new Meter(options.name, withoutQuery(options.url), clock, log);
    this.#addresses = new Addresses([options.url, ...(options.failover ?? [])], clock);
    this.#gate = new Gate(options, clock, random);
    this.#pace = new Pace(options.rateBytesPerSecondMax, clock, this.#abort.signal);
    const surprised = (error: unknown) => this.#surprised(error);
    const settled = { outlet, clock, dead, parcelling: this.#parcelling, window: this.#window, surprised };
    this.#settlement = new Settlement(settled);
  }

  async start(): Promise<void> {
    void this.#world.dead.begin();
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const limit = this.#world.clock.after(stopGraceMs, () => {
      this.#abort.abort();
      this.#wake();
    });
    this.#wake();
    await this.#running;
    limit.cancel();
    this.#abort.abort();
    await this.#waiting;
    await Promise.all([this.#lanes.close(), this.#world.authorization?.close()]);
    await this.#world.dead.close();
  }

  status(): ShipperStatus {
    const { outlet, clock, dead } = this.#world;
    const { circuit, openUntil, failures } = this.#gate;
    const gauges = {
      batch_bytes: this.#limit.refusedBytes ?? this.#options.bodyBytesMax,
      outstanding: this.#sending,
      retry_delay_ms: Math.max(0, Math.round((openUntil ?? 0) - clock.monotonic())),
      failures_in_a_row: failures,
      position: outlet.cursor?.position ?? 0,
    };
    const status = this.#meter.status(this.type, this.#shown(), circuit, gauges);
    const letters = dead.status();
    return letters ? { ...status, problems: [...status.problems, ...letters.problems], dead: letters } : status;
  }

  #shown(): ShipperStatus['state'] {
    if (this.#abort.signal.aborted) return 'stopped';
    const { trouble } = this.#meter;
    if (this.#gate.circuit !== 'closed') return trouble === 'lasting' ? 'holding' : 'retrying';
    if (this.#sending > 0) return 'sending';
    if (trouble === 'lasting') return 'holding';
    return this.#window.empty ? 'idle' : 'sending';
  }

  readonly deadActions: DeadActions = {
    retry: (limitMs, until) => this.#world.dead.retry((letter, key) => this.#sendLetter(letter, key), limitMs, until),
    drop: () => this.#world.dead.drop(),
  };

  async #sendLetter(letter: DeadLetter, key: string): Promise<LetterVerdict> {
    if (this.#stopping) return { kind: 'stopped', why: 'the agent stops' };
    const verdict = await this.#transmit(this.#parcelling.letter(letter), key);
    switch (verdict?.kind) {
      case 'accepted':
        return { kind: 'delivered' };
      case 'refused':
        return { kind: 'refused', ...verdict.refusal };
      case 'later':
      case 'trouble':
        return { kind: 'stopped', why: verdict.trouble.message };
      case undefined:
        return { kind: 'stopped', why: 'the agent stops' };
      default:
        return verdict satisfies never;
    }
  }

  async #run(): Promise<void> {
    for (;;) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      // One moment for all of a turn: what is not due then gets a timer.
      const now = this.#world.clock.monotonic();
      try {
        this.#turn(now);
      } catch (error) {
        this.#surprised(error);
      }
      this.#setTimer(now);
      if (this.#stopping && this.#finished()) break;
      await promise;
    }
    this.#timer?.cancel();
  }

  /** Whatever can be done now is begun. */
  #turn(now: MonotonicMs): void {
    this.#gate.passTime(now);
    this.#window.giveUp(this.#world.outlet.oldest);
    if (!this.#stopping) this.#fill();
    void this.#settlement.begin(now)?.then(() => this.#wake());
    this.#dispatch(now);
  }

  /** When stopping: whether nothing is on its way, and nothing was begun that the endpoint may still get within the time there is. */
  #finished(): boolean {
    if (this.#sending > 0) return false;
    if (this.#abort.signal.aborted) return true;
    return !this.#settlement.busy && (this.#gate.circuit !== 'closed' || this.#toFinish().length === 0);
  }

  /** Blocks that the endpoint has a part of: the rest follows before we stop, else all of it would come again. */
  #toFinish(): readonly Parcel[] {
    return this.#window.parcels.filter(({ plan, state }) => plan.begun && state !== 'done');
  }

  #fill(): void {
    while (this.#window.parcels.length < this.#options.outstandingMax + suspectsMax) {
      const next = this.#supply.next();
      if (next.kind === 'nothing') {
        this.#waitForMore(next.at);
        return;
      }
      if (next.kind === 'gap') this.#window.addGap(next.upto);
      else this.#window.addBlock(next.block);
    }
  }

  #waitForMore(at: number): void {
    if (this.#waiting) return;
    const { outlet } = this.#world;
    this.#waiting = outlet.readable(at, this.#abort.signal).then(() => {
      this.#waiting = undefined;
      // Woken for nothing: the spool has closed, and we are about to be stopped.
      if (outlet.durable > at) this.#wake();
    });
  }

  #dispatch(now: MonotonicMs): void {
    while (this.#sending < this.#gate.atOnceMax && !this.#abort.signal.aborted) {
      const room = this.#window.uncertain < this.#options.outstandingMax;
      const parcels = this.#stopping ? this.#toFinish() : this.#window.parcels;
      const parcel = chooseParcel(parcels, now, room, this.#sending);
      if (!parcel) return;
      void this.#send(parcel);
    }
  }

  async #send(parcel: Parcel): Promise<void> {
    parcel.state = 'sending';
    this.#sending++;
    try {
      const made = this.#make(parcel);
      if (made) await this.#exchange(parcel, made);
    } catch (error) {
      parcel.state = 'ready';
      this.#surprised(error);
    } finally {
      this.#sending--;
      this.#wake();
    }
  }

  /** The next piece's body; pieces that would be too large are halved first. undefined: the block cannot be sent at all. */
  #make(parcel: Parcel): Made | undefined {
    for (;;) {
      const step = nextStep(parcel.plan);
      if (step.kind !== 'send') throw new Error(`BUG: a block that is ${step.kind} is to be sent`);
      const made = this.#parcelling.body(parcel.block, step.piece);
      if (made.kind === 'damaged') {
        this.#giveUp(parcel, made.why);
        return undefined;
      }
      const { count } = step.piece;
      if (made.kind === 'body' && (count === 1 || this.#limit.allows(made.size))) return { ...made, piece: step.piece };
      halve(parcel);
    }
  }

  async #exchange(parcel: Parcel, { piece, body, size }: Made): Promise<void> {
    const { outlet, clock } = this.#world;
    const { block } = parcel;
    parcel.pin ??= outlet.pin(block.position, block.end);
    await this.#pace.wait(body.length);
    const request = ++this.#requests;
    const since = clock.monotonic();
    const verdict = await this.#transmit(body, idempotencyKey({ spool: outlet.spool, ...block }, piece));
    if (verdict) this.#follow(verdict, { parcel, piece, request, size, since, tookMs: clock.monotonic() - since });
    else parcel.state = 'ready';
    // Waiting for better times, it may be given up; what is there waits for the cursor.
    if (parcel.state !== 'done' && this.#gate.circuit === 'open') unpin(parcel);
    if (parcel.state === 'suspect') unpin(parcel);
  }

  async #transmit(body: Uint8Array, key: string): Promise<Verdict | undefined> {
    const { encoding, compression } = this.#options;
    this.#meter.attempted(body.length);
    return this.#lanes.send({ ...headersOf(encoding, compression), 'idempotency-key': key }, body);
  }

  #follow(verdict: Verdict, sent: Sent): void {
    switch (verdict.kind) {
      case 'accepted':
        this.#accepted(sent);
        break;
      case 'refused':
        this.#refused(verdict.refusal, sent);
        break;
      case 'later':
      case 'trouble':
        sent.parcel.state = 'ready';
        this.#meter.outcome(verdict.outcome);
        this.#failed(verdict, sent.since);
        break;
      default:
        verdict satisfies never;
    }
  }

  #accepted({ parcel, piece, request, tookMs }: Sent): void {
    take(parcel);
    this.#limit.accepted();
    for (const other of this.#window.parcels) vouch(other, request);
    const blocks = parcel.state === 'done' ? 1 : 0;
    this.#meter.outcome('accepted');
    this.#meter.acknowledged(tookMs / 1000, { blocks, records: piece.count, gaps: 0 });
    this.#answered();
    if (!this.#window.parcels.some(({ state }) => state === 'suspect')) this.#meter.well();
  }

  #refused(refusal: Refusal, { parcel, piece, size }: Sent): void {
    if (refusal.status === 413 && piece.count > 1) this.#limit.refused(size);
    refuse(parcel, refusal, this.#requests);
    this.#meter.outcome(`status_${refusal.status}`);
    this.#answered();
    if (parcel.state === 'suspect') this.#suspect(parcel);
  }

  /** Refused, and nothing else was accepted since: tried again slowly, and settled as soon as something else is accepted. */
  #suspect(parcel: Parcel): void {
    const { clock, random } = this.#world;
    const step = nextStep(parcel.plan);
    if (step.kind === 'suspect') this.#meter.failed(refusesEverything(step.refusal), true);
    parcel.suspicions++;
    const longest = Math.min(retryLimits.holdMsMax, this.#options.retryDelayMsMax);
    parcel.retryAt =
      clock.monotonic() + backoffMs(parcel.suspicions, retryLimits.holdMsMin, longest, random.fraction());
  }

  #answered(): void {
    this.#addresses.worked();
    this.#showAddress();
    this.#gate.worked();
  }

  #failed(failure: Failure, since: MonotonicMs = this.#world.clock.monotonic()): void {
    const { trouble } = failure;
    const { current, several } = this.#addresses;
    const message = several ? `${withoutQuery(current)}: ${trouble.message}` : trouble.message;
    this.#meter.failed({ ...trouble, message }, failure.kind === 'trouble');
    if (this.#gate.failed(failure, () => this.#addresses.failed(failure, since))) this.#showAddress();
  }

  #surprised(error: unknown): void {
    this.#failed({ kind: 'trouble', outcome: 'surprise', trouble: surprise(error) });
  }

  #showAddress(): void {
    const { several, current, away } = this.#addresses;
    if (several) this.#meter.destined(withoutQuery(current), away && { ...away, first: withoutQuery(away.first) });
  }

  /** A block whose frame matches its checksum and does not expand: given up, counted, and said. */
  #giveUp(parcel: Parcel, why: string): void {
    const { outlet, log } = this.#world;
    const { block } = parcel;
    const message = `Shipper ${this.name}: a block of ${block.records} records at ${block.position} cannot be expanded and is given up: ${why}`;
    log.write({ severity: 'error', event: 'shipper.damaged', subject: this.name, message });
    outlet.dropped('damaged', { records: block.records, bytes: block.rawBytes });
    parcel.plan = { ...parcel.plan, todo: [] };
    parcel.state = 'done';
  }

  #openLane(): Lane {
    const { method, progressTimeoutMs } = this.#options;
    const { authorization } = this.#world;
    const route = new Route({
      addresses: this.#addresses,
      open: (url) => this.#world.connect(url),
      heard: (answer, warning) => this.#meter.heard(answer, warning),
    });
    const headers = () => this.#world.headers();
    const world = { route, signal: this.#abort.signal, authorization, headers };
    return new Lane({ method, progressTimeoutMs }, world);
  }

  /** Wakes up when the circuit is due, or a suspect. */
  #setTimer(now: MonotonicMs): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const suspects = this.#window.parcels.filter(({ state }) => state === 'suspect').map(({ retryAt }) => retryAt);
    const due = [this.#gate.openUntil ?? 0, ...suspects, this.#settlement.retryAt].filter((at) => at > now);
    if (due.length > 0) this.#timer = this.#world.clock.after(Math.max(1, Math.min(...due) - now), () => this.#wake());
  }
}

interface Made {
  readonly piece: Piece;
  readonly body: Uint8Array;
  readonly size: BodySize;
}

interface Sent {
  readonly parcel: Parcel;
  readonly piece: Piece;
  /** Requests are counted from 1. */
  readonly request: number;
  readonly size: BodySize;
  readonly since: MonotonicMs;
  readonly tookMs: number;
}
