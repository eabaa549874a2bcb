/**
 * The whole: an agent and a receiver, the real rooms, on two simulated machines with one clock, one network and one seed. Logs
 * grow and rotate, machines lose power before any change or are killed, disks fill up, fail, lie and rot, requests and answers
 * are lost, doubled and late, snapshots come back. At the end the faults stop, everything drains, and the oracle says
 * what has to be in the mirror.
 */
import { createHash } from 'node:crypto';
import type { SourceStatus } from '../../collectors/ports.ts';
import { Network } from '../wire/network.ts';
import { SimulatedClock } from './clock.ts';
import { centreYaml, edgeYaml, shapedScripts } from './configurations.ts';
import { Demands } from './demands.ts';
import { drawDiskFault, drawNetworkFault } from './draw-faults.ts';
import { factsOf, mirrored } from './facts.ts';
import type { Log } from './log-account.ts';
import { folder, SimulatedLogs } from './logs.ts';
import { type Act, drawPlan, logNames, type Plan, print, type SideName, type Step } from './plan.ts';
import { SeededRandom } from './random.ts';
import { Side } from './side.ts';
import { Unread } from './unread.ts';

export interface WholeResult {
  readonly seed: number;
  readonly theme: Plan['theme'];
  readonly logs: SimulatedLogs['counts'];
  readonly requests: number;
  readonly networkFaults: number;
  readonly diskFaults: number;
  readonly edge: Side['counts'];
  readonly centre: Side['counts'];
  readonly simulatedSeconds: number;
  /** Changes of the disks in the lives that they ended with. */
  readonly operations: Readonly<Record<SideName, number>>;
  /** Lines that the world destroyed before anybody read them. */
  readonly destroyed: number;
  /** Lines that came twice where that may be, and was reported. */
  readonly repeated: number;
  /** Cursors that were compared with what the receiver has for certain. */
  readonly cursors: number;
  /** Bytes that the agent said are lost; and of what was destroyed unread, what it had seen. */
  readonly toldLostBytes: number;
  readonly seenLostBytes: number;
  /** Ranges that it named. */
  readonly toldRanges: number;
  /** The same for the same plan, always. */
  readonly digest: string;
}

const drainMsMax = 600_000;
const quietMs = 12_000;

/** Throws with all that is needed to understand it when something does not hold. */
export async function runWhole(plan: Plan | number): Promise<WholeResult> {
  const whole = new Whole(typeof plan === 'number' ? drawPlan(plan) : plan);
  await whole.begin();
  for (const step of whole.plan.steps) await whole.step(step);
  await whole.drain();
  return whole.result();
}

class Whole {
  readonly plan: Plan;
  readonly #clock = new SimulatedClock();
  readonly #network = new Network(this.#clock);
  readonly #sides: Readonly<Record<SideName, Side>>;
  readonly #logs: SimulatedLogs;
  readonly #told: string[] = [];
  /** What others do, each after so many more operations of the agent's disk. */
  #world: { left: number; readonly act: () => void }[] = [];
  #requests = 0;
  #networkFaults = 0;
  #diskFaults = 0;
  readonly #unread = new Unread();
  readonly #demands: Demands;

