/**
 * The idempotency keys of requests that were taken, kept in the spool itself: each stands in the same block as its request's
 * records, so a crash keeps both or neither. A key is known until `keysMax` newer ones came (and up to two shards more), or until it is
 * `keysMs` old, whichever is first.
 *
 * They stand as digests with their times in the states of a ring of sources without records. A request writes only the newest of these
 * (some 500 bytes on average); when all are full the oldest begins anew, and one whose keys are all too old is given up. Which is newer is told
 * by the cursors, which count keys.
 *
 * Age is measured by the monotonic clock while the process runs. Over a restart the host's clock says it, with doubts in favour of
 * knowing: what seems to come from the future was taken now, and no key is older than one that came before it.
 */
import type { Attributes, Intake, SourceNumber } from '../../spool/nouns.ts';
import type { Clock, MonotonicMs, Timer } from '../../spool/ports.ts';
import { decodeKeys, digestOf, encodeKeys } from './keys-state.ts';

const keysPerShard = 64;
/** Tells these sources from those with records. */
export const keysAttribute = 'tailspool.keeps';
const noMark = new Uint8Array(0);

interface Key {
  readonly digest: string;
  /** Unix seconds, for the state. */
  readonly taken: number;
  readonly since: MonotonicMs;
}

interface Shard {
  readonly source: SourceNumber;
  readonly keys: Key[];
  /** So many of the first are forgotten. */
  gone: number;
}

export interface KeysOptions {
  readonly collector: string;
  readonly type: string;
  /** As that of the records: a mirror asks each source whose it is. */
  readonly resource: Attributes;
  readonly keysMax: number;
  /** How long a key is known; undefined: however old it is. */
  readonly keysMs: number | undefined;
}

export class Keys {
  readonly #options: KeysOptions;
  readonly #intake: Intake;
  readonly #clock: Clock;
  readonly #shardsMax: number;
  readonly #known = new Map<string, Key>();
  /** The oldest first. */
  readonly #ring: Shard[] = [];
  #count = 0;
  #timer: Timer | undefined;

  constructor(options: KeysOptions, { intake, clock }: { readonly intake: Intake; readonly clock: Clock }) {
    this.#options = options;
    this.#intake = intake;
    this.#clock = clock;
    this.#shardsMax = Math.ceil(options.keysMax / keysPerShard) + 1;
    this.#recover();
    this.#forgetOld();
  }

  get size(): number {
    this.#forgetOld();
    return this.#known.size;
  }

  has(key: string): boolean {
    this.#forgetOld();
    return this.#known.has(digestOf(key));
  }

  /** To be called in the same turn as the commit of the request's records, right behind it. */
  remember(key: string): void {
    const time = this.#clock.now();
    const shard = this.#newest();
    this.#add(shard, { digest: digestOf(key), taken: Math.ceil(time / 1000), since: this.#clock.monotonic() });
    this.#intake.commit({
      ...{ source: shard.source, from: this.#count, to: this.#count + 1, mark: noMark },
      state: encodeKeys(shard.keys),
      ...{ format: 'text', records: 0, bytes: 0, time, continues: false, unterminated: false },
    });
    this.#count++;
    this.#wake();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #add(shard: Shard, key: Key): void {
    shard.keys.push(key);
    this.#known.set(key.digest, key);
  }

  /** The shard that takes another key. */
  #newest(): Shard {
    const newest = this.#ring.at(-1);
    if (newest && newest.keys.length < keysPerShard) return newest;
    const full = this.#ring.length >= this.#shardsMax || (this.#intake.sourcesFull && this.#ring.length > 1);
    const shard = { source: full ? this.#clear() : this.#begin(), keys: [], gone: 0 };
    this.#ring.push(shard);
    return shard;
  }

  /** Forgets the oldest keys; their source is free again. */
  #clear(): SourceNumber {
    const shard = this.#ring.shift() as Shard;
    while (shard.gone < shard.keys.length) this.#forgetFirst(shard);
    return shard.source;
  }

  /** The same key may be there again, taken later. */
  #forgetFirst(shard: Shard): void {
    const key = shard.keys[shard.gone++] as Key;
    if (this.#known.get(key.digest) === key) this.#known.delete(key.digest);
  }

  #begin(): SourceNumber {
    const { collector, type, resource } = this.#options;
    return this.#intake.begin({ collector, type, resource, attributes: { [keysAttribute]: 'idempotency keys' } });
  }

  /** Sources that hold nothing else leave the spool's table. */
  #forgetOld(): void {
    const { keysMs } = this.#options;
    if (keysMs === undefined) return;
    const until = this.#clock.monotonic() - keysMs;
    for (let shard = this.#ring[0]; shard !== undefined; shard = this.#ring[0]) {
      while (shard.gone < shard.keys.length && shard.keys[shard.gone]!.since <= until) this.#forgetFirst(shard);
      if (shard.gone < shard.keys.length) break;
      this.#intake.forget(this.#clear());
    }
    this.#wake();
  }

  /** One timer, for when the oldest source may go: an idle collector forgets too. */
  #wake(): void {
    const last = this.#ring[0]?.keys.at(-1);
    if (this.#options.keysMs === undefined || last === undefined || this.#timer !== undefined) return;
    const delayMs = Math.max(0, last.since + this.#options.keysMs - this.#clock.monotonic());
    this.#timer = this.#clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#forgetOld();
    });
  }

  #recover(): void {
    const found = [...this.#intake.sources.values()]
      .filter(({ description: { collector, attributes } }) => {
        return collector === this.#options.collector && attributes[keysAttribute] !== undefined;
      })
      .sort((one, other) => one.cursor.offset - other.cursor.offset);
    const [now, monotonic] = [this.#clock.now(), this.#clock.monotonic()];
    let since = Number.NEGATIVE_INFINITY;
    for (const { number, state, cursor } of found) {
      const shard: Shard = { source: number, keys: [], gone: 0 };
      for (const { digest, taken = Math.ceil(now / 1000) } of decodeKeys(state)) {
        since = Math.max(since, monotonic - Math.max(0, now - taken * 1000));
        this.#add(shard, { digest, taken, since });
      }
      this.#ring.push(shard);
      this.#count = cursor.offset;
    }
    while (this.#ring.length > this.#shardsMax) this.#intake.forget(this.#clear());
  }
}
