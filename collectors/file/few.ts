/** Lets so much work go on at a time, and what comes beyond it wait its turn: what each needs of memory and descriptors adds up. */
export class Few {
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(max: number) {
    this.#max = max;
  }

  async run(work: () => Promise<void>): Promise<void> {
    if (this.#running < this.#max) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve)); // whoever ends hands its place over
    try {
      await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}
