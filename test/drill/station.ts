/** One machine of a drill: a whole agent (or receiver) on a simulated disk, started, stopped and killed. */
import { type Agent, startAgent } from '../../agent/agent.ts';
import { parseConfiguration } from '../../agent/config/load.ts';
import type { Configuration } from '../../agent/config/types.ts';
import type { LogEntry } from '../../spool/ports.ts';
import type { SimulatedClock } from '../simulation/clock.ts';
import type { SimulatedDisk } from '../simulation/disk.ts';
import { type Machine, makeMachine } from '../simulation/host.ts';
import type { SeededRandom } from '../simulation/random.ts';
import type { Network } from '../wire/network.ts';

export interface StationWorld {
  readonly clock: SimulatedClock;
  readonly network: Network;
  readonly random: SeededRandom;
}

export class Station {
  readonly name: string;
  readonly disk: SimulatedDisk;
  readonly #world: StationWorld;
  readonly #configuration: Configuration;
  #machine: Machine | undefined;
  #agent: Agent | undefined;

  constructor(name: string, configuration: Configuration, disk: SimulatedDisk, world: StationWorld) {
    this.name = name;
    this.disk = disk;
    this.#configuration = configuration;
    this.#world = world;
  }

  get agent(): Agent {
    if (this.#agent === undefined) throw new Error(`${this.name} is not running`);
    return this.#agent;
  }

  get log(): readonly LogEntry[] {
    return this.#machine?.log ?? [];
  }

  /** Throws where it does not start unaided. */
  async start(): Promise<void> {
    const { clock, network, random } = this.#world;
    const { name, disk } = this;
    this.#machine = makeMachine({ name, disk, clock, network, random: random.fork(), bootId: 'boot' });
    const start = await clock.run(startAgent(this.#configuration, this.#machine.host), 120_000);
    if (start.kind !== 'running') throw new Error(`${name} does not start: ${JSON.stringify(start)}`);
    this.#agent = start.agent;
  }

  async stop(): Promise<void> {
    await this.#world.clock.run(this.agent.stop(), 20_000);
    this.#agent = undefined;
  }

  /** Everything written stays; nothing of the process does. */
  kill(): void {
    this.disk.crashNow();
    this.#machine?.bury();
    this.#agent = undefined;
  }
}

/** The configuration of a YAML text, with segments of so many bytes: smaller than a file would be allowed to say. */
export function configurationOf(yaml: string, segmentBytes: number): Configuration {
  const loaded = parseConfiguration([{ file: 'drill.yaml', text: yaml }], {});
  if (loaded.kind !== 'ok') throw new Error(loaded.problems.map((problem) => problem.message).join('\n'));
  const { configuration } = loaded;
  return { ...configuration, spool: { ...configuration.spool, segmentBytes } };
}