  constructor(plan: Plan) {
    this.plan = plan;
    const random = new SeededRandom(plan.seed);
    // Whoever lost what it had acknowledged is filled up again from what is retained.
    const retain = /centre|rot/.test(plan.theme) ? '8MiB' : '0';
    const side = (name: SideName, yaml: string) => new Side(name, yaml, this.#clock, this.#network, random.fork());
    this.#sides = {
      edge: side('edge', edgeYaml(retain, plan.shaped === true)),
      centre: side('centre', centreYaml),
    };
    const { edge } = this.#sides;
    this.#logs = new SimulatedLogs(folder, logNames, () => edge.disk, plan.shaped ? shapedScripts : []);
    const scene = { plan, sides: this.#sides, logs: this.#logs, unread: this.#unread };
    this.#demands = new Demands(scene, (wrong) => this.#fail(wrong));
    edge.onPowerBack = () => this.#logs.resync(edge.wasStopped);
    this.#logs.onEmpty = (log) => this.#noteUnread(log);
    edge.onLog = (entry) => this.#unread.hear(entry, edge.counts.starts);
    edge.onOperation = () => this.#turnOfTheWorld();
    this.#network.fault = () => this.#request();
  }

  /** What was rotated away before the agent first ran is not its business: it runs before anything is written. */
  async begin(): Promise<void> {
    for (const name of ['centre', 'edge'] as const) {
      const [first = Number.POSITIVE_INFINITY, ...then] = this.plan.cuts[name];
      this.#sides[name].disk.crashBefore(first);
      this.#sides[name].crashAfterReopen = then;
    }
    await this.#startAll();
    await this.#clock.advance(3000);
  }

  async step(step: Step): Promise<void> {
    this.#tell(print(step));
    await this.#do(step.act, new SeededRandom(step.seed));
    await this.#clock.advance(step.waitMs);
    this.#restOfTheWorld();
    for (const name of ['centre', 'edge'] as const) {
      const side = this.#sides[name];
      if (side.disk.crashed || step.start.includes(name)) await side.start();
    }
    this.#demands.conserved();
    await this.#demands.cursorIsHeld();
  }

  /** The faults stop, and everything has to arrive. */
  async drain(): Promise<void> {
    this.#tell('the faults stop');
    this.#restOfTheWorld();
    this.#network.fault = () => this.#request();
    for (const side of Object.values(this.#sides)) {
      side.disk.faults = [];
      side.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
      side.disk.crashBefore(Number.POSITIVE_INFINITY);
      side.crashAfterReopen = [];
    }
    await this.#startAll();
    this.#logs.settle();
    for (let waited = 0; waited <= drainMsMax && this.#demands.wrong() !== undefined; ) {
      const more = waited < 60_000 ? 2000 : 30_000;
      await this.#startAll();
      await this.#clock.advance(more);
      waited += more;
    }
    this.#demand();
    // Nothing more may come.
    await this.#clock.advance(quietMs);
    this.#demand();
    this.#demands.conserved();
    await this.#demands.cursorIsHeld();
    this.#demands.destroyedIsReported();
    await this.#sides.edge.stop();
    await this.#sides.centre.stop();
    this.#demand();
    this.#demands.reported();
  }

  result(): WholeResult {
    const { edge, centre } = this.#sides;
    return {
      seed: this.plan.seed,
      theme: this.plan.theme,
      logs: this.#logs.counts,
      requests: this.#requests,
      networkFaults: this.#networkFaults,
      diskFaults: this.#diskFaults,
      edge: edge.counts,
      centre: centre.counts,
      simulatedSeconds: Math.round(this.#clock.monotonic() / 1000),
      operations: { edge: edge.disk.operations, centre: centre.disk.operations },
      ...this.#demands.counts,
      digest: this.#digest(),
    };
  }

  async #do(act: Act, random: SeededRandom): Promise<void> {
    switch (act.kind) {
      case 'append': {
        const { lines, half, lazily } = act;
        return this.#byTheWorld(act.during, () =>
          this.#logs.append(this.#log(act.log), random, lines, { half, lazily }),
        );
      }
      case 'late':
        return this.#byTheWorld(act.during, () => {
          const log = this.#log(act.log);
          this.#logs.appendLate(log, random, act.lines, !this.#isRead(log));
        });
      case 'rotate':
        return this.#rotate(act, random);
      case 'truncate':
      case 'vanish':
      case 'expire':
        return this.#byTheWorld(act.during, () => this.#logs[act.kind](this.#log(act.log)));
      case 'destroy':
        return await this.#destroy(act, random);
      case 'power': {
        const { disk } = this.#sides[act.side];
        return disk.crashBefore(disk.operations + act.before);
      }
      case 'kill':
        return this.#sides[act.side].kill();
      case 'stop':
        return await this.#sides[act.side].stop();
      case 'snapshot':
        if (this.#isKnown()) this.#sides[act.side].takeSnapshot();
        return;
      case 'restore':
        this.#sides[act.side].restore(act.side === 'edge' ? '/data' : '/');
        return;
      case 'network':
        this.#network.fault = () => {
          this.#request();
          if (!random.chance(act.probability)) return { kind: 'none', delayMs: random.below(50) };
          this.#networkFaults++;
          return drawNetworkFault(random);
        };
        return;
      case 'quiet':
        this.#network.fault = () => this.#request();
        return;
      case 'disk':
        this.#diskFaults++;
        this.#tell(`  ${drawDiskFault(act.fault, this.#sides[act.side].disk, random)}`);
        return;
      case 'flip':
        this.#tell(`  ${flip(this.#sides[act.side], random)}`);
        return;
      case 'mend':
        for (const { disk } of Object.values(this.#sides)) {
          disk.faults = [];
          disk.capacityBytes = Number.MAX_SAFE_INTEGER;
        }
        return;
      default:
        act satisfies never;
    }
  }

