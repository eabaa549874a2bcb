/** Counts of frames that did not come whole; the records themselves say it too. */
import type { Flaws } from '../shared/framing/frame.ts';

export class FlawCounts {
  /** Connections whose framing broke. */
  broken = 0;
  #fragments = 0;
  #incomplete = 0;
  #malformed = 0;
  #truncated = 0;
  #split = 0;

  saw(flaws: Flaws | undefined): void {
    if (flaws === undefined) return;
    if (flaws.fragment !== undefined) this.#fragments++;
    if (flaws.incomplete) this.#incomplete++;
    if (flaws.malformed) this.#malformed++;
    if (flaws.truncated) this.#truncated++;
    if (flaws.split) this.#split++;
  }

  gauges(): Record<string, number> {
    return {
      framing_errors: this.broken,
      fragments: this.#fragments,
      incomplete_records: this.#incomplete,
      malformed_records: this.#malformed,
      truncated_records: this.#truncated,
      split_groups: this.#split,
    };
  }
}
