/**
 * What the HTTP collectors have in common: listens (and goes on trying while the port is taken), lets in who may, reads the body
 * within all limits, and counts every answer. What a body holds, and what becomes of it, is its owner's.
 */
import type { Clock, Log, Problem, Timer } from '../../spool/ports.ts';
import { forPeople } from '../../spool/wire-answer.ts';
import { Budget } from '../blocks/budget.ts';
import type { Inflater, Listener, Listening, ListenOptions, WireRequest, WireResponse } from '../ports.ts';
import { type Content, readContent } from './content.ts';
import type { Credentials } from './credentials.ts';
import { challenge, isWelcome } from './credentials.ts';
import { DoorLedger } from './door-ledger.ts';
import { webLimits } from './limits.ts';
import { Pace } from './pace.ts';
import { Refusal } from './refusal.ts';
import { Shares } from './shares.ts';

export interface DoorOptions {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tls?: ListenOptions['tls'];
  /** The only path that there is; undefined: every path is the same. */
  readonly path: string | undefined;
  /** Of a body, as sent and expanded. */
  readonly bodyBytesMax: number;
  /** Over all requests. */
  readonly memoryBytesMax: number;
  readonly connectionsMax: number;
  readonly connectionsPerPeerMax: number;
  readonly idleTimeoutMs: number;
  /** Of expanded bodies, for each client. */
  readonly rateBytesPerSecondMax: number | undefined;
}

export interface DoorWorld {
  readonly listener: Listener;
  readonly inflater: Inflater;
  readonly clock: Clock;
  readonly log: Log;
  readonly credentials: Credentials;
}

/** What is behind the door. */
export interface Owner {
  /** Looks at the headers before anything of the body is read. Throws a `Refusal`. */
  look?(request: WireRequest): void;
  /** Whole and expanded; given back when this ends. Throws a `Refusal`. */
  take(content: Content, request: WireRequest): Promise<WireResponse>;
  /** The answer to a request that was refused; JSON where this is not given. */
  refuse?(refusal: Refusal, request: WireRequest): WireResponse;
}

export class Door {
  readonly #options: DoorOptions;
  readonly #world: DoorWorld;
  readonly #owner: Owner;
  readonly #budget: Budget;
  readonly #shares: Shares;
  readonly #pace: Pace;
  readonly #ledger: DoorLedger;
  #listening: Listening | undefined;
  #retry: Timer | undefined;
  #stopped = false;

  constructor(options: DoorOptions, world: DoorWorld, owner: Owner) {
    this.#options = options;
    this.#world = world;
    this.#owner = owner;
    this.#budget = new Budget(options.memoryBytesMax);
    this.#shares = new Shares(this.#budget, options.memoryBytesMax * webLimits.clientShare);
    this.#pace = new Pace(world.clock, options.rateBytesPerSecondMax, webLimits.pacesMax);
    this.#ledger = new DoorLedger(options.name, world.clock, world.log);
  }

  /** Host and port as bound; undefined while it is not. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    return this.#listening;
  }

  async start(): Promise<void> {
    await this.#bind();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    await this.#listening?.close(1000);
    this.#listening = undefined;
  }

  get problems(): readonly Problem[] {
    return this.#ledger.problems;
  }

  get gauges(): Readonly<Record<string, number>> {
    const { used, peak } = this.#budget;
    const connections = this.#listening?.connections ?? 0;
    return { connections, memory_bytes: used, memory_bytes_peak: peak, ...this.#ledger.gauges };
  }

  /** One request, whatever it is. Never throws. */
  async handle(request: WireRequest): Promise<WireResponse> {
    try {
      const response = await this.#answer(request);
      this.#ledger.took();
      return response;
    } catch (error) {
      const refusal = error instanceof Refusal ? error : this.#surprise(error, request);
      this.#ledger.refused(refusal, clientOf(request));
      return this.#owner.refuse?.(refusal, request) ?? refusal.response();
    }
  }

  async #answer(request: WireRequest): Promise<WireResponse> {
    this.#admit(request);
    const { inflater, clock } = this.#world;
    using content = await readContent(request, {
      ...{ inflater, clock },
      budget: this.#shares.of(clientOf(request)),
      bytesMax: this.#options.bodyBytesMax,
    });
    this.#pace.brought(clientOf(request), content.length);
    return await this.#owner.take(content, request);
  }

  #admit(request: WireRequest): void {
    const { path } = this.#options;
    if (path !== undefined && request.target.split('?', 1)[0] !== path)
      throw new Refusal('not_found', `Here is only ${path}.`);
    if (request.method !== 'POST' && request.method !== 'PUT')
      throw new Refusal('method_not_allowed', 'Only POST and PUT are known here.');
    if (!this.#isWelcome(request)) {
      const shown = challenge(this.#world.credentials) ?? '';
      throw new Refusal('unauthorized', 'Credentials that are known here have to be shown.', {
        'www-authenticate': shown,
      });
    }
    this.#owner.look?.(request);
    const seconds = this.#pace.waitSeconds(clientOf(request));
    if (seconds > 0)
      throw new Refusal('too_fast', 'Too much came too fast; come again later.', { 'retry-after': String(seconds) });
  }

  #isWelcome(request: WireRequest): boolean {
    try {
      const welcome = isWelcome(request.headers.authorization, this.#world.credentials);
      this.#ledger.secretsReadable();
      return welcome;
    } catch (error) {
      this.#ledger.secretsUnreadable(error);
      throw new Refusal('full', 'Credentials cannot be checked at the moment.');
    }
  }

  #surprise(error: unknown, request: WireRequest): Refusal {
    const { code, message = String(error) } = error as { code?: string; message?: string };
    if (code === 'BODY_TIMEOUT') return new Refusal('too_slow', message);
    if (!request.signal.aborted && code !== 'ECONNRESET') this.#ledger.failed(clientOf(request), message);
    return new Refusal('failed', 'The request could not be finished; come again.');
  }

  async #bind(): Promise<void> {
    const { host, port, tls, connectionsMax, connectionsPerPeerMax, idleTimeoutMs } = this.#options;
    const headerBytesMax = webLimits.requestHeaderBytesMax;
    const options = { host, port, tls, connectionsMax, connectionsPerPeerMax, idleTimeoutMs, headerBytesMax };
    try {
      const listening = await this.#world.listener.listen(options, (request) => this.handle(request));
      if (this.#stopped) return await listening.close(0);
      this.#listening = listening;
      this.#ledger.bound(listening);
    } catch (error) {
      this.#ledger.notBound(`${host}:${port}`, error);
      if (!this.#stopped) this.#retry = this.#world.clock.after(webLimits.bindRetryMs, () => void this.#bind());
    }
  }
}

/** Without the port, which changes with every connection. */
export function clientOf({ peer }: WireRequest): string {
  return forPeople(peer.replace(/:\d+$/, ''));
}
