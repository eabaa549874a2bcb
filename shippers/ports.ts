/**
 * What a shipper is to the agent, and what shippers need from the outside world beyond the spool's ports.
 */
import type { Attributes, Id, Position, RecordFormat, Tally } from '../spool/nouns.ts';
import type { Problem, UnixMs } from '../spool/ports.ts';

/** Brings what is in the spool to one destination, with a cursor of its own. */
export interface Shipper {
  readonly name: string;
  readonly type: string;
  start(): Promise<void>;
  /** Ends within 2 s whatever the destination does; the cursor is as far as was proven. */
  stop(): Promise<void>;
  status(): ShipperStatus;
  /** Where records may be refused for good. */
  readonly deadActions?: DeadActions;
}

/** What a person may do with dead letters. */
export interface DeadActions {
  /** As `DeadLetters.retry`. */
  retry(limitMs: number, until?: Position): Promise<RetryReport>;
  drop(): Promise<number>;
}

export interface ShipperStatus {
  readonly name: string;
  readonly type: string;
  /** `holding`: the endpoint is in trouble and nothing moves until it is mended; `retrying`: it may pass by itself. */
  readonly state: 'starting' | 'idle' | 'sending' | 'retrying' | 'holding' | 'stopped';
  /**
   * Of shippers that send: `open` while nothing is tried after a failure, `half_open` while one attempt finds out whether it
   * works again, else `closed`.
   */
  readonly circuit?: 'closed' | 'half_open' | 'open';
  readonly destination: string;
  readonly problems: readonly Problem[];
  readonly attempts: number;
  /** By outcome: `acknowledged`, `duplicate`, `status_503`, `refused`, `timeout`, `not_ours` … */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Seconds from sending to acknowledgement; buckets as in Prometheus. */
  readonly latency: {
    readonly bucketsSeconds: readonly number[];
    readonly counts: readonly number[];
    readonly sum: number;
  };
  readonly wireBytes: number;
  readonly lastAcknowledgedAt: UnixMs | undefined;
  readonly gauges: Readonly<Record<string, number>>;
  /** Where records may be refused for good: what became of those. */
  readonly dead?: DeadStatus | undefined;
}

export interface TransportRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  /** Fails with code PROGRESS_TIMEOUT when no byte moved in either direction for so long. */
  readonly progressTimeoutMs: number;
  /** The answer's body is cut here; what an honest answer needs is small. */
  readonly answerBytesMax: number;
  readonly signal: AbortSignal;
}

export interface TransportAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

/** One destination's connections. Redirects are not followed. Rejects with an Error with `code` (ECONNREFUSED, ENOTFOUND, CERT_HAS_EXPIRED …). */
export interface Transport {
  send(request: TransportRequest): Promise<TransportAnswer>;
  /** What is wrong and stops nothing yet: certificate files that changed and cannot be used. */
  readonly warning?: string | undefined;
  close(): Promise<void>;
}

export interface TransportOptions {
  readonly url: string;
  /** Set: connects to this unix socket instead of the URL's host. */
  readonly socketPath?: string | undefined;
  readonly tls?: TransportTls | undefined;
  /** undefined: no proxy, whatever the environment says. */
  readonly proxy?: TransportProxy | undefined;
  /** For the connection to be made, proxy and TLS included. */
  readonly connectTimeoutMs: number;
}

/** The certificate of the other side is always verified. Files are read again when they change. */
export interface TransportTls {
  /** Given: these authorities alone are trusted. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** For SNI and for the verification; undefined: the URL's host. */
  readonly serverName?: string | undefined;
  readonly minVersion?: '1.2' | '1.3' | undefined;
}

export interface TransportProxy {
  /** http: or https:; undefined: what the environment says, if `environment`. */
  readonly url: string | undefined;
  /** The value of `proxy-authorization` at this moment. Throws where the secret cannot be read. */
  readonly authorization: (() => string) | undefined;
  readonly caFile: string | undefined;
  readonly noProxy: readonly string[];
  readonly environment: boolean;
}

/**
 * Opens a transport to a destination: one connection at a time, so that time-outs can tell whose bytes moved. Certificates are read again
 * when they change; names are looked up again with each connection, and no connection is used for longer than some minutes.
 */
export interface Transports {
  open(options: TransportOptions): Transport;
}

/** How requests say who they come from. */
export interface Authorization {
  /**
   * The value of the `authorization` header at this moment. Rejects with an Error with `code`: `SECRET_UNREADABLE`,
   * `TOKEN_REFUSED` (`status` says with what), or that of a transport to the token endpoint, with `from: 'token_endpoint'`.
   */
  header(signal: AbortSignal): Promise<string>;
  /** What was shown got a 401. True if something else can be shown at once (a token is drawn anew), which is so once. */
  refused(): boolean;
  close(): Promise<void>;
}

/** A record that a destination refused for good. */
export interface DeadLetter {
  /** Its number in the block. */
  readonly record: number;
  readonly refusedAt: UnixMs;
  readonly status: number;
  /** What the destination said of it; may be empty. */
  readonly reason: string;
  /** Of the collector whose totals count it. */
  readonly collector: string;
  readonly collectedAt: UnixMs;
  readonly resource: Attributes;
  readonly attributes: Attributes;
  readonly format: RecordFormat;
  /** Without a line feed at its end. Copied before `put` returns. */
  readonly body: Uint8Array;
}

/** The block that refused records stood in. */
export interface DeadOrigin {
  readonly spool: Id;
  readonly epoch: Id;
  readonly position: Position;
}

/** One shipper's dead letters: a spool of their own, with a cap. */
export interface DeadLetters {
  /**
   * Keeps the refused records of a block, in the order of their numbers; blocks come in order. `kept` once they are durable; what was
   * kept before a crash is not kept twice. `full`: at its cap; nothing was lost, and it is worth trying again later. Throws
   * what the disk throws.
   */
  put(origin: DeadOrigin, letters: readonly DeadLetter[]): Promise<'kept' | 'full'>;
  /**
   * Gives the letters that are held to `send`, oldest first, for about as long as `limitMs` says, up to where they ended when the first call
   * of a round was made (`until`: of that call's report). Those that are refused again go to the end.
   */
  retry(send: SendLetter, limitMs: number, until?: Position): Promise<RetryReport>;
  /** Gives up all that are held; how many that were. */
  drop(): Promise<number>;
  /** Opens what there is of earlier lives, so that it shows. */
  begin(): Promise<void>;
  /** undefined while there are none. */
  status(): DeadStatus | undefined;
  close(): Promise<void>;
}

export type LetterVerdict =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }
  /** The endpoint is in trouble: the letter stays. */
  | { readonly kind: 'stopped'; readonly why: string };

/** `key` names this letter for ever. */
export type SendLetter = (letter: DeadLetter, key: string) => Promise<LetterVerdict>;

export interface RetryReport {
  readonly delivered: number;
  readonly refused: number;
  readonly until: Position;
  /** Each letter of this round was tried. */
  readonly done: boolean;
  /** Letters that there are now. */
  readonly held: number;
  /** Why it was broken off. */
  readonly stopped?: string | undefined;
}

/** Over the life of the dead letters: refused = held + delivered + dropped. */
export interface DeadStatus {
  readonly refused: Tally;
  readonly held: Tally;
  /** Accepted when they were tried again. */
  readonly delivered: Tally;
  /** Given up by hand. */
  readonly dropped: Tally;
  readonly bytes: number;
  readonly bytesMax: number;
  readonly problems: readonly Problem[];
}
