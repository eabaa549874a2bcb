/**
 * The idempotency keys of requests that were taken, kept in the spool itself: each stands in the same block as its request's
 * records, so a crash keeps both or neither. The newest `keysMax` (and up to two shards more) are known, however old they are.
 *
 * They stand as digests in the states of a ring of sources without records. A request writes only the newest of these (some
 * 400 bytes on average), and when all are full, the oldest begins anew. Which is newer is told by the cursors, which count keys.
 */
import { createHash } from 'node:crypto';
import type { Attributes, Intake, SourceNumber } from '../../spool/nouns.ts';
import type { Clock } from '../../spool/ports.ts';

/** 96 bits: nobody finds another request's by chance. */
const digestBytes = 12;
const keysPerShard = 64;
/** Tells these sources from those with records. */
export const keysAttribute = 'tailspool.keeps';
const noMark = new Uint8Array(0);

interface Shard {
  readonly source: SourceNumber;
  readonly digests: string[];
}

export interface KeysOptions {
  readonly collector: string;
  readonly type: string;
  /** As that of the records: a mirror asks each source whose it is. */
  readonly resource: Attributes;
  readonly keysMax: number;
}

export class Keys {
  readonly #options: KeysOptions;
  readonly #intake: Intake;
  readonly #clock: Clock;
  readonly #shardsMax: number;
  readonly #known = new Set<string>();
  /** The oldest first. */
  readonly #ring: Shard[] = [];
  #count = 0;

  constructor(options: KeysOptions, { intake, clock }: { readonly intake: Intake; readonly clock: Clock }) {
    this.#options = options;
    this.#intake = intake;
    this.#clock = clock;
    this.#shardsMax = Math.ceil(options.keysMax / keysPerShard) + 1;
    this.#recover();
  }

  get size(): number {
    return this.#known.size;
  }

  has(key: string): boolean {
    return this.#known.has(digestOf(key));
  }

  /** To be called in the same turn as the commit of the request's records, right behind it. */
  remember(key: string): void {
    const digest = digestOf(key);
    const shard = this.#newest();
    shard.digests.push(digest);
    this.#known.add(digest);
    this.#intake.commit({
      ...{ source: shard.source, from: this.#count, to: this.#count + 1, mark: noMark },
      state: Buffer.from(shard.digests.join(''), 'latin1'),
      ...{ format: 'text', records: 0, bytes: 0, time: this.#clock.now(), continues: false, unterminated: false },
    });
    this.#count++;
  }

  /** The shard that takes another key. */
  #newest(): Shard {
    const newest = this.#ring.at(-1);
    if (newest && newest.digests.length < keysPerShard) return newest;
    const full = this.#ring.length >= this.#shardsMax || (this.#intake.sourcesFull && this.#ring.length > 1);
    const shard = { source: full ? this.#clear() : this.#begin(), digests: [] };
    this.#ring.push(shard);
    return shard;
  }

  /** Forgets the oldest keys; their source is free again. */
  #clear(): SourceNumber {
    const { source, digests } = this.#ring.shift() as Shard;
    for (const digest of digests) this.#known.delete(digest);
    return source;
  }

  #begin(): SourceNumber {
    const { collector, type, resource } = this.#options;
    return this.#intake.begin({ collector, type, resource, attributes: { [keysAttribute]: 'idempotency keys' } });
  }

  #recover(): void {
    const found = [...this.#intake.sources.values()]
      .filter(({ description: { collector, attributes } }) => {
        return collector === this.#options.collector && attributes[keysAttribute] !== undefined;
      })
      .sort((one, other) => one.cursor.offset - other.cursor.offset);
    for (const { number, state, cursor } of found) {
      this.#ring.push({ source: number, digests: digestsOf(state) });
      this.#count = cursor.offset;
    }
    for (const { digests } of this.#ring) for (const digest of digests) this.#known.add(digest);
    while (this.#ring.length > this.#shardsMax) this.#intake.forget(this.#clear());
  }
}

function digestOf(key: string): string {
  return createHash('sha256').update(key).digest().toString('latin1', 0, digestBytes);
}

function digestsOf(state: Uint8Array): string[] {
  const bytes = Buffer.from(state.buffer, state.byteOffset, state.length);
  const digests: string[] = [];
  for (let at = 0; at + digestBytes <= bytes.length; at += digestBytes)
    digests.push(bytes.toString('latin1', at, at + digestBytes));
  return digests;
}
