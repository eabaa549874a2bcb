/**
 * Takes records from datagrams (UDP, unix), each a record of its own. All senders are one source. While the spool takes nothing, nobody
 * reads: senders of unix datagrams wait then, UDP is dropped by the kernel, which is counted (`block`); or everything is read
 * and dropped here, counted too (`drop_newest`).
 */
import type { Intake } from '../../spool/nouns.ts';
import type { Clock, Log, Timer } from '../../spool/ports.ts';
import type { Collector, CollectorStatus } from '../ports.ts';
import { Deposit } from '../shared/deposit.ts';
import type { Frame } from '../shared/framing/framing.ts';
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
  readonly #deposit: Deposit;
  readonly #sink: Sink;
  readonly #binding: Binding<DatagramListening>;
  readonly #report: DatagramReport;
  readonly #flaws = new FlawCounts();
  /** The listener has the same object for a sender as long as it remembers him. */
  readonly #encoders = new WeakMap<Peer, Encoder>();
  #drops = 0;
  #asking: Timer | undefined;
  #reading: Promise<void> | undefined;

  constructor(options: DatagramCollectorOptions, world: DatagramWorld) {
    this.name = options.name;
    this.type = options.type;
    this.#options = options;
    this.#world = world;
    this.#deposit = new Deposit({ ...options, collector: options.name }, world);
    this.#sink = new Sink({ ...world, deposit: this.#deposit }, options.whenFull);
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
    this.#deposit.close();
  }

  status(): CollectorStatus {
    const { listening, problem } = this.#binding;
    if (listening !== undefined) this.#askKernel(listening);
    return {
      name: this.name,
      type: this.type,
      read: this.#deposit.read,
      problems: [problem, ...this.#report.problems()].filter((each) => each !== undefined),
      sources: [],
      gauges: {
        ...this.#report.gauges(),
        drops_waiting: this.#deposit.uncounted.records,
        ...this.#flaws.gauges(),
        ...this.#options.gauges?.(),
      },
    };
  }

  async #read(listening: DatagramListening): Promise<void> {
    for (let batch = await listening.read(); batch !== undefined; batch = await listening.read()) {
      while (this.#sink.busy !== undefined) await this.#sink.busy;
      const records = batch.flatMap((datagram) => this.#records(datagram));
      const waiting = records.length > 0 ? this.#sink.put(records) : undefined;
      if (waiting !== undefined) await waiting;
    }
  }

  #records({ bytes, peer, truncated }: Datagram): (string | Uint8Array)[] {
    let encode = this.#encoders.get(peer);
    if (encode === undefined) {
      encode = this.#options.encoder(peer);
      this.#encoders.set(peer, encode);
    }
    const records: (string | Uint8Array)[] = [];
    for (const frame of this.#frames(bytes, truncated)) {
      this.#flaws.saw(frame);
      const record = encode(frame);
      if (record !== undefined) records.push(record);
    }
    return records;
  }

  #frames(bytes: Uint8Array, truncated: boolean): Frame[] {
    const framing = this.#options.framing?.();
    if (framing === undefined) return [{ bytes: withoutEnd(bytes), flaws: truncated ? { truncated } : undefined }];
    const frames: Frame[] = [];
    framing.feed(bytes);
    for (let frame = framing.next(); frame !== undefined; frame = framing.next()) frames.push(frame);
    const rest = framing.finish(!truncated);
    return rest === undefined ? frames : [...frames, rest];
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
    this.#deposit.drop('kernel_buffer', drops - this.#drops, 0);
    this.#drops = drops;
    this.#report.dropped(drops);
  }
}

/** A line feed (and a CR before it) or a NUL at the end is the sender's way to end a text, and no part of it. */
function withoutEnd(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (bytes[length - 1] === 0) return bytes.subarray(0, -1);
  if (bytes[length - 1] !== 0x0a) return bytes;
  return bytes.subarray(0, bytes[length - 2] === 0x0d ? -2 : -1);
}
