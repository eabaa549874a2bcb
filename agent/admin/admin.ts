/**
 * The admin endpoint: always on a unix socket in data_dir, and on a TCP port where one is configured. It is a window, not
 * a part of the work: a port that is taken makes health red and is tried again, it never stops the agent.
 */
import type { Listener, Listening, ListenOptions, WireHandler } from '../../collectors/ports.ts';
import type { Clock, Log, Problem, Timer } from '../../spool/ports.ts';

export interface AdminAddress {
  readonly host: string;
  readonly port: number;
}

export interface AdminPorts {
  readonly listener: Listener;
  readonly clock: Clock;
  readonly log: Log;
}

const retryMs = 5_000;
const closeGraceMs = 200;

const limits = { connectionsMax: 16, headerBytesMax: 8 * 1024, idleTimeoutMs: 10_000 } as const;

/** The address of the socket within a data_dir. */
export function adminSocketPath(dataDir: string): string {
  return `${dataDir}/admin.sock`;
}

export class Admin {
  readonly #doors: readonly Door[];

  /** `handler` answers everybody, `own` on the socket: whoever reaches that is the agent's own user or root. */
  constructor(
    dataDir: string,
    address: AdminAddress | undefined,
    handler: WireHandler,
    ports: AdminPorts,
    own: WireHandler = handler,
  ) {
    const socketPath = adminSocketPath(dataDir);
    const socket = new Door(socketPath, { host: '', port: 0, socketPath, ...limits }, own, ports);
    const name = address && `${address.host}:${address.port}`;
    this.#doors = name && address ? [socket, new Door(name, { ...address, ...limits }, handler, ports)] : [socket];
  }

  /** Resolves when each address was tried once. */
  async start(): Promise<void> {
    await Promise.all(this.#doors.map((door) => door.open()));
  }

  /** Where it listens, for people: the socket, and the TCP address with the port that was given. */
  get listening(): readonly string[] {
    return this.#doors.flatMap((door) => door.where ?? []);
  }

  get problems(): readonly Problem[] {
    return this.#doors.flatMap((door) => door.problem ?? []);
  }

  /** Ends within a second. */
  async stop(): Promise<void> {
    await Promise.all(this.#doors.map((door) => door.close()));
  }
}

/** One address that is listened on, or will be. */
class Door {
  readonly #name: string;
  readonly #options: ListenOptions;
  readonly #handler: WireHandler;
  readonly #ports: AdminPorts;
  #listening: Listening | undefined;
  #retry: Timer | undefined;
  #closed = false;
  problem: Problem | undefined;

  constructor(name: string, options: ListenOptions, handler: WireHandler, ports: AdminPorts) {
    this.#name = name;
    this.#options = options;
    this.#handler = handler;
    this.#ports = ports;
  }

  get where(): string | undefined {
    if (this.#listening === undefined) return undefined;
    return this.#options.socketPath ?? `${this.#listening.host}:${this.#listening.port}`;
  }

  async open(): Promise<void> {
    this.#retry = undefined;
    try {
      const listening = await this.#ports.listener.listen(this.#options, this.#handler);
      if (this.#closed) return await listening.close(0);
      this.#listening = listening;
      this.problem = undefined;
    } catch (error) {
      this.#refused(error as Error);
    }
  }

  #refused(error: Error): void {
    const { clock } = this.#ports;
    const message = `The admin endpoint cannot listen on ${this.#name}: ${error.message}`;
    const hint = 'Free the address or configure another (admin.listen); it is tried again every 5 s.';
    this.problem ??= { cause: 'admin_unavailable', subject: this.#name, message, since: clock.now(), hint, red: true };
    if (!this.#closed) this.#retry = clock.after(retryMs, () => void this.open());
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    await this.#listening?.close(closeGraceMs);
  }
}
