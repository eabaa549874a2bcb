/**
 * Takes what is sent by HTTP: lines, NDJSON, JSON. A request is answered 200 when all its records are durable, and each request is
 * one piece of one block: a crash keeps all of it or nothing. Under an `Idempotency-Key` it is taken once, whatever crashes
 * and however often it is sent: the key stands in the block with the records.
 */
import type { Attributes, Intake } from '../../spool/nouns.ts';
import type { Collector, CollectorStatus, WireRequest, WireResponse } from '../ports.ts';
import { Deposit } from '../shared/deposit.ts';
import type { Content } from '../web/content.ts';
import { Door, type DoorOptions, type DoorWorld, type Owner } from '../web/door.ts';
import { Refusal } from '../web/refusal.ts';
import { Storing } from '../web/storing.ts';
import { Keys } from './keys.ts';
import { type BodyFormat, formatOf, type Meaning, type Records, recordsOf } from './records.ts';

export interface HttpOptions extends DoorOptions {
  /** `auto`: as the content type says. */
  readonly format: BodyFormat | 'auto';
  readonly meaning: Meaning;
  /** An idempotency key is known until so many newer ones came, or until it is so old. */
  readonly keysMax: number;
  readonly keysMs: number;
  readonly attributes: Attributes;
  readonly resource: Attributes;
}

export interface HttpWorld extends DoorWorld {
  readonly intake: Intake;
}

const keyBytesMax = 255;

export class HttpCollector implements Collector, Owner {
  readonly type = 'http';
  readonly name: string;
  readonly #options: HttpOptions;
  readonly #door: Door;
  readonly #deposit: Deposit;
  readonly #keys: Keys;
  readonly #storing: Storing;
  #repeated = 0;

  constructor(options: HttpOptions, world: HttpWorld) {
    const { name, attributes, resource, keysMax, keysMs } = options;
    this.name = name;
    this.#options = options;
    this.#door = new Door(options, world, this);
    this.#deposit = new Deposit({ collector: name, type: this.type, resource, attributes, format: 'text' }, world);
    this.#keys = new Keys({ collector: name, type: this.type, resource, keysMax, keysMs }, world);
    this.#storing = new Storing(world);
  }

  /** Host and port as bound; undefined while it is not. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    return this.#door.address;
  }

  start(): Promise<void> {
    return this.#door.start();
  }

  async stop(): Promise<void> {
    await this.#door.stop();
    this.#keys.stop();
    this.#deposit.close();
  }

  status(): CollectorStatus {
    return {
      name: this.name,
      type: this.type,
      read: this.#deposit.read,
      problems: this.#door.problems,
      sources: [],
      gauges: { ...this.#door.gauges, idempotency_keys: this.#keys.size, repeated_requests: this.#repeated },
    };
  }

  /** One request, whatever it is. Never throws. */
  handle(request: WireRequest): Promise<WireResponse> {
    return this.#door.handle(request);
  }

  look({ headers }: WireRequest): void {
    this.#formatOf(headers['content-type']);
    const key = headers['idempotency-key'];
    if (key !== undefined && (key === '' || Buffer.byteLength(key) > keyBytesMax))
      throw new Refusal('bad_request', `An Idempotency-Key has 1 to ${keyBytesMax} bytes.`);
  }

  async take(content: Content, { headers, signal }: WireRequest): Promise<WireResponse> {
    const records = recordsOf(content, this.#formatOf(headers['content-type']), this.#options.meaning);
    const taken = records.count === 0 || (await this.#store(records, headers['idempotency-key'], signal));
    if (!taken) this.#repeated++;
    if (records.count > 0) await this.#storing.durable();
    return answer(taken ? { records: records.count } : { records: records.count, repeated: true });
  }

  /**
   * False where the key is known: its records are in the spool already. Looking, putting and remembering happen in one turn, so
   * of two requests with one key, however they come, one is taken; the other one's answer waits until that is durable.
   */
  #store(records: Records, key: string | undefined, signal: AbortSignal): Promise<boolean> {
    return this.#storing.put(() => {
      if (key !== undefined && this.#keys.has(key)) return false;
      if (!this.#deposit.putWhole(records.bytes, records.count, records.format)) return undefined;
      if (key !== undefined) this.#keys.remember(key);
      return true;
    }, signal);
  }

  #formatOf(contentType: string | undefined): BodyFormat {
    const { format } = this.#options;
    const found = format === 'auto' ? formatOf(contentType) : format;
    if (found === undefined)
      throw new Refusal('unsupported', 'The content-type is none of text/*, application/x-ndjson, application/json.');
    return found;
  }
}

function answer(body: object): WireResponse {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(body)}\n` };
}