  async #destroy({ log: at, lines }: Extract<Act, { kind: 'destroy' }>, random: SeededRandom): Promise<void> {
    const { edge } = this.#sides;
    const log = this.#log(at);
    edge.disk.capacityBytes = edge.disk.usedBytes;
    for (let more = 0; more < 2; more++) {
      this.#logs.append(log, random, lines);
      await this.#clock.advance(2500);
    }
    this.#logs.truncate(log);
    await this.#clock.advance(random.below(2) * 1000);
    edge.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
  }

  #rotate(act: Extract<Act, { kind: 'rotate' }>, random: SeededRandom): void {
    const { create, racing } = act;
    this.#byTheWorld(act.during, () => {
      const [first, ...rest] = this.#logs.rotate(this.#log(act.log), act.style, random, { create, racing });
      first?.();
      this.#world.unshift(...rest.map((step) => ({ left: act.spread, act: step })));
    });
  }

  #sourcesNow(): readonly SourceStatus[] {
    const { edge } = this.#sides;
    return ((edge.disk.crashed ? undefined : edge.agent)?.status().collectors ?? []).flatMap(({ sources }) => sources);
  }

  /** The agent has begun to read a file of this log, so that it knows their order. */
  #isRead({ name: log }: Log): boolean {
    return this.#sourcesNow().some(({ name, offset }) => name.startsWith(`${folder}/${log}`) && offset > 0);
  }

  #noteUnread(log: Log): void {
    const { edge } = this.#sides;
    const path = `${folder}/${log.name}`;
    const sources = this.#sourcesNow();
    const source = sources.findLast(({ name, state }) => name === path && state !== 'missing');
    const isAnother = source !== undefined && this.#isRenamed(log, source.size);
    this.#unread.note(path, this.#logs.standing(log), isAnother ? undefined : source, edge.counts.starts);
  }

  /** What the agent sees so much of is another file by now: it was rotated, and while nothing can be taken nobody looks around. */
  #isRenamed(log: Log, sizeBytes: number): boolean {
    const { world } = this.#sides.edge.disk;
    const sizeOf = (name: string) => world.stat(`${folder}/${name}`).sizeBytes;
    const rotated = this.#logs.fileNames.filter((name) => name.startsWith(log.name) && name !== log.name);
    return sizeOf(log.name) !== sizeBytes && rotated.some((name) => sizeOf(name) === sizeBytes);
  }

  #log(at: number) {
    return this.#logs.logs[at]!;
  }

  /** Now, or before the agent's disk has done so many more operations; at the end of the step in any case. */
  #byTheWorld(during: number, act: () => void): void {
    this.#world.push({ left: during, act });
    if (during === 0) this.#restOfTheWorld();
  }

  #turnOfTheWorld(): void {
    const next = this.#world[0];
    if (next === undefined || next.left-- > 0) return;
    this.#world.shift();
    next.act();
  }

  #restOfTheWorld(): void {
    for (let next = this.#world.shift(); next !== undefined; next = this.#world.shift()) next.act();
  }

  #request(): { kind: 'none' } {
    this.#requests++;
    return { kind: 'none' };
  }

  async #startAll(): Promise<void> {
    await this.#sides.centre.start();
    await this.#sides.edge.start();
  }

  /** The receiver has met the agent: a snapshot of what was before that is another agent's, and not told apart. */
  #isKnown(): boolean {
    return this.#sides.centre.disk.tree('/out').length > 0;
  }

  #tell(what: string): void {
    this.#told.push(`${(this.#clock.monotonic() / 1000).toFixed(1)} s ${what}`);
  }

  #demand(): void {
    const wrong = this.#demands.wrong();
    if (wrong !== undefined) this.#fail(wrong);
  }

  #fail(wrong: string): never {
    const { edge, centre } = this.#sides;
    const told = [...this.#told, ...factsOf(this.#sides, this.#logs)].join('\n');
    throw new Error(`seed ${this.plan.seed} (${this.plan.theme}): ${wrong}\n${told}\n${edge.said()}\n${centre.said()}`);
  }

  #digest(): string {
    const hash = createHash('sha256');
    for (const told of this.#told) hash.update(told);
    for (const log of this.#logs.logs) hash.update(mirrored(this.#sides.centre, log), 'latin1');
    for (const side of Object.values(this.#sides))
      hash.update(JSON.stringify([side.counts, side.disk.tree(), side.log]));
    return hash.digest('hex').slice(0, 16);
  }
}

/** Flips one bit of one segment. */
function flip({ disk, name }: Side, random: SeededRandom): string {
  const segments = disk.tree('/data/spool').flatMap((entry) => {
    const [, path, size] = /^(.*\.zst) (\d+)$/.exec(entry) ?? [];
    return path !== undefined && Number(size) > 0 ? [{ path, bits: Number(size) * 8 }] : [];
  });
  if (segments.length === 0) return 'nothing to flip';
  const { path, bits } = random.pick(segments);
  const bit = random.below(bits);
  disk.flipBit(path, bit);
  return `${name}: bit ${bit} of ${path} is flipped`;
}
