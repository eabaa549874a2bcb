/**
 * Takes records from datagrams (UDP, unix), each a record of its own. All senders are one source. While the spool takes nothing, nobody
 * reads: senders of unix datagrams wait then, UDP is dropped by the kernel, which is counted (`block`); or everything is read
 * and dropped here, counted too (`drop_newest`).
 */
import type { Intake } from '../../spool/nouns.ts';
import type { Clock, Log, Timer } from '../../spool/ports.ts';
import type { Collector, CollectorStatus } from '../ports.ts';
import { Frame } from '../shared/framing/frame.ts';
import { type Page, pageOver } from '../shared/page.ts';
import type { Datagram, DatagramListener, DatagramListening, Peer } from '../socket-ports.ts';
import { Binding } from './binding.ts';
import { DatagramReport } from './datagram-report.ts';
import { FlawCounts } from './flaw-counts.ts';
import type { DatagramCollectorOptions } from './options.ts';
import type { Encoder } from './records.ts';
import { Sink } from './sink.ts';

export interface DatagramWorld {
  readonly intake: Intake;
  readonly datagrams: DatagramListener;
  readonly clock: Clock;
  readonly log: Log;
}

/** How often the kernel is asked what it dropped. */
const dropsIntervalMs = 1000;
const stopMsMax = 1500;

export class DatagramCollector implements Collector {
  readonly name: string;
  readonly type: string;
  readonly #options: DatagramCollectorOptions;
  readonly #world: DatagramWorld;
  readonly #sink: Sink;
  readonly #binding: Binding<DatagramListening>;
  readonly #report: DatagramReport;
  readonly #flaws = new FlawCounts();
  /** The listener has the same object for a sender as long as it remembers him. */
  readonly #encoders = new WeakMap<Peer, Encoder>();
  #last: { readonly peer: Peer; readonly encode: Encoder } | undefined;
  #memory: Uint8Array = new Uint8Array(0);
  #page = pageOver(this.#memory);
  #drops = 0;
  #asking: Timer | undefined;
  #reading: Promise<void> | undefined;

  constructor(options: DatagramCollectorOptions, world: DatagramWorld) {
    this.name = options.name;
    this.type = options.type;
    this.#options = options;
    this.#world = world;
    this.#sink = new Sink(options, world);
    const { name, type, listen } = options;
    this.#binding = new Binding({ name, type, at: listen.at }, () => world.datagrams.listen(listen), world);
    this.#report = new DatagramReport(name, listen, world.clock);
  }

  /** Where it listens; undefined while it does not. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    return this.#binding.listening;
  }

  start(): Promise<void> {
    return this.#binding.start((listening) => {
      this.#report.bound(listening);
      this.#drops = 0;
      this.#askSoon(listening);
      this.#reading = this.#read(listening);
    });
  }

  async stop(): Promise<void> {
    this.#sink.stop();
    this.#asking?.cancel();
    const { listening } = this.#binding;
    if (listening !== undefined) this.#askKernel(listening);
    await this.#binding.stop(stopMsMax);
    await this.#reading;
    this.#sink.deposit.close();
  }

  status(): CollectorStatus {
    const { listening, problem } = this.#binding;
    if (listening !== undefined) this.#askKernel(listening);
    return {
      name: this.name,
      type: this.type,
      read: this.#sink.deposit.read,
      problems: [problem, ...this.#report.problems()].filter((each) => each !== undefined),
      sources: [],
      gauges: {
        ...this.#report.gauges(),
        drops_waiting: this.#sink.deposit.uncounted.records,
        ...this.#flaws.gauges(),
        ...this.#options.gauges?.(),
      },
    };
  }

  async #read(listening: DatagramListening): Promise<void> {
    const { batch } = this.#sink;
    for (let read = await listening.read(); read !== undefined; read = await listening.read()) {
      while (this.#sink.busy !== undefined) await this.#sink.busy;
      for (const datagram of read) {
        this.#take(datagram);
        const waiting = batch.full ? this.#sink.put() : undefined;
        if (waiting !== undefined) await waiting;
      }
      const waiting = this.#sink.put();
      if (waiting !== undefined) await waiting;
    }
  }

  #take({ memory, from, to, peer, truncated }: Datagram): void {
    const encode = this.#encoderFor(peer);
    const framing = this.#options.framing?.();
    if (framing === undefined) {
      const flaws = truncated ? { truncated } : undefined;
      this.#add(new Frame(this.#pageOf(memory), from, withoutEnd(memory, from, to), flaws), encode);
      return;
    }
    framing.feed(memory.subarray(from, to));
    for (let frame = framing.next(); frame !== undefined; frame = framing.next()) this.#add(frame, encode);
    const rest = framing.finish(!truncated);
    if (rest !== undefined) this.#add(rest, encode);
  }

  #add(frame: Frame, encode: Encoder): void {
    this.#flaws.saw(frame.flaws);
    encode(frame, this.#sink.batch);
  }

  /** The listener's memory is the same mostly. */
  #pageOf(memory: Uint8Array): Page {
    if (this.#memory !== memory) this.#page = pageOver(memory);
    this.#memory = memory;
    return this.#page;
  }

  #encoderFor(peer: Peer): Encoder {
    if (peer === this.#last?.peer) return this.#last.encode;
    let encode = this.#encoders.get(peer);
    if (encode === undefined) {
      encode = this.#options.encoder(peer);
      this.#encoders.set(peer, encode);
    }
    this.#last = { peer, encode };
    return encode;
  }

  #askSoon(listening: DatagramListening): void {
    this.#asking = this.#world.clock.after(dropsIntervalMs, () => {
      this.#askKernel(listening);
      this.#askSoon(listening);
    });
  }

  #askKernel(listening: DatagramListening): void {
    const drops = listening.drops() ?? this.#drops;
    if (drops <= this.#drops) return;
    this.#sink.deposit.drop('kernel_buffer', drops - this.#drops, 0);
    this.#drops = drops;
    this.#report.dropped(drops);
  }
}

/** Where the text ends: a line feed (and a CR before it) or a NUL at the end is the sender's way to end it, and no part of it. */
function withoutEnd(bytes: Uint8Array, from: number, to: number): number {
  if (to === from) return to;
  if (bytes[to - 1] === 0) return to - 1;
  if (bytes[to - 1] !== 0x0a) return to;
  return to - from > 1 && bytes[to - 2] === 0x0d ? to - 2 : to - 1;
}
