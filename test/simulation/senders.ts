/**
 * An agent that others send to, on a simulated machine, and its receiver: peers connect, send, are held back and come again, over
 * TCP, UDP and unix sockets, as plain records, syslog and RELP; the power goes before any change to the agent's disk, it is
 * killed and stopped. In the end each record of a protocol without acknowledgement is in the mirror at most once, in its sender's
 * order, and once for certain where nothing crashed within the seconds after it was sent; what RELP acknowledged is there.
 */
import assert from 'node:assert/strict';
import { imbalances } from '../../agent/status/conservation.ts';
import { Network } from '../wire/network.ts';
import { SimulatedClock } from './clock.ts';
import { slow } from './faults.ts';
import { SeededRandom } from './random.ts';
import { type Peer, PlainPeer, RelpPeer } from './sender.ts';
import { Side } from './side.ts';

export interface SendersResult {
  readonly seed: number;
  readonly sent: number;
  /** Of them: those that must have arrived. */
  readonly certain: number;
  readonly arrived: number;
  readonly acknowledged: number;
  /** Came more than once, which only RELP may. */
  readonly repeated: number;
  readonly crashes: number;
  readonly stops: number;
  /** How often a peer could not send because nobody read. */
  readonly heldBack: number;
}

/** What was sent so long ago, with nothing in between, is durable. */
const durableMs = 3000;
const drainMsMax = 300_000;

const edgeYaml = `
data_dir: /data
collectors:
  tcp: { type: tcp, listen: "127.0.0.1:5170" }
  counted: { type: tcp, listen: "127.0.0.1:5171", framing: octet_counted, max_message: 256 }
  unix: { type: unix, path: /run/unix.sock }
  udp: { type: udp, listen: "127.0.0.1:5172" }
  unixgram: { type: unixgram, path: /run/unixgram.sock }
  syslog: { type: syslog, listen: { tcp: "127.0.0.1:5173", udp: "127.0.0.1:5174" } }
  relp: { type: relp, listen: "127.0.0.1:2514", parse: false }
spool: { max_size: 16MiB, min_free: 0 }
shippers: { central: { type: http, protocol: native, url: "http://127.0.0.1:8600/v1/blocks", retry_max: 2s } }
`;

const centreYaml = `
data_dir: /data
collectors: { edge: { type: blocks, listen: "127.0.0.1:8600" } }
spool: { max_size: 16MiB, min_free: 0 }
shippers: { mirror: { type: mirror, path: /out } }
`;

