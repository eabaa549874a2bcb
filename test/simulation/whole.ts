/**
 * The whole: an agent and a receiver, the real rooms, on two simulated machines with one clock, one network and one seed. Logs
 * grow and rotate, machines lose power before any change or are killed, disks fill up and fail, requests and answers are
 * lost, doubled and late. At the end the faults stop, everything drains, and every line that was written has to be in the
 * mirror once, in order.
 */
import type { TransportRequest } from '../../shippers/ports.ts';
import { Network, type Fault as NetworkFault } from '../wire/network.ts';
import { SimulatedClock } from './clock.ts';
import { fails, flaky, short } from './faults.ts';
import { SeededRandom } from './random.ts';
import { Side } from './side.ts';

export interface WholeResult {
  readonly seed: number;
  readonly lines: number;
  readonly rotations: number;
  readonly requests: number;
  readonly edge: Side['counts'];
  readonly centre: Side['counts'];
  readonly simulatedSeconds: number;
}

const names = ['a', 'b', 'c'];
const folder = '/var/log/app';
const generationsMax = 5;
const drainMsMax = 900_000;

const edgeYaml = `
data_dir: /data
collectors: { app: { type: file, include: [${folder}/*.log], scan_interval: 1s, partial_timeout: 1s } }
spool: { max_size: 16MiB, min_free: 0 }
shippers: { central: { type: http, protocol: native, url: "http://127.0.0.1:8600/v1/blocks", retry_max: 2s } }
`;

const centreYaml = `
data_dir: /data
collectors: { edge: { type: blocks, listen: "127.0.0.1:8600" } }
spool: { max_size: 16MiB, min_free: 0 }
shippers: { mirror: { type: mirror, path: /out } }
`;

/** Throws with all that is needed to understand it when something does not hold. */
export async function runWhole(seed: number, steps = 60): Promise<WholeResult> {
  const whole = new Whole(seed);
  await whole.begin();
  for (let step = 0; step < steps; step++) await whole.step();
  await whole.drain();
  return whole.result();
}

