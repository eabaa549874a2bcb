/**
 * Takes records from connections (TCP, unix, each with or without TLS): reads, cuts frames, encodes, puts them into the spool. All
 * connections are one source. Nothing is acknowledged: what is lost between a client and the spool the client cannot know; so
 * while the spool takes nothing nobody is read, and the kernels hold the clients back.
 */
import type { Intake } from '../../spool/nouns.ts';
import type { Clock, Log, Timer } from '../../spool/ports.ts';
import type { Collector, CollectorStatus } from '../ports.ts';
import type { Frame, Framing } from '../shared/framing/framing.ts';
import { GroupedFraming } from '../shared/framing/grouped.ts';
import type { StreamConnection, StreamListener, StreamListening } from '../socket-ports.ts';
import { Binding } from './binding.ts';
import { FlawCounts } from './flaw-counts.ts';
import type { StreamCollectorOptions } from './options.ts';
import type { Encoder } from './records.ts';
import { Sink } from './sink.ts';
import { StreamReport } from './stream-report.ts';

export interface StreamWorld {
  readonly intake: Intake;
  readonly streams: StreamListener;
  readonly clock: Clock;
  readonly log: Log;
}

const stopMsMax = 1500;

export class StreamCollector implements Collector {
  readonly name: string;
  readonly type: string;
  readonly #options: StreamCollectorOptions;
  readonly #world: StreamWorld;
  readonly #sink: Sink;
  readonly #binding: Binding<StreamListening>;
  readonly #report: StreamReport;
  readonly #flaws = new FlawCounts();
  readonly #framings = new Set<Framing>();
  /** Of open groups; one a connection. */
  readonly #timers = new Map<Framing, Timer>();

  constructor(options: StreamCollectorOptions, world: StreamWorld) {
    this.name = options.name;
    this.type = options.type;
    this.#options = options;
    this.#world = world;
    this.#sink = new Sink(options, world);
    const { at } = options.listen;
    const listen = () =>
      world.streams.listen({ ...options.listen, gathers: true }, (connection) => this.#serve(connection));
    this.#binding = new Binding({ name: options.name, type: options.type, at }, listen, world);
    this.#report = new StreamReport(options.name, world.clock);
  }

  /** Where it listens; undefined while it does not. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    return this.#binding.listening;
  }

  start(): Promise<void> {
    return this.#binding.start((listening) => this.#report.bound(listening));
  }

  async stop(): Promise<void> {
    this.#sink.stop();
    await this.#binding.stop(stopMsMax);
    this.#sink.deposit.close();
  }

  status(): CollectorStatus {
    const held = [...this.#framings].reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    return {
      name: this.name,
      type: this.type,
      read: this.#sink.deposit.read,
      problems: [this.#binding.problem, ...this.#report.problems()].filter((problem) => problem !== undefined),
      sources: [],
      gauges: {
        ...this.#report.gauges(),
        held_bytes: held,
        drops_waiting: this.#sink.deposit.uncounted.records,
        ...this.#flaws.gauges(),
        ...this.#options.gauges?.(),
      },
    };
  }

  async #serve(connection: StreamConnection): Promise<void> {
    const framing = this.#options.framing();
    const encode = this.#options.encoder(connection.peer);
    this.#framings.add(framing);
    const groups = framing instanceof GroupedFraming ? framing : undefined;
    try {
      await this.#readAll(connection, framing, encode, () => groups && this.#closeInTime(groups, encode));
      this.#timers.get(framing)?.cancel();
      const rest = framing.finish(connection.ended === 'client');
      if (rest !== undefined) await this.#pour(iterate([rest]), encode);
      if (groups) await this.#pour(() => groups.next(), encode);
      if (framing.broken !== undefined) this.#brokenOff(connection, framing.broken);
    } finally {
      this.#timers.get(framing)?.cancel();
      this.#timers.delete(framing);
      this.#framings.delete(framing);
    }
  }

  /** An open group is a record when nothing has come for its time; not while others wait for room, so that order is kept. */
  #closeInTime(groups: GroupedFraming, encode: Encoder): void {
    this.#timers.get(groups)?.cancel();
    if (!groups.isOpen) return;
    const close = () => {
      if (this.#sink.busy !== undefined) return this.#closeInTime(groups, encode);
      const frame = groups.timeUp();
      if (frame !== undefined) void this.#pour(iterate([frame]), encode);
    };
    this.#timers.set(groups, this.#world.clock.after(groups.timeoutMs, close));
  }

  async #readAll(connection: StreamConnection, framing: Framing, encode: Encoder, poured: () => void): Promise<void> {
    const rate = this.#options.rateBytesPerSecondMax;
    const frames = () => framing.next();
    for (let piece = await connection.read(); piece !== undefined; piece = await connection.read()) {
      framing.feed(piece);
      await this.#pour(frames, encode);
      poured();
      if (framing.broken !== undefined) return;
      // Paid for afterwards, in time: a piece is never cut for it.
      if (rate !== undefined) await this.#pause((piece.length / rate) * 1000);
    }
  }

  /** Puts all the frames that there are, a batch at a time. */
  async #pour(frames: () => Frame | undefined, encode: Encoder): Promise<void> {
    for (;;) {
      while (this.#sink.busy !== undefined) await this.#sink.busy;
      const more = this.#fill(frames, encode);
      await this.#sink.put();
      if (!more) return;
    }
  }

  /** True: the batch is full. */
  #fill(frames: () => Frame | undefined, encode: Encoder): boolean {
    const { batch } = this.#sink;
    while (!batch.full) {
      const frame = frames();
      if (frame === undefined) return false;
      this.#flaws.saw(frame.flaws);
      encode(frame, batch);
    }
    return true;
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#world.clock.after(delayMs, resolve));
  }

  #brokenOff({ name, peer }: StreamConnection, why: string): void {
    this.#flaws.broken++;
    const message = `${name} was hung up on: ${why}. Does it send with the framing that \`${this.name}\` is set to?`;
    this.#world.log.write({ severity: 'warn', event: 'socket.framing', subject: peer.address ?? this.name, message });
  }
}

function iterate(frames: Frame[]): () => Frame | undefined {
  return () => frames.shift();
}
