/**
 * Agent and receiver as real processes, the network between them, their disks and clocks: does to them what a plan's steps
 * say, and counts what it did. What lasts goes on beside the next steps; a process that ends by itself is a finding.
 */
import * as fs from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Load } from '../end-to-end/load.ts';
import { Pair } from '../end-to-end/pair.ts';
import { haveLogrotate, type RotationStyle, rotate } from '../end-to-end/rotation.ts';
import { askAdmin, freePort, sleep, type Tailspool, untilAnswers } from '../end-to-end/tailspool.ts';
import { haveFaketime, JumpingClock, sweepAfter } from './clock.ts';
import { SmallDisk } from './disk.ts';
import { Network } from './network.ts';
import { commonHeadOf, Rotator } from './rotator.ts';
import type { Sampled } from './samples.ts';
import { type Setup, type Side, type Step, sides, type Victim } from './schedule.ts';

const smallDiskMebibytes = 24;
/** DESIGN.md: SIGTERM ends within 5 s in any state. */
const endMsMax = 5_000;
/** A process that is younger may not have come to its own first line yet, on a busy machine; then it has nothing to lose. */
const deafMsMax = 250;

type Ending = Extract<Step, { kind: 'kill' | 'restart' }>;

export class World implements AsyncDisposable {
  readonly pair: Pair;
  readonly load: Load;
  /** In a round of rotations. */
  readonly rotator: Rotator | undefined;
  /** What was done, and how often. */
  readonly done = new Map<string, number>();
  /** What went wrong on the way. */
  readonly wrong: string[] = [];
  /** Lines written between two kills. */
  readonly linesBetween: number[] = [];
  readonly #setup: Setup;
  readonly #style: RotationStyle;
  readonly #network: Network;
  readonly #disk: SmallDisk | undefined;
  readonly #clocks: Readonly<Record<Side, JumpingClock>> | undefined;
  readonly #lasting = new Map<string, Promise<void>>();
  readonly #ending = new WeakSet<Tailspool>();
  readonly #since: Record<Side, number> = { agent: 0, receiver: 0 };
  #linesAtKill = 0;

  static async make(setup: Setup, style: RotationStyle): Promise<World> {
    const receiverPort = await freePort();
    const network = await Network.open(receiverPort);
    return new World(setup, style, network, await Pair.make(pairOptions(setup, network.port), receiverPort));
  }

  private constructor(setup: Setup, style: RotationStyle, network: Network, pair: Pair) {
    this.#setup = setup;
    this.#style = style;
    this.#network = network;
    this.pair = pair;
    if (setup.smallDisk) this.#disk = SmallDisk.mount(join(pair.folder, 'disk'), smallDiskMebibytes);
    if (setup.clock && haveFaketime) this.#clocks = clocksIn(pair.folder);
    const files = Array.from({ length: setup.files }, (_, index) => `app${index}.log`);
    const aheadMs = () => this.#clocks?.agent.aheadMs ?? 0;
    const restless = setup.kind === 'rotations';
    const { linesPerSecond } = setup;
    this.load = new Load({
      folder: pair.logs,
      files,
      linesPerSecond,
      aheadMs,
      ...(restless && { headOf: commonHeadOf }),
    });
    if (restless) this.rotator = new Rotator(pair.logs, files, setup.style * 2 ** 32);
  }

