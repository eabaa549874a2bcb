/** Connections to the endpoint: as many as there are requests on their way, each used again. */
import type { Lane } from './lane.ts';

export class Lanes {
  readonly #open: () => Lane;
  readonly #all: Lane[] = [];
  readonly #idle: Lane[] = [];

  constructor(open: () => Lane) {
    this.#open = open;
  }

  /** Sends by an idle one, or by a new one. */
  async send(...request: Parameters<Lane['send']>): ReturnType<Lane['send']> {
    const lane = this.#idle.pop() ?? this.#another();
    const verdict = await lane.send(...request);
    this.#idle.push(lane);
    return verdict;
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((lane) => lane.close()));
  }

  #another(): Lane {
    const lane = this.#open();
    this.#all.push(lane);
    return lane;
  }
}
