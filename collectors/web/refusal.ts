/** A request that is not taken: the status that the client gets, and why, for people. */
import type { WireResponse } from '../ports.ts';

/** The word under which it is counted. */
export type Reason =
  | 'bad_request'
  | 'unauthorized'
  | 'not_found'
  | 'method_not_allowed'
  | 'too_slow'
  | 'too_large'
  | 'unsupported'
  | 'too_fast'
  | 'busy'
  | 'full'
  | 'failed';

interface Manner {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const retry = (seconds: number) => ({ 'retry-after': String(seconds) });

const manners: Readonly<Record<Reason, Manner>> = {
  bad_request: { status: 400 },
  unauthorized: { status: 401 },
  not_found: { status: 404 },
  method_not_allowed: { status: 405, headers: { allow: 'POST, PUT' } },
  too_slow: { status: 408 },
  too_large: { status: 413 },
  unsupported: { status: 415, headers: { 'accept-encoding': 'gzip, zstd, deflate' } },
  too_fast: { status: 429, headers: retry(1) },
  busy: { status: 503, headers: retry(1) },
  full: { status: 503, headers: retry(5) },
  failed: { status: 503, headers: retry(1) },
};

export class Refusal extends Error {
  readonly reason: Reason;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  /** `headers` over those that the reason has by itself. */
  constructor(reason: Reason, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.reason = reason;
    this.status = manners[reason].status;
    this.headers = { ...manners[reason].headers, ...headers };
  }

  /** As JSON. The connection ends: the rest of the body may stand in it. */
  response(): WireResponse {
    return {
      status: this.status,
      headers: { 'content-type': 'application/json', ...this.headers },
      body: `${JSON.stringify({ error: this.message })}\n`,
      close: true,
    };
  }
}
