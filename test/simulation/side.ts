/**
 * One machine with its agent over all its lives: started, stopped, crashed before a change, restored from a snapshot, and
 * started again.
 */
import { type Agent, startAgent } from '../../agent/agent.ts';
import { parseConfiguration } from '../../agent/config/load.ts';
import type { Configuration } from '../../agent/config/types.ts';
import type { LogEntry } from '../../spool/ports.ts';
import type { Network } from '../wire/network.ts';
import type { SimulatedClock } from './clock.ts';
import { SimulatedDisk } from './disk.ts';
import { Crash } from './errors.ts';
import type { Operation } from './faults.ts';
import { type Machine, makeMachine } from './host.ts';
import type { SeededRandom } from './random.ts';

const firstWordsMs = 3000;

export class Side {
  readonly name: string;
  disk: SimulatedDisk;
  agent: Agent | undefined;
  readonly counts = { starts: 0, powerCuts: 0, kills: 0, stops: 0, restores: 0 };
  readonly log: LogEntry[] = [];
  /** How often each event was logged, over all lives: `event subject`, and `event` alone. */
  readonly events = new Map<string, number>();
  onLog: (entry: LogEntry) => void = () => {};
  /** Before each operation of whatever disk it has. */
  onOperation: (operation: Operation) => void = () => {};
  /** The disk is another one now, with what a power cut left. */
  onPowerBack: () => void = () => {};
  /** After each power cut the next one comes before this change. */
  crashAfterReopen: number[] = [];
  /** When the power went it had been stopped, or had just been started again: its disk may still say that it was stopped. */
  wasStopped = false;
  #stopped = false;
  #startedMs = 0;
  readonly #configuration: Configuration;
  readonly #clock: SimulatedClock;
  readonly #network: Network;
  readonly #random: SeededRandom;
  #machine: Machine | undefined;
  #snapshot: SimulatedDisk | undefined;
  #boots = 0;

  constructor(name: string, yaml: string, clock: SimulatedClock, network: Network, random: SeededRandom) {
    this.name = name;
    this.disk = new SimulatedDisk({ clock });
    this.#configuration = parsed(yaml);
    this.#clock = clock;
    this.#network = network;
    this.#random = random;
  }

  /** Starts it if it does not run; a crash on the way is an ordinary end. */
  async start(): Promise<void> {
    if (this.agent !== undefined && !this.disk.crashed) return;
    if (this.disk.crashed) this.reopen();
    const { disk } = this;
    const machine = makeMachine({
      name: this.name,
      disk,
      clock: this.#clock,
      network: this.#network,
      random: this.#random.fork(),
      bootId: `boot ${this.#boots}`,
      // What it says about its own death is nobody's business.
      onLog: (entry) => (disk.crashed ? undefined : this.#count(entry)),
    });
    this.#machine = machine;
    this.disk.onOperation = (operation) => this.onOperation(operation);
    this.counts.starts++;
    this.#startedMs = this.#clock.monotonic();
    const starting = startAgent(this.#configuration, machine.host);
    starting.catch(() => undefined);
    // A start that crashes may never settle: its timers are dead.
    for (let waitedMs = 0; waitedMs < 120_000 && !this.disk.crashed; waitedMs += 100) {
      const started = await Promise.race([starting.catch(asCrash), this.#clock.advance(100).then(() => undefined)]);
      if (started === undefined) continue;
      if (started === 'crashed') return;
      if (started.kind !== 'running') throw new Error(`${this.name} does not start: ${started.kind}`);
      this.agent = started.agent;
      return;
    }
    if (!this.disk.crashed) throw new Error(`${this.name} has not started within two minutes`);
  }

  /** For peers of its listening sockets; undefined while it does not run. */
  get sockets(): Machine['sockets'] | undefined {
    return this.agent === undefined || this.disk.crashed ? undefined : this.#machine?.sockets;
  }

  /** In good order. */
  async stop(): Promise<void> {
    if (this.agent === undefined || this.disk.crashed) return;
    this.counts.stops++;
    const stopping = this.agent.stop().then(
      () => 'stopped',
      () => 'failed',
    );
    for (let waitedMs = 0; waitedMs < 10_000 && !this.disk.crashed; waitedMs += 100) {
      if ((await Promise.race([stopping, this.#clock.advance(100)])) === 'stopped') break;
    }
    this.#stopped = true;
    if (!this.disk.crashed) this.#exit();
    this.agent = undefined;
    this.#keepLog();
  }

  /** What could not be waited for ends with its process. */
  #exit(): void {
    this.disk = this.disk.reopenAfterExit();
    this.#machine?.bury();
  }

  kill(): void {
    if (this.disk.crashed) return;
    this.#stopped &&= this.#isFresh;
    this.disk.crashNow();
    this.counts.kills++;
    this.#end();
    this.disk = this.disk.reopenAfterKill();
  }

  /** After a crash: the disk as the power cut left it. */
  reopen(): void {
    this.counts.powerCuts++;
    this.#boots++;
    this.#stopped &&= this.#isFresh;
    this.wasStopped = this.#stopped;
    this.#end();
    this.disk = this.disk.reopenAfterCrash(this.#random.uint32());
    this.disk.crashBefore(this.crashAfterReopen.shift() ?? Number.POSITIVE_INFINITY);
    this.onPowerBack();
  }

  /** It does not run, or has run for less than it may take until its first words are durable. */
  get #isFresh(): boolean {
    return this.agent === undefined || this.#clock.monotonic() - this.#startedMs < firstWordsMs;
  }

  /** A copy of the disk as a power cut now would leave it. Kept until the next one. */
  takeSnapshot(): void {
    this.#snapshot = this.disk.afterPowerCut(this.#random.uint32());
  }

  /** The folder is again what it was when the snapshot was taken; false where there is none. */
  restore(folder: string): boolean {
    if (this.#snapshot === undefined || this.disk.crashed) return false;
    this.counts.restores++;
    this.disk.crashNow();
    this.#end();
    this.disk = this.disk.reopenWith(folder, this.#snapshot);
    return true;
  }

  #count(entry: LogEntry): void {
    this.onLog(entry);
    const { event, subject, severity } = entry;
    for (const key of subject === undefined
      ? [event]
      : [event, `${event} ${subject}`, `${severity} ${event} ${subject}`])
      this.events.set(key, (this.events.get(key) ?? 0) + 1);
  }

  #end(): void {
    this.#machine?.bury();
    this.agent = undefined;
    this.#keepLog();
  }

  #keepLog(): void {
    this.log.push(...(this.#machine?.log ?? []));
    this.log.splice(0, Math.max(0, this.log.length - 200));
    this.#machine = undefined;
  }

  /** What it said last, for the message of a failed run. */
  said(): string {
    const entries = [...this.log, ...(this.#machine?.log ?? [])].slice(-15);
    return entries.map((entry) => `${this.name}: ${entry.severity} ${entry.event} ${entry.message}`).join('\n');
  }
}

function parsed(yaml: string): Configuration {
  const loaded = parseConfiguration([{ file: 'simulated.yaml', text: yaml }], {});
  if (loaded.kind === 'ok') return loaded.configuration;
  throw new Error(loaded.problems.map((problem) => problem.message).join('\n'));
}

function asCrash(error: unknown): 'crashed' {
  if (error instanceof Crash) return 'crashed';
  throw error;
}
