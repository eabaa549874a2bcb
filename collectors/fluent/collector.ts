/**
 * Fluent Forward's server (Fluentd, Fluent Bit, Docker's fluentd driver, loggers in many languages): events in any of the
 * protocol's modes. A chunk that asks for it is acknowledged when it is durable, and taken once, however often it is sent.
 */
import type { Problem } from '../../spool/ports.ts';
import { Keys } from '../http/keys.ts';
import type { Collector, CollectorStatus } from '../ports.ts';
import { Deposit } from '../shared/deposit.ts';
import { Binding } from '../socket/binding.ts';
import type { StreamConnection, StreamListening } from '../socket-ports.ts';
import type { FluentOptions, FluentWorld } from './options.ts';
import { Session, type SessionCounts } from './session.ts';

const outputBytesMax = 1024 * 1024;
const handshakeTimeoutMs = 10_000;
const stopMsMax = 1500;
const nonceBytes = 16;

export class FluentCollector implements Collector {
  readonly type = 'fluent';
  readonly name: string;
  readonly #options: FluentOptions;
  readonly #world: FluentWorld;
  readonly #deposit: Deposit;
  readonly #keys: Keys;
  readonly #binding: Binding<StreamListening>;
  readonly #counts: SessionCounts = {
    sessions: 0,
    messages: 0,
    chunks_acknowledged: 0,
    chunks_repeated: 0,
    malformed: 0,
    handshakes_refused: 0,
    over_memory: 0,
    held_bytes: 0,
  };
  #keyProblem: Problem | undefined;

  constructor(options: FluentOptions, world: FluentWorld) {
    const { name, attributes, resource, host, port, tls, connectionsMax, connectionsPerPeerMax, chunksMax } = options;
    this.name = name;
    this.#options = options;
    this.#world = world;
    const { type } = this;
    this.#deposit = new Deposit({ collector: name, type, resource, attributes, format: 'json' }, world);
    this.#keys = new Keys({ collector: name, type, resource, keysMax: chunksMax, keysMs: undefined }, world);
    const bounds = { connectionsMax, connectionsPerPeerMax, handshakeTimeoutMs, outputBytesMax };
    const at = { host, port };
    const listen = () => world.streams.listen({ at, tls, ...bounds }, (connection) => this.#serve(connection));
    this.#binding = new Binding({ name, type: this.type, at }, listen, world);
  }

  start(): Promise<void> {
    return this.#binding.start(() => {});
  }

  async stop(): Promise<void> {
    await this.#binding.stop(stopMsMax);
    this.#deposit.close();
  }

  status(): CollectorStatus {
    const { name, type } = this;
    const { listening, problem } = this.#binding;
    const { connections = 0, handshaking = 0, counts } = listening ?? {};
    const gauges = { connections, handshaking, ...counts, ...this.#counts, chunks_known: this.#keys.size };
    const problems = [problem, this.#keyProblem].filter((each) => each !== undefined);
    return { name, type, read: this.#deposit.read, problems, sources: [], gauges };
  }

  async #serve(connection: StreamConnection): Promise<void> {
    const { random, sharedKey } = this.#world;
    const key = sharedKey && this.#readKey(sharedKey);
    if (sharedKey && key === undefined) return connection.cut();
    const session = new Session(connection, {
      ...this.#options,
      deposit: this.#deposit,
      keys: this.#keys,
      counts: this.#counts,
      hostName: this.#world.hostName,
      shared: key === undefined ? undefined : { key, nonce: random.bytes(nonceBytes) },
      refused: (why) => this.#refused(connection, why),
    });
    await session.run();
  }

  /** undefined while it cannot be read: nobody is let in then. */
  #readKey(read: () => string): string | undefined {
    try {
      const key = read();
      this.#keyProblem = undefined;
      return key;
    } catch (error) {
      const message = `${this.name}: the shared key cannot be read: ${(error as Error).message}`;
      const since = this.#keyProblem?.since ?? this.#world.clock.now();
      this.#keyProblem = {
        ...{ cause: 'shared_key_unreadable', subject: this.name, message, since, red: true },
        hint: 'see to it that the file of `shared_key_file` is there and may be read',
      };
      this.#world.log.write({ severity: 'error', event: 'fluent.shared_key', subject: this.name, message });
      return undefined;
    }
  }

  #refused(connection: StreamConnection, why: string): void {
    const subject = connection.peer.address ?? 'local';
    const message = `${this.name}: ${connection.name}: ${why}`;
    this.#world.log.write({ severity: 'warn', event: 'fluent.refused', subject, message });
  }
}
