/**
 * Answers that leave when what they are about is durable: all that wait go out together after one flush, in order; what is added
 * meanwhile, in the next round.
 */
export class Acknowledging<T> {
  readonly #flush: () => Promise<void>;
  readonly #send: (answers: readonly T[]) => boolean;
  #waiting: T[] = [];
  #isRunning = false;
  #running: Promise<void> | undefined;

  /** `flush`: resolves when everything put so far is durable, rejects when the spool closes. `send`: false where nobody hears it. */
  constructor(flush: () => Promise<void>, send: (answers: readonly T[]) => boolean) {
    this.#flush = flush;
    this.#send = send;
  }

  /** Put, and not answered yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** To be called after what it is about was put. */
  add(answers: readonly T[]): void {
    this.#waiting.push(...answers);
    if (!this.#isRunning && this.#waiting.length > 0) this.#running = this.#run();
  }

  /** Resolves when nothing waits, or nobody hears it. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0 && (await this.#round()));
    // At once: what is added behind the last round begins another.
    this.#isRunning = false;
  }

  async #round(): Promise<boolean> {
    const count = this.#waiting.length;
    try {
      await this.#flush();
    } catch {
      // The spool closes: nobody is told what did not become durable.
      return false;
    }
    if (!this.#send(this.#waiting.slice(0, count))) return false;
    this.#waiting = this.#waiting.slice(count);
    return true;
  }
}
