/**
 * The addresses of one destination, and which of them is used. The first is preferred: another is used while it fails, and it is tried again
 * every five minutes. Whether what answers elsewhere is the same destination is for the protocol to find out.
 */
import type { Clock, MonotonicMs } from '../../../spool/ports.ts';
import type { Failure } from './trouble.ts';

export const addressLimits = {
  /** After so long away from the first address it is tried again. */
  preferAgainMs: 300_000,
} as const;

/** What another address would not mend: the secrets are the same there, or it is the destination itself that asks for time. */
const sameEverywhere: ReadonlySet<string> = new Set([
  'receiver_busy',
  'receiver_full',
  'rate_limited',
  'unknown_version',
  'too_large',
  'no_secret',
  'token_refused',
  'token_endpoint',
  'proxy_unusable',
  'tls_files',
  'spool_unreadable',
  'internal',
  'stopped',
]);

export class Addresses {
  readonly #urls: readonly string[];
  readonly #clock: Clock;
  #index = 0;
  /** Since the last success, or since the last pause. */
  #tried = 0;
  #movedAt: MonotonicMs = Number.NEGATIVE_INFINITY;
  #awaySince: MonotonicMs = 0;
  #why = '';

  constructor(urls: readonly [string, ...string[]], clock: Clock) {
    this.#urls = urls;
    this.#clock = clock;
  }

  get several(): boolean {
    return this.#urls.length > 1;
  }

  get current(): string {
    return this.#urls[this.#index]!;
  }

  /** Set while another than the first is used: why the first was left. */
  get away(): { readonly first: string; readonly why: string } | undefined {
    return this.#index === 0 ? undefined : { first: this.#urls[0]!, why: this.#why };
  }

  /**
   * An attempt that began at `since` failed. Moves on to the next address, and is true if that one has not been tried in this round: then
   * there is no reason to pause.
   */
  failed({ trouble }: Failure, since: MonotonicMs): boolean {
    if (!this.several || since < this.#movedAt || sameEverywhere.has(trouble.cause)) return false;
    if (this.#index === 0) this.#why = trouble.message;
    this.#moveTo((this.#index + 1) % this.#urls.length);
    this.#tried = (this.#tried + 1) % this.#urls.length;
    return this.#tried > 0;
  }

  worked(): void {
    this.#tried = 0;
    if (this.#index > 0 && this.#clock.monotonic() - this.#awaySince >= addressLimits.preferAgainMs) this.#moveTo(0);
  }

  #moveTo(index: number): void {
    const now = this.#clock.monotonic();
    if (this.#index === 0) this.#awaySince = now;
    this.#index = index;
    this.#movedAt = now;
  }
}