class Whole {
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #clock = new SimulatedClock();
  readonly #network: Network;
  readonly #edge: Side;
  readonly #centre: Side;
  readonly #written = new Map<string, string>(names.map((name) => [name, '']));
  readonly #generations = new Map<string, number>();
  readonly #told: string[] = [];
  #lines = 0;
  #rotations = 0;
  #requests = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new SeededRandom(seed);
    this.#network = new Network(this.#clock);
    this.#edge = new Side('edge', edgeYaml, this.#clock, this.#network, this.#random.fork());
    this.#centre = new Side('centre', centreYaml, this.#clock, this.#network, this.#random.fork());
    this.#edge.disk.world.makeDirectory(folder);
    this.#edge.disk.makeSafe();
    this.#quietNetwork();
  }

  /** What was rotated away before the agent first ran is not its business: it runs before anything is written. */
  async begin(): Promise<void> {
    await this.#centre.start();
    await this.#edge.start();
    await this.#clock.advance(3000);
  }

  async step(): Promise<void> {
    const act = this.#random.pick(this.#actions);
    await act.call(this);
    await this.#clock.advance(this.#random.below(this.#random.chance(0.1) ? 20_000 : 400));
    for (const side of [this.#centre, this.#edge]) {
      if (side.disk.crashed || this.#random.chance(0.7)) await side.start();
    }
  }

  /** As often as they stand here. */
  readonly #actions: readonly (() => void | Promise<void>)[] = [
    ...Array.from({ length: 8 }, () => this.#append),
    this.#rotate,
    this.#rotate,
    this.#cutPower,
    this.#cutPower,
    this.#cutPower,
    this.#kill,
    this.#stop,
    this.#disturbNetwork,
    this.#disturbNetwork,
    this.#quietNetwork,
    this.#disturbDisk,
    this.#mendDisk,
  ];

  #append(): void {
    const name = this.#random.pick(names);
    let text = '';
    for (let left = this.#random.below(60); left >= 0; left--) {
      text += `${name} ${this.#lines++} ${'abcdefgh'.repeat(this.#random.below(40))}\n`;
    }
    const path = `${folder}/${name}.log`;
    const { world } = this.#edge.disk;
    const present = world.list(folder).some((entry) => entry.name === `${name}.log`);
    const file = world.open(path, present ? 'write' : 'create');
    file.write(Buffer.from(text), file.stat().sizeBytes);
    file.close();
    this.#written.set(name, this.#written.get(name)! + text);
    this.#edge.disk.makeSafe(folder);
  }

  #rotate(): void {
    const name = this.#random.pick(names);
    const generations = this.#generations.get(name) ?? 0;
    const { world } = this.#edge.disk;
    const present = world.list(folder).some((entry) => entry.name === `${name}.log`);
    if (!present || generations === generationsMax) return;
    const path = (generation: number) => `${folder}/${name}.log${generation === 0 ? '' : `.${generation}`}`;
    for (let generation = generations; generation >= 0; generation--)
      world.rename(path(generation), path(generation + 1));
    this.#generations.set(name, generations + 1);
    this.#rotations++;
    this.#edge.disk.makeSafe(folder);
  }

  #cutPower(): void {
    const side = this.#eitherSide();
    side.disk.crashBefore(side.disk.operations + this.#random.below(this.#random.chance(0.5) ? 10 : 200));
    this.#tell(`${side.name}: power cut to come`);
  }

  #kill(): void {
    const side = this.#eitherSide();
    side.kill();
    this.#tell(`${side.name}: kill`);
  }

  async #stop(): Promise<void> {
    const side = this.#eitherSide();
    await side.stop();
    this.#tell(`${side.name}: stop`);
  }

  #disturbNetwork(): void {
    const random = this.#random.fork();
    const probability = random.pick([0.1, 0.3, 1]);
    this.#network.fault = () => {
      this.#requests++;
      return random.chance(probability) ? drawFault(random) : { kind: 'none', delayMs: random.below(50) };
    };
    this.#tell(`network: faults with probability ${probability}`);
  }

  #quietNetwork(): void {
    this.#network.fault = (_: TransportRequest) => {
      this.#requests++;
      return { kind: 'none' };
    };
  }

  #disturbDisk(): void {
    const side = this.#eitherSide();
    const random = this.#random.fork();
    const fault = random.pick([
      () => fails('EIO', { kinds: ['datasync'], path: /^\/data/, times: 1 + random.below(3) }),
      () => flaky('EIO', random.uint32(), 0.2, { kinds: ['write', 'datasync', 'syncDirectory'], times: 20 }),
      () => fails('ENOSPC', { kinds: ['write', 'create'], times: 1 + random.below(5) }),
      () => short(random.uint32(), 0.3),
      () => undefined,
    ])();
    if (fault === undefined) side.disk.capacityBytes = side.disk.usedBytes + random.below(4096);
    else side.disk.faults.push(fault);
    this.#tell(`${side.name}: ${fault?.name ?? 'disk full'}`);
  }

  #mendDisk(): void {
    for (const side of [this.#edge, this.#centre]) {
      side.disk.faults = [];
      side.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
    }
  }

  /** The faults stop, and everything has to arrive. */
  async drain(): Promise<void> {
    this.#quietNetwork();
    this.#mendDisk();
    for (const side of [this.#edge, this.#centre]) side.disk.crashBefore(Number.POSITIVE_INFINITY);
    for (let waited = 0; waited <= drainMsMax; waited += 2000) {
      await this.#centre.start();
      await this.#edge.start();
      await this.#clock.advance(2000);
      if (this.#wrong() === undefined) break;
    }
    this.#demand();
    // Nothing more may come.
    await this.#clock.advance(20_000);
    this.#demand();
    await this.#edge.stop();
    await this.#centre.stop();
    this.#demand();
  }

  result(): WholeResult {
    return {
      seed: this.#seed,
      lines: this.#lines,
      rotations: this.#rotations,
      requests: this.#requests,
      edge: this.#edge.counts,
      centre: this.#centre.counts,
      simulatedSeconds: Math.round(this.#clock.monotonic() / 1000),
    };
  }

  #eitherSide(): Side {
    return this.#random.chance(0.5) ? this.#edge : this.#centre;
  }

  #tell(what: string): void {
    this.#told.push(`${(this.#clock.monotonic() / 1000).toFixed(1)} s ${what}`);
  }

  #demand(): void {
    const wrong = this.#wrong();
    if (wrong === undefined) return;
    const status = this.#edge.agent?.status();
    const problems = JSON.stringify([
      status?.problems,
      status?.shippers[0]?.state,
      this.#centre.agent?.status().problems,
    ]);
    const told = [...this.#told.slice(-20), ...this.#facts()].join('\n');
    throw new Error(`seed ${this.#seed}: ${wrong}\n${told}\n${this.#edge.said()}\n${this.#centre.said()}\n${problems}`);
  }

  /** Where the lines are, for the message of a failed run. */
  #facts(): string[] {
    const edge = this.#edge.agent?.status();
    const sources = edge?.collectors[0]?.sources.map((one) => `${one.name} ${one.offset}/${one.size} ${one.state}`);
    const files = this.#edge.disk.world.list(folder).map(({ name }) => {
      const stat = this.#edge.disk.world.stat(`${folder}/${name}`);
      return `${name} #${stat.inode} ${stat.sizeBytes}`;
    });
    const mirrored = this.#centre.disk.tree('/out');
    const totals = JSON.stringify([edge?.shippers[0]?.totals, this.#centre.agent?.status().collectors[0]?.totals]);
    return [
      `files: ${files.sort().join(', ')}`,
      `mirror: ${mirrored.join(', ')}`,
      `sources: ${sources?.join(', ')}`,
      totals,
    ];
  }

  /** The first thing that does not hold. */
  #wrong(): string | undefined {
    for (const [name, written] of this.#written) {
      if (written === '') continue;
      const arrived = this.#mirrored(name);
      if (arrived === written) continue;
      return `${name}.log: ${difference(written.split('\n'), arrived.split('\n'))}`;
    }
    return undefined;
  }

  #mirrored(name: string): string {
    try {
      return this.#centre.disk.readFile(`/out/edge${folder}/${name}.log`).toString();
    } catch {
      return '';
    }
  }
}

