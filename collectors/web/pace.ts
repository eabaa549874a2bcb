/** How fast each client may bring something. A second's worth may come at once; then the client is asked to come back later. */
import type { Clock, MonotonicMs } from '../../spool/ports.ts';

interface Account {
  /** Below zero: brought too early. */
  readonly bytes: number;
  readonly at: MonotonicMs;
}

export class Pace {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number | undefined;
  readonly #clientsMax: number;
  /** The one unused for longest first. */
  readonly #accounts = new Map<string, Account>();

  /** `bytesPerSecond` undefined: no limit. */
  constructor(clock: Clock, bytesPerSecond: number | undefined, clientsMax: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#clientsMax = clientsMax;
  }

  /** In how many whole seconds the client may come again; 0: now. */
  waitSeconds(client: string): number {
    if (this.#bytesPerSecond === undefined) return 0;
    const bytes = this.#balance(client, this.#bytesPerSecond);
    return bytes >= 0 ? 0 : Math.min(60, Math.ceil(-bytes / this.#bytesPerSecond));
  }

  brought(client: string, bytes: number): void {
    if (this.#bytesPerSecond === undefined) return;
    const balance = this.#balance(client, this.#bytesPerSecond) - bytes;
    this.#accounts.delete(client);
    this.#accounts.set(client, { bytes: balance, at: this.#clock.monotonic() });
    if (this.#accounts.size <= this.#clientsMax) return;
    for (const oldest of this.#accounts.keys()) {
      this.#accounts.delete(oldest);
      break;
    }
  }

  #balance(client: string, bytesPerSecond: number): number {
    const account = this.#accounts.get(client);
    if (!account) return bytesPerSecond;
    const seconds = (this.#clock.monotonic() - account.at) / 1000;
    return Math.min(bytesPerSecond, account.bytes + seconds * bytesPerSecond);
  }
}
