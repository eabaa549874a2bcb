/**
 * One more source without a path: it says that a collector of this name ran here, in which boot of the machine, for which
 * patterns and since when, and whether it was stopped before it ended. What it says while it runs stands in two blocks, so that
 * no single damaged one makes it forgotten.
 */
import type { SourceNumber, SourceRecord } from '../../spool/nouns.ts';
import type { UnixMs } from '../../spool/ports.ts';
import type { FileCollectorOptions, FileCollectorPorts } from './options.ts';
import { typeOf } from './sources.ts';

export interface MarkerFacts {
  /** The boot in which the collector last ran. */
  readonly bootId: string;
  /** The patterns it looked for, and when it first did. */
  readonly patterns: string;
  readonly sinceMs: UnixMs;
  /** It was stopped, as it is before the machine is; without that, files may have gone back when it started again. */
  readonly stopped: boolean;
}

export class Marker {
  /** As the last run left them. */
  readonly found: MarkerFacts | undefined;
  #facts: MarkerFacts | undefined;
  /** This run has said something. */
  #written = false;
  #source: SourceNumber;
  #offset: number;
  readonly #options: FileCollectorOptions;
  readonly #ports: FileCollectorPorts;

  constructor(record: SourceRecord | undefined, options: FileCollectorOptions, ports: FileCollectorPorts) {
    this.found = record && parse(record.state);
    this.#facts = this.found;
    this.#source = record?.number ?? 0;
    this.#offset = record?.cursor.offset ?? 0;
    this.#options = options;
    this.#ports = ports;
  }

  /** Says so durably, with the next block and once more with a later one, where it is not what was said last. */
  write(facts: MarkerFacts): void {
    this.#written = true;
    if (this.#facts && JSON.stringify(facts) === JSON.stringify(this.#facts)) return;
    this.#say(facts);
    const again = () => this.#facts === facts && this.#say(facts);
    // Rejected where the spool is closed before: then this was the last word.
    this.#ports.intake.flush().then(again, () => undefined);
  }

  #say(facts: MarkerFacts): void {
    const { intake, clock } = this.#ports;
    const { name, resource } = this.#options;
    const state = JSON.stringify(facts);
    if (this.#source === 0)
      this.#source = intake.begin({ collector: name, type: typeOf(this.#options), resource, attributes: {} });
    const from = this.#offset++;
    intake.commit({
      ...{ source: this.#source, from, to: this.#offset, mark: new Uint8Array(0), state: Buffer.from(state) },
      ...{ format: 'text', records: 0, bytes: 0, time: clock.now(), continues: false, unterminated: false },
    });
    this.#facts = facts;
  }

  /** The collector stops. One that was still starting leaves what it found: there may be a power cut that it has not looked into. */
  stopped(): void {
    if (this.#facts && this.#written) this.#say({ ...this.#facts, stopped: true });
  }
}

/** undefined where it is unusable: it is written anew, as at a first start with these patterns. */
function parse(state: Uint8Array): MarkerFacts | undefined {
  try {
    const { bootId, patterns, sinceMs, stopped } = JSON.parse(Buffer.from(state).toString('utf8')) as Record<
      string,
      unknown
    >;
    if (typeof bootId !== 'string' || typeof patterns !== 'string' || typeof sinceMs !== 'number') return undefined;
    return { bootId, patterns, sinceMs, stopped: stopped === true };
  } catch {
    return undefined;
  }
}
