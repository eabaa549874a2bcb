/**
 * A listener that is kept: where it cannot be had now (the port is busy, a certificate cannot be read) that is a red problem,
 * never an end, and it is tried again until it works or the collector stops.
 */
import type { Clock, Log, Problem, Timer } from '../../spool/ports.ts';

const retryDelayMs = 2000;
const closeGraceMs = 1500;

/** What both kinds of listeners have once they are bound. */
export interface Listening {
  readonly host: string;
  readonly port: number;
  close(graceMs: number): Promise<void>;
}

export interface BoundPorts {
  readonly clock: Clock;
  readonly log: Log;
}

export class Bound<T extends Listening> {
  readonly #name: string;
  readonly #where: string;
  readonly #listen: () => Promise<T>;
  readonly #ports: BoundPorts;
  #listening: T | undefined;
  #problem: Problem | undefined;
  #retry: Timer | undefined;
  #stopped = false;

  /** `name`: the collector's. `where`: for people, HOST:PORT or a path. */
  constructor(name: string, where: string, ports: BoundPorts, listen: () => Promise<T>) {
    this.#name = name;
    this.#where = where;
    this.#ports = ports;
    this.#listen = listen;
  }

  /** undefined while it is not bound. */
  get listening(): T | undefined {
    return this.#listening;
  }

  get problems(): readonly Problem[] {
    return this.#problem ? [this.#problem] : [];
  }

  /** Resolves after the first try. `began` is called whenever it is bound. Never rejects. */
  async start(began: (listening: T) => void = () => {}): Promise<void> {
    try {
      const listening = await this.#listen();
      if (this.#stopped) return await listening.close(0);
      this.#listening = listening;
      this.#bound(listening);
      began(listening);
    } catch (error) {
      this.#failed(error as NodeJS.ErrnoException);
      if (!this.#stopped) this.#retry = this.#ports.clock.after(retryDelayMs, () => void this.start(began));
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    await this.#listening?.close(closeGraceMs);
    this.#listening = undefined;
  }

  #bound({ host, port }: T): void {
    this.#problem = undefined;
    const message = `${this.#name} listens at ${port > 0 ? `${host}:${port}` : host}.`;
    this.#ports.log.write({ severity: 'info', event: 'collector.listening', subject: this.#name, message });
  }

  #failed({ code, message }: NodeJS.ErrnoException): void {
    const since = this.#problem?.since ?? this.#ports.clock.now();
    const { cause, hint } = meaningOf(code);
    const said = `${this.#name} cannot listen at ${this.#where}: ${message}`;
    this.#problem = { cause, subject: this.#where, message: said, since, hint, red: true };
    this.#ports.log.write({ severity: 'error', event: `collector.${cause}`, subject: this.#name, message: said });
  }
}

function meaningOf(code: string | undefined): { readonly cause: string; readonly hint: string } {
  switch (code) {
    case 'EADDRINUSE':
      return {
        cause: 'port_busy',
        hint: 'another process holds it: end that one, or choose another port; it is tried again',
      };
    case 'EACCES':
      return {
        cause: 'port_forbidden',
        hint: 'ports below 1024 need a capability (docs/install.md), or take a higher one',
      };
    case 'EADDRNOTAVAIL':
      return { cause: 'address_missing', hint: 'this host has no such address (yet); it is tried again' };
    default:
      return { cause: 'cannot_listen', hint: 'it is tried again every two seconds' };
  }
}