export async function runSenders(seed: number): Promise<SendersResult> {
  const run = new Run(seed);
  try {
    return await run.run();
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}\n${run.said}`, { cause: error });
  }
}

class Run {
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #clock = new SimulatedClock();
  readonly #network = new Network(this.#clock);
  readonly #edge: Side;
  readonly #centre: Side;
  readonly #peers: readonly Peer[];

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new SeededRandom(seed);
    const side = (name: string, yaml: string) => new Side(name, yaml, this.#clock, this.#network, this.#random.fork());
    this.#edge = side('edge', edgeYaml);
    this.#centre = side('centre', centreYaml);
    const line = (text: string) => `${text}\n`;
    const syslog = (text: string) => `<13>Oct 11 22:14:15 box app: ${text}`;
    const plain = (...args: ConstructorParameters<typeof PlainPeer>) => new PlainPeer(...args);
    this.#peers = [
      plain('tcp-a', { stream: '5170' }, line, this.#random.fork()),
      plain('tcp-b', { stream: '5170' }, line, this.#random.fork()),
      plain('counted', { stream: '5171' }, (text) => `${text.length} ${text}`, this.#random.fork()),
      plain('unix', { stream: '/run/unix.sock' }, line, this.#random.fork()),
      plain('udp', { datagram: '5172' }, (text) => text, this.#random.fork()),
      plain('unixgram', { datagram: '/run/unixgram.sock' }, (text) => text, this.#random.fork()),
      plain('syslog-tcp', { stream: '5173' }, (text) => line(syslog(text)), this.#random.fork()),
      plain('syslog-udp', { datagram: '5174' }, syslog, this.#random.fork()),
      new RelpPeer('relp', '2514'),
    ];
  }

  get said(): string {
    return `${this.#edge.said()}\n${this.#centre.said()}`;
  }

  async run(): Promise<SendersResult> {
    await this.#centre.start();
    await this.#edge.start();
    for (let round = 8 + this.#random.below(8); round > 0; round--) await this.#round();
    await this.#drain();
    return this.#check();
  }

  async #round(): Promise<void> {
    const random = this.#random;
    const edge = this.#edge;
    const slowly = random.chance(0.4);
    if (slowly) edge.disk.faults = [slow(20 + random.below(400), { kinds: ['datasync'] })];
    const trouble = random.below(4);
    if (trouble === 0) edge.disk.crashBefore(edge.disk.operations + 1 + random.below(30));
    const { starts } = edge.counts;
    for (let burst = 2 + random.below(5); burst > 0; burst--) {
      for (const peer of this.#peers) peer.act(edge.sockets, random.below(random.chance(0.1) ? 120 : 8));
      await this.#clock.advance(random.below(700));
    }
    if (trouble === 1) edge.kill();
    if (trouble === 2 && !edge.disk.crashed) await this.#stop();
    if (trouble === 3) await this.#settle(starts);
    edge.disk.faults = [];
    await edge.start();
    const agent = edge.disk.crashed ? undefined : edge.agent;
    if (agent) assert.deepEqual(imbalances(agent.status()), []);
  }

  /** In good order, with a disk that does what it should: what had arrived is kept. */
  async #stop(): Promise<void> {
    const edge = this.#edge;
    edge.disk.faults = [];
    edge.disk.crashBefore(Number.POSITIVE_INFINITY);
    await this.#clock.advance(1000);
    await edge.stop();
    for (const peer of this.#peers) peer.settled();
  }

  async #settle(starts: number): Promise<void> {
    await this.#clock.advance(durableMs);
    if (this.#edge.disk.crashed || this.#edge.counts.starts !== starts) return;
    for (const peer of this.#peers) peer.settled();
  }

  async #drain(): Promise<void> {
    const edge = this.#edge;
    edge.disk.crashBefore(Number.POSITIVE_INFINITY);
    edge.disk.faults = [];
    await edge.start();
    edge.disk.crashBefore(Number.POSITIVE_INFINITY);
    for (let waited = 0; waited < drainMsMax; waited += 1000) {
      for (const peer of this.#peers) peer.act(edge.sockets, 0);
      await this.#clock.advance(1000);
      if (waited >= durableMs && this.#peers.every((peer) => peer.idle) && this.#delivered()) break;
    }
    for (const peer of this.#peers) peer.settled();
    await this.#clock.advance(10_000);
    assert.deepEqual(imbalances(edge.agent!.status()), []);
    assert.ok(this.#delivered(), 'something still waits in the spool');
  }

  #delivered(): boolean {
    return this.#edge.agent?.status().shippers[0]?.waiting.records === 0;
  }

  #check(): SendersResult {
    const came = Map.groupBy(this.#mirrored(), (text) => text.split(' ', 1)[0]!);
    let [sent, certain, arrived, repeated] = [0, 0, 0, 0];
    for (const peer of this.#peers) {
      const texts = came.get(peer.name) ?? [];
      came.delete(peer.name);
      const first = [...new Set(texts)];
      const missing = [...peer.certain].filter((text) => !first.includes(text));
      assert.deepEqual(missing, [], `${peer.name}: records that must be there`);
      assert.deepEqual(
        first.filter((text) => !peer.sent.has(text)),
        [],
        `${peer.name}: records that nobody sent`,
      );
      if (!peer.mayRepeat) assert.equal(first.length, texts.length, `${peer.name}: records that came twice`);
      if (!peer.mayRepeat)
        assert.deepEqual(
          first,
          [...peer.sent].filter((text) => first.includes(text)),
          `${peer.name}: order`,
        );
      sent += peer.sent.size;
      certain += peer.certain.size;
      arrived += first.length;
      repeated += texts.length - first.length;
    }
    assert.deepEqual([...came.keys()], [], 'records of nobody');
    const { powerCuts, kills, stops } = this.#edge.counts;
    const heldBack = this.#peers.reduce((sum, peer) => sum + peer.heldBack, 0);
    const acknowledged = this.#peers.find((peer) => peer.mayRepeat)!.certain.size;
    return {
      seed: this.#seed,
      sent,
      certain,
      arrived,
      acknowledged,
      repeated,
      crashes: powerCuts + kills,
      stops,
      heldBack,
    };
  }

  /** Bodies of all events in the mirror, file by file. */
  #mirrored(): string[] {
    const { disk } = this.#centre;
    const files = disk.tree('/out').flatMap((entry) => /^(.*\.ndjson) \d+$/.exec(entry)?.[1] ?? []);
    return files.flatMap((path) => {
      const file = disk.files.open(path, 'read');
      const content = Buffer.alloc(file.stat().sizeBytes);
      file.read(content, 0);
      file.close();
      const lines = content.toString().split('\n').slice(0, -1);
      return lines.map((line) => (JSON.parse(line) as { body: string }).body);
    });
  }
}
