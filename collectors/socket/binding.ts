/**
 * A listening socket that comes to be sooner or later: what hinders it is a red problem, tried again every second, and never ends
 * anything.
 */
import type { Clock, Log, Problem, Timer } from '../../spool/ports.ts';
import type { ListenAt } from '../socket-ports.ts';

const retryMs = 1000;

export interface BindingWorld {
  readonly clock: Clock;
  readonly log: Log;
}

/** What is to be bound, for people. */
export interface BindingName {
  readonly name: string;
  readonly type: string;
  readonly at: ListenAt;
}

interface Bound {
  readonly host: string;
  readonly port: number;
  close(graceMs: number): Promise<void>;
}

export class Binding<T extends Bound> {
  readonly #what: BindingName;
  readonly #listen: () => Promise<T>;
  readonly #world: BindingWorld;
  #listening: T | undefined;
  #problem: Problem | undefined;
  #retry: Timer | undefined;
  #stopped = false;

  constructor(what: BindingName, listen: () => Promise<T>, world: BindingWorld) {
    this.#what = what;
    this.#listen = listen;
    this.#world = world;
  }

  get listening(): T | undefined {
    return this.#listening;
  }

  get problem(): Problem | undefined {
    return this.#problem;
  }

  /** Resolves after the first try. `bound` is called when one succeeds. */
  async start(bound: (listening: T) => void): Promise<void> {
    try {
      const listening = await this.#listen();
      if (this.#stopped) return await listening.close(0);
      this.#listening = listening;
      this.#wasBound(listening);
      bound(listening);
    } catch (error) {
      this.#failed(error as NodeJS.ErrnoException);
      if (!this.#stopped) this.#retry = this.#world.clock.after(retryMs, () => void this.start(bound));
    }
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    this.#retry?.cancel();
    await this.#listening?.close(graceMs);
    this.#listening = undefined;
  }

  #wasBound({ host, port }: T): void {
    this.#problem = undefined;
    const where = 'path' in this.#what.at ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const message = `Listening at ${where} (${this.#what.type}).`;
    this.#world.log.write({ severity: 'info', event: 'socket.listening', subject: this.#what.name, message });
  }

  #failed(error: NodeJS.ErrnoException): void {
    const { at, type } = this.#what;
    const where = 'path' in at ? at.path : `${at.host}:${at.port}`;
    const message = `Nothing is received at ${where} (${type}): ${error.message}`;
    const since = this.#problem?.since ?? this.#world.clock.now();
    const cause = error.code === 'ERR_NO_ADDON' ? 'unsupported' : 'cannot_listen';
    if (this.#problem?.message !== message) {
      this.#world.log.write({ severity: 'error', event: 'socket.cannot_listen', subject: where, message });
    }
    this.#problem = { cause, subject: where, message, since, hint: hintFor(error.code, at), red: true };
  }
}

function hintFor(code: string | undefined, at: ListenAt): string {
  const again = 'It is tried again every second.';
  switch (code) {
    case 'EADDRINUSE':
      return `See who has it: ss -${'path' in at ? 'xlp' : 'lnup'}t. ${again}`;
    case 'EACCES':
    case 'EPERM':
      return 'path' in at
        ? `The folder has to be writable for the agent's user. ${again}`
        : `Ports below 1024 need CAP_NET_BIND_SERVICE: docs/install.md has the systemd drop-in. ${again}`;
    case 'ERR_NO_ADDON':
      return 'Let one of /dev/shm, /tmp, /var/tmp, /run or the data_dir be mounted without noexec; from the sources, run `npm run native`.';
    default:
      return `The address has to be one of this host's, a socket's folder has to be there, certificate files have to be readable. ${again}`;
  }
}
