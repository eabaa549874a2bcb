/**
 * What a shipper is to the agent, and what shippers need from the outside world beyond the spool's ports.
 */
import type { Problem, UnixMs } from '../spool/ports.ts';

/** Brings what is in the spool to one destination, with a cursor of its own. */
export interface Shipper {
  readonly name: string;
  readonly type: string;
  start(): Promise<void>;
  /** Ends within 2 s whatever the destination does; the cursor is as far as was proven. */
  stop(): Promise<void>;
  status(): ShipperStatus;
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
  close(): Promise<void>;
}

export interface TransportOptions {
  readonly url: string;
  /** Set: connects to this unix socket instead of the URL's host. */
  readonly socketPath?: string | undefined;
  readonly tls?:
    | {
        readonly caFile?: string | undefined;
        readonly certFile?: string | undefined;
        readonly keyFile?: string | undefined;
      }
    | undefined;
  readonly connectTimeoutMs: number;
}

/** Opens a transport to a destination; certificates are read again when they change. */
export interface Transports {
  open(options: TransportOptions): Transport;
}
