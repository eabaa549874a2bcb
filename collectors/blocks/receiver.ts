/**
 * The receiver: a collector whose outside world is other Tailspools. It answers `POST /v1/blocks` (take this batch) and
 * `GET /v1/blocks` (what do you hold?), and promises that whatever an answer says is held was durable before it left.
 * Its id is that of its own spool. `docs/wire-protocol.md` specifies the rest.
 */
import type { Id, Intake } from '../../spool/nouns.ts';
import type { Clock, Log, Timer } from '../../spool/ports.ts';
import type { Batch, StreamKey } from '../../spool/wire.ts';
import { blocksPath, decodeBatch, decodeKey, wireHeaders, wireVersion } from '../../spool/wire.ts';
import type { Held } from '../../spool/wire-answer.ts';
import type {
  Collector,
  CollectorStatus,
  Listener,
  Listening,
  ListenOptions,
  WireRequest,
  WireResponse,
} from '../ports.ts';
import { Waiting } from '../shared/waiting.ts';
import type { Notice } from './admit.ts';
import type { Details } from './answers.ts';
import { respond } from './answers.ts';
import { Body } from './body.ts';
import { BodyMemory } from './body-memory.ts';
import { Budget } from './budget.ts';
import { Ledger } from './ledger.ts';
import { receiverLimits } from './limits.ts';
import { Refusal } from './refusal.ts';
import type { Row } from './streams.ts';
import { type Streams, streamsOf } from './streams.ts';
import type { Piece, Taken } from './take.ts';
import { takeBatch } from './take.ts';
import { isAuthorized } from './token.ts';

export interface BlocksOptions {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls?: ListenOptions['tls'];
  /** Over all clients. */
  readonly memoryBytesMax: number;
  readonly connectionsMax: number;
  readonly idleTimeoutMs: number;
}

export interface BlocksWorld {
  readonly intake: Intake;
  /** The receiver's id: its spool's. */
  readonly receiver: Id;
  readonly listener: Listener;
  readonly clock: Clock;
  readonly log: Log;
  /** Bearer tokens that are good at this moment; undefined where none is asked for. Throws where they cannot be read. */
  readonly tokens?: (() => readonly string[]) | undefined;
}

export class BlocksCollector implements Collector {
  readonly type = 'blocks';
  readonly name: string;
  readonly #options: BlocksOptions;
  readonly #world: BlocksWorld;
  readonly #streams: Streams;
  readonly #budget: Budget;
  readonly #memory = new BodyMemory();
  readonly #ledger: Ledger;
  readonly #room: Waiting;
  readonly #flushed: Waiting;
  #listening: Listening | undefined;
  #retry: Timer | undefined;
  #sweep: Timer | undefined;
  #stopped = false;

  constructor(options: BlocksOptions, world: BlocksWorld) {
    this.name = options.name;
    this.#options = options;
    this.#world = world;
    this.#streams = streamsOf(world.intake, world.clock);
    this.#budget = new Budget(options.memoryBytesMax);
    this.#ledger = new Ledger(options.name, world.clock, world.log);
    this.#room = new Waiting(world.clock, 'running', () => world.intake.room());
    this.#flushed = new Waiting(world.clock, 'next', () => world.intake.flush());
  }

  /** Host and port as bound; undefined while it is not. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    return this.#listening;
  }

  async start(): Promise<void> {
    this.#sweepSoon();
    await this.#bind();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    this.#sweep?.cancel();
    await this.#listening?.close(1000);
    this.#listening = undefined;
  }

  status(): CollectorStatus {
    return this.#ledger.status({
      type: this.type,
      streams: this.#streams,
      connections: this.#listening?.connections ?? 0,
      memoryBytes: this.#budget.used,
      memoryBytesPeak: this.#budget.peak,
    });
  }

  /** One request, whatever it is. Never throws. */
  async handle(request: WireRequest): Promise<WireResponse> {
    const response = await this.#answer(request);
    this.#ledger.answered(response.headers?.[wireHeaders.answer] ?? 'none', request.peer, response.body);
    return response;
  }