  /** What this machine does not let us do, in a word each. */
  get skipped(): string[] {
    const { smallDisk, clock } = this.#setup;
    return [
      ...(smallDisk && !this.#disk ? ['small disk (mounting a tmpfs is not allowed here)'] : []),
      ...(clock && !this.#clocks ? ['clock jumps (libfaketime is not installed)'] : []),
      ...(haveLogrotate ? [] : ['rotation (logrotate is not installed)']),
    ];
  }

  start(side: Side): void {
    const environment = this.#clocks?.[side].environment ?? {};
    const { pair } = this;
    const process = side === 'agent' ? pair.startAgent(environment) : pair.startReceiver(pair.port, environment);
    this.#since[side] = Date.now();
    process.ended.then(({ code, signal, err }) => {
      if (this.#clocks) sweepAfter(process.pid);
      if (this.#ending.has(process)) return;
      this.wrong.push(`${side} ended by itself with ${code ?? signal}: ${err.slice(-2000)}`);
    });
  }

  /** The process of a side while it runs. */
  processOf(side: Side): Sampled | undefined {
    const process = this.pair[side];
    if (!process?.running) return undefined;
    const answers = async () => (await askAdmin(this.dataDirOf(side), '/livez')) !== undefined;
    return { pid: process.pid, answers };
  }

  dataDirOf(side: Side): string {
    return side === 'agent' ? this.pair.agentData : this.pair.receiverData;
  }

  async do(step: Step): Promise<void> {
    for (const side of sides) if (!this.pair[side]?.running) this.start(side);
    switch (step.kind) {
      case 'kill':
      case 'restart':
        return this.#end(step);
      case 'freeze':
        return this.#during(`freeze ${step.victim}`, () => this.#freeze(step.victim, step.ms));
      case 'network':
        return this.#during('network', () => this.#trouble(step));
      case 'rotate':
        return this.#rotate(step.wait);
      case 'fill':
        return this.#during('disk', () => this.#fill(step.ms));
      case 'clock':
        return this.#jump(step.victim, step.byMs);
      case 'wait':
        return sleep(step.ms);
      default:
        step satisfies never;
    }
  }

  /** Everything that lasts has ended, and both run. */
  async calm(): Promise<void> {
    await Promise.all(this.#lasting.values());
    for (const side of sides) if (!this.pair[side]?.running) this.start(side);
  }

  /** Ends both with SIGTERM, as an init system does. */
  async stop(): Promise<void> {
    for (const side of sides) await this.#endOne(side, 'restart');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#lasting.values());
    for (const side of sides) await this.pair[side]?.[Symbol.asyncDispose]();
    await this.#network[Symbol.asyncDispose]();
    this.#disk?.unmount(this.pair.kept ? join(this.pair.folder, 'disk-copy') : undefined);
    await this.pair[Symbol.asyncDispose]();
  }

  async #end({ kind, victim, answering, afterMs, downMs }: Ending): Promise<void> {
    const victims = victimsOf(victim);
    if (answering) await Promise.all(victims.map((side) => untilAnswers(this.dataDirOf(side))));
    await sleep(afterMs);
    if (kind === 'kill') await this.#noteKill(victims);
    else this.#count(`restart ${victim}`);
    await Promise.all(victims.map((side) => this.#endOne(side, kind)));
    await sleep(downMs);
    for (const side of victims.toReversed()) this.start(side);
  }

  async #noteKill(victims: readonly Side[]): Promise<void> {
    this.#count(`kill ${victims.length > 1 ? 'both' : victims[0]}`);
    this.linesBetween.push(this.load.lines - this.#linesAtKill);
    this.#linesAtKill = this.load.lines;
    const listening = await Promise.all(victims.map((side) => listens(join(this.dataDirOf(side), 'admin.sock'))));
    if (listening.includes(false)) this.#count('(of these while it started or recovered)');
  }

  async #endOne(side: Side, kind: Ending['kind']): Promise<void> {
    const process = this.pair[side];
    if (!process?.running) return;
    this.#ending.add(process);
    if (kind === 'kill') return void (await process.end('SIGKILL'));
    const start = Date.now();
    const age = start - this.#since[side];
    // A stopped process ends when it goes on.
    process.signal('SIGCONT');
    const { code, signal, err } = await process.end('SIGTERM');
    const ms = Date.now() - start;
    if (signal === 'SIGTERM' && age < deafMsMax) this.#count('(SIGTERM before it listened to signals)');
    else if (code !== 0) this.wrong.push(`${side}, ${age} ms old, ended with ${code ?? signal} after SIGTERM: ${err}`);
    if (ms > endMsMax) this.wrong.push(`${side}, ${age} ms old, took ${ms} ms to end after SIGTERM: ${err}`);
  }

  /** One of a kind at a time: what comes while the last still lasts is left out. */
  async #during(what: string, work: () => Promise<void>): Promise<void> {
    if (this.#lasting.has(what)) return;
    const lasting = work()
      .catch((error: Error) => void this.wrong.push(`${what}: ${error.message}`))
      .finally(() => this.#lasting.delete(what));
    this.#lasting.set(what, lasting);
  }

  async #freeze(side: Side, ms: number): Promise<void> {
    const process = this.pair[side]!;
    this.#count(`freeze ${side} ${ms > this.#setup.timeoutMs ? 'longer than the time-outs' : 'for a moment'}`);
    process.signal('SIGSTOP');
    await sleep(ms);
    process.signal('SIGCONT');
  }

  async #trouble({ trouble, ms, bytes }: Extract<Step, { kind: 'network' }>): Promise<void> {
    this.#count(`network ${trouble}`);
    await this.#network.suffer(trouble, bytes);
    await sleep(ms);
    await this.#network.suffer(undefined);
  }

  async #rotate(wait: boolean): Promise<void> {
    if (!haveLogrotate || this.rotator) return;
    await this.#during('rotation', async () => {
      this.#count('rotation');
      await this.load.paused(() => rotate(this.pair.folder, this.pair.logs, this.#style));
    });
    if (wait) await this.#lasting.get('rotation');
  }

  async #fill(ms: number): Promise<void> {
    if (!this.#disk) return;
    this.#count('disk filled and freed');
    for (const end = Date.now() + ms; Date.now() < end; await sleep(50)) this.#disk.fill();
    this.#disk.free();
  }

  #jump(side: Side, byMs: number): void {
    if (!this.#clocks) return;
    this.#count(`clock ${byMs > 0 ? 'forward' : 'back'}`);
    this.#clocks[side].jump(byMs);
  }

  #count(what: string): void {
    this.done.set(what, (this.done.get(what) ?? 0) + 1);
  }
}

function pairOptions(setup: Setup, proxyPort: number): Parameters<typeof Pair.make>[0] {
  const { timeoutMs, smallDisk, smallSegments, keepsAll } = setup;
  const segments = smallSegments ? ['segment_size: 256KiB'] : [];
  // Where the disk is small it is the disk that ends first.
  const size = (side: Side) => (smallDisk === side ? ['max_size: 1GiB', 'min_free: 0'] : ['max_size: 16GiB']);
  return {
    url: `http://127.0.0.1:${proxyPort}/v1/blocks`,
    shipper: [`progress_timeout: ${timeoutMs}ms`, `connect_timeout: ${timeoutMs}ms`, 'retry_max: 1s'],
    spool: [...segments, ...size('agent'), ...(keepsAll ? ['retain_acked: 8GiB'] : [])],
    receiver: { collector: [`idle_timeout: ${timeoutMs}ms`], spool: [...segments, ...size('receiver')] },
    ...(smallDisk === 'agent' ? { agentData: 'disk/agent' } : {}),
    ...(smallDisk === 'receiver' ? { receiverData: 'disk/receiver' } : {}),
    logsKept: true,
  };
}

function clocksIn(folder: string): Record<Side, JumpingClock> {
  return {
    agent: new JumpingClock(join(folder, 'agent.clock')),
    receiver: new JumpingClock(join(folder, 'receiver.clock')),
  };
}

function victimsOf(victim: Victim): readonly Side[] {
  return victim === 'both' ? sides : [victim];
}

/** Whether somebody listens there; a frozen process does. */
function listens(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    if (!fs.existsSync(socketPath)) return resolve(false);
    const socket = connect(socketPath);
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}
