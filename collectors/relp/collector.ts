/**
 * RELP's server: a syslog message is acknowledged when the block that holds it is durable (after fdatasync). What a client had
 * under way when its session broke it sends again: at least once, as the protocol is made; how much that may be is counted.
 */
import type { Collector, CollectorStatus } from '../ports.ts';
import { Deposit } from '../shared/deposit.ts';
import { Binding } from '../socket/binding.ts';
import type { StreamConnection, StreamListening } from '../socket-ports.ts';
import type { RelpOptions, RelpWorld } from './options.ts';
import { Session, type SessionCounts } from './session.ts';

/** More than any client has of answers that it has not read. */
const outputBytesMax = 1024 * 1024;
const handshakeTimeoutMs = 10_000;
const stopMsMax = 1500;

export class RelpCollector implements Collector {
  readonly type = 'relp';
  readonly name: string;
  readonly #options: RelpOptions;
  readonly #world: RelpWorld;
  readonly #deposit: Deposit;
  readonly #binding: Binding<StreamListening>;
  readonly #counts: SessionCounts = {
    sessions: 0,
    messages: 0,
    acknowledged: 0,
    cut: 0,
    broken: 0,
    may_be_repeated: 0,
    protocol_errors: 0,
  };

  constructor(options: RelpOptions, world: RelpWorld) {
    const { name, attributes, resource, host, port, tls, connectionsMax, connectionsPerPeerMax } = options;
    this.name = name;
    this.#options = options;
    this.#world = world;
    this.#deposit = new Deposit({ collector: name, type: this.type, resource, attributes, format: 'json' }, world);
    const limits = { connectionsMax, connectionsPerPeerMax, handshakeTimeoutMs, outputBytesMax };
    const at = { host, port };
    const listen = () => world.streams.listen({ at, tls, ...limits }, (connection) => this.#serve(connection));
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
    const problems = problem ? [problem] : [];
    const { connections = 0, handshaking = 0, counts } = listening ?? {};
    const gauges = { connections, handshaking, ...counts, ...this.#counts };
    return { name, type, read: this.#deposit.read, problems, sources: [], gauges };
  }

  #serve(connection: StreamConnection): Promise<void> {
    const { log, record } = this.#world;
    const { messageBytesMax } = this.#options;
    const session = new Session(connection, {
      deposit: this.#deposit,
      counts: this.#counts,
      messageBytesMax,
      record: (message) => record(message, connection.peer),
      refused: (why) => {
        const subject = connection.peer.address ?? 'local';
        const message = `${this.name}: ${connection.name} does not speak RELP as it should, its session was closed: ${why}`;
        log.write({ severity: 'warn', event: 'relp.protocol', subject, message });
      },
    });
    return session.run();
  }
}