  async #answer(request: WireRequest): Promise<WireResponse> {
    let known: StreamKey | undefined;
    let epoch: Id | undefined;
    try {
      this.#admitClient(request);
      if (request.method === 'GET') return await this.#state(understood(decodeKey(request.headers)));
      const batch = understood(decodeBatch(request.headers));
      known = batch;
      epoch = batch.epoch;
      return await this.#take(batch, request);
    } catch (error) {
      return await this.#refuse(error, request, known, epoch);
    }
  }

  #admitClient(request: WireRequest): void {
    const path = request.target.split('?', 1)[0];
    if (path !== blocksPath) throw new Refusal('not_found', `Here is only ${blocksPath}.`);
    if (request.method !== 'POST' && request.method !== 'GET')
      throw new Refusal('method_not_allowed', 'Only GET and POST are known here.');
    const tokens = this.#tokens();
    if (tokens && !isAuthorized(request.headers.authorization, tokens))
      throw new Refusal('unauthorized', 'A bearer token that is known here has to be shown.');
  }

  /** undefined where no token is asked for. */
  #tokens(): readonly string[] | undefined {
    try {
      const tokens = this.#world.tokens?.();
      this.#ledger.tokensReadable();
      return tokens;
    } catch (error) {
      this.#ledger.tokensUnreadable(error);
      throw new Refusal('full', 'The receiver cannot read its tokens at the moment.');
    }
  }

  async #state(key: StreamKey): Promise<WireResponse> {
    const describe = this.#streams.of(key)[0]?.described === false;
    const rows = await this.#durableRows(key);
    const message = rows.length > 0 ? 'Held as listed.' : 'This spool was never met here.';
    return this.#respond('state', { row: rows[0], rows, describe, message });
  }

  async #take(batch: Batch, request: WireRequest): Promise<WireResponse> {
    const { receiver } = this.#world;
    if (batch.receiver !== undefined && batch.receiver !== receiver)
      throw new Refusal('other_receiver', `The batch is for receiver ${batch.receiver}; this is ${receiver}.`);
    const length = this.#checkLength(batch, request.headers['content-length']);
    const taken = await this.#store(batch, request, length);
    return await this.#acknowledge(taken);
  }

  /** The body's memory is given back before the wait for the disk. */
  async #store(batch: Batch, request: WireRequest, length: number): Promise<Taken> {
    const { intake, clock } = this.#world;
    using body = new Body(request.body, length, this.#memory, this.#budget, clock);
    const took = (piece: Piece) => this.#ledger.tookPiece(piece);
    const met = (notices: readonly Notice[]) => this.#ledger.met(batch, notices);
    const world = { intake, room: this.#room, streams: this.#streams, clock, collector: this.name, took, met };
    try {
      return await takeBatch(world, batch, body);
    } finally {
      this.#ledger.tookBody(body.received);
    }
  }

  /** A position is a byte offset, so the headers tell how long the body is, to the byte. */
  #checkLength(batch: Batch, contentLength: string | undefined): number {
    if (contentLength === undefined || !/^\d{1,16}$/.test(contentLength))
      throw new Refusal('length_required', 'A batch needs a content-length.');
    const length = Number(contentLength);
    if (length > receiverLimits.bodyBytesMax)
      throw new Refusal('too_large', `A batch may have at most ${receiverLimits.bodyBytesMax} bytes.`);
    const gaps = batch.gaps.reduce((sum, gap) => sum + gap.upto - gap.from, 0);
    const due = batch.descriptionsBytes + batch.upto - batch.after - gaps;
    if (length !== due)
      throw new Refusal(
        'bad_request',
        `From ${batch.after} to ${batch.upto} without the gaps are ${due} bytes, not ${length}.`,
      );
    return length;
  }

  async #acknowledge(taken: Taken): Promise<WireResponse> {
    const held = heldIn(taken.row);
    const { described } = taken.row;
    await this.#durable();
    const message = taken.blocks > 0 ? `Took ${taken.blocks} blocks.` : 'All of it was held already.';
    return this.#respond(taken.blocks > 0 ? 'taken' : 'duplicate', { row: held, describe: !described, message });
  }

  async #refuse(
    error: unknown,
    request: WireRequest,
    key: StreamKey | undefined,
    epoch: Id | undefined,
  ): Promise<WireResponse> {
    if (!(error instanceof Refusal)) return this.#failed(error, request);
    const word = error.answer;
    if (word === 'unauthorized') return respond(word, undefined, { message: error.message });
    if (key && (word === 'behind' || word === 'unknown' || word === 'conflict' || word === 'other_receiver')) {
      const rows = await this.#durableRows(key).catch(() => undefined);
      if (!rows) return this.#respond('full', { message: error.message });
      const row = rows.find((each) => each.epoch === epoch);
      return this.#respond(word, { row, rows, message: error.message });
    }
    return this.#respond(word, { message: error.message });
  }

  #failed(error: unknown, request: WireRequest): WireResponse {
    const { code, message = String(error) } = error as { code?: string; message?: string };
    if (code === 'BODY_TIMEOUT') return this.#respond('too_slow', { message });
    if (!request.signal.aborted && code !== 'ECONNRESET') this.#ledger.failed(request.peer, message);
    return this.#respond('busy', { message: 'The request could not be finished; come again.' });
  }

  /** All rows as they are now, once they are durable: what others append meanwhile is not told. */
  async #durableRows(key: StreamKey): Promise<Held[]> {
    const rows = this.#streams
      .of(key)
      .filter((row) => !row.empty)
      .map(heldIn);
    await this.#durable();
    return rows;
  }

  /** Waits until everything appended so far is durable. */
  async #durable(): Promise<void> {
    const { intake } = this.#world;
    if (!(await this.#flushed.wait(receiverLimits.spoolWaitMsMax)))
      throw new Refusal('full', `The receiver's disk does not confirm what was written (${intake.hold ?? 'slow'}).`);
  }

  #respond(word: Parameters<typeof respond>[0], details: Details): WireResponse {
    return respond(word, this.#world.receiver, details);
  }

  async #bind(): Promise<void> {
    const { name: _, memoryBytesMax: __, ...options } = this.#options;
    const limits = { ...options, headerBytesMax: receiverLimits.requestHeaderBytesMax };
    try {
      const listening = await this.#world.listener.listen(limits, (request) => this.handle(request));
      if (this.#stopped) return await listening.close(0);
      this.#listening = listening;
      this.#ledger.bound(listening);
    } catch (error) {
      this.#ledger.notBound(`${options.host}:${options.port}`, error);
      if (!this.#stopped) this.#retry = this.#world.clock.after(receiverLimits.bindRetryMs, () => void this.#bind());
    }
  }

  #sweepSoon(): void {
    this.#sweep = this.#world.clock.after(receiverLimits.sweepIntervalMs, () => {
      this.#streams.sweep();
      this.#ledger.forgot(this.#streams.forgotten);
      if (!this.#stopped) this.#sweepSoon();
    });
  }
}

function understood<T>(
  words: { kind: 'ok'; value: T } | { kind: 'version'; version: string } | { kind: 'bad'; why: string },
): T {
  switch (words.kind) {
    case 'ok':
      return words.value;
    case 'version':
      throw new Refusal('unknown_version', `Protocol version ${words.version} is not known here, only ${wireVersion}.`);
    case 'bad':
      throw new Refusal('bad_request', `${words.why}.`);
    default:
      return words satisfies never;
  }
}

function heldIn(row: Row): Held {
  return { epoch: row.epoch, held: row.held, hash: row.hash };
}