function drawFault(random: SeededRandom): NetworkFault {
  const fraction = random.fraction();
  return random.pick<NetworkFault>([
    { kind: 'refused' },
    { kind: 'lost_request' },
    { kind: 'lost_answer' },
    { kind: 'lost_answer' },
    { kind: 'cut_body', fraction },
    { kind: 'cut_answer', fraction },
    { kind: 'flip', fraction },
    { kind: 'twice' },
    { kind: 'late_copy', delayMs: random.below(5000) },
    {
      kind: 'instead',
      answer: { status: random.pick([200, 401, 404, 413, 429, 500, 503]), headers: {}, body: Buffer.from('<html>') },
    },
  ]);
}

function difference(written: readonly string[], arrived: readonly string[]): string {
  const seen = new Map<string, number>();
  for (const line of arrived) seen.set(line, (seen.get(line) ?? 0) + 1);
  const lost = written.filter((line) => !seen.has(line));
  const twice = [...seen].filter(([line, times]) => times > 1 && line !== '').map(([line]) => line);
  const known = new Set(written);
  const invented = arrived.filter((line) => !known.has(line));
  const show = (lines: readonly string[]) =>
    `${lines.length}${lines.length > 0 ? ` (first: ${lines[0]!.slice(0, 40)})` : ''}`;
  return `${written.length} lines written, ${arrived.length} arrived; lost ${show(lost)} from line ${written.findIndex((line) => !seen.has(line))}, repeated ${show(twice)}, invented ${show(invented)}`;
}
