/** The memory of all bodies, of which no client address gets more than its share: one that sends slowly and much leaves room for others. */
import type { Budget } from '../blocks/budget.ts';

/** What a body is charged to. */
export interface Allowance {
  take(bytes: number): boolean;
  give(bytes: number): void;
}

export class Shares {
  readonly #budget: Budget;
  readonly #clientBytesMax: number;
  /** Of clients that have something in memory: no more than there are connections. */
  readonly #used = new Map<string, number>();

  constructor(budget: Budget, clientBytesMax: number) {
    this.#budget = budget;
    this.#clientBytesMax = clientBytesMax;
  }

  get clients(): number {
    return this.#used.size;
  }

  of(client: string): Allowance {
    return {
      take: (bytes) => {
        const used = (this.#used.get(client) ?? 0) + bytes;
        if (used > this.#clientBytesMax || !this.#budget.take(bytes)) return false;
        this.#set(client, used);
        return true;
      },
      give: (bytes) => {
        this.#budget.give(bytes);
        this.#set(client, (this.#used.get(client) ?? 0) - bytes);
      },
    };
  }

  #set(client: string, used: number): void {
    if (used > 0) this.#used.set(client, used);
    else this.#used.delete(client);
  }
}
