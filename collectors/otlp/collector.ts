/**
 * Takes logs by OTLP/HTTP (`POST /v1/logs`), protobuf or JSON, and answers when they are durable. A request is read whole before
 * any of it is put, so a malformed one leaves nothing. OTLP has no keys: a client that did not hear the answer sends again.
 */
import type { Attributes, Intake } from '../../spool/nouns.ts';
import { limits } from '../../spool/nouns.ts';
import type { Collector, CollectorStatus, WireRequest, WireResponse } from '../ports.ts';
import { Deposit } from '../shared/deposit.ts';
import type { Content } from '../web/content.ts';
import { Door, type DoorOptions, type DoorWorld, type Owner } from '../web/door.ts';
import { Refusal } from '../web/refusal.ts';
import { Storing } from '../web/storing.ts';
import { accepted, type Encoding, encodingOf, refused } from './answers.ts';
import { eventsOfJson } from './json.ts';
import { eventsOfProtobuf } from './protobuf.ts';
import { Malformed } from './wire.ts';

export interface OtlpOptions extends DoorOptions {
  readonly attributes: Attributes;
  readonly resource: Attributes;
}

export interface OtlpWorld extends DoorWorld {
  readonly intake: Intake;
}

/** What goes into one block; a request of ordinary size goes into one. */
const pieceBytesMax = limits.maxLineBytesMax;
const pieceBytesStart = 64 * 1024;

interface Piece {
  readonly bytes: Uint8Array;
  readonly records: number;
}

export class OtlpCollector implements Collector, Owner {
  readonly type = 'otlp';
  readonly name: string;
  readonly #door: Door;
  readonly #deposit: Deposit;
  readonly #storing: Storing;
  #rejected = 0;

  constructor(options: OtlpOptions, world: OtlpWorld) {
    const { name, attributes, resource } = options;
    this.name = name;
    this.#door = new Door(options, world, this);
    this.#deposit = new Deposit({ collector: name, type: this.type, resource, attributes, format: 'json' }, world);
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
    this.#deposit.close();
  }

  status(): CollectorStatus {
    const gauges = { ...this.#door.gauges, rejected_records: this.#rejected };
    const { name, type } = this;
    return { name, type, read: this.#deposit.read, problems: this.#door.problems, sources: [], gauges };
  }

  /** One request, whatever it is. Never throws. */
  handle(request: WireRequest): Promise<WireResponse> {
    return this.#door.handle(request);
  }

  look(request: WireRequest): void {
    if (encodingOf(request.headers['content-type']) === undefined)
      throw new Refusal('unsupported', 'The content-type is neither application/x-protobuf nor application/json.');
  }

  async take(content: Content, request: WireRequest): Promise<WireResponse> {
    const encoding = encodingOf(request.headers['content-type']) as Encoding;
    const { pieces, rejected } = gather(content, encoding);
    for (const { bytes, records } of pieces)
      await this.#storing.put(() => this.#deposit.putWhole(bytes, records, 'json') || undefined, request.signal);
    if (pieces.length > 0) await this.#storing.durable();
    this.#rejected += rejected;
    const why = rejected === 0 ? '' : `a record may have at most ${pieceBytesMax} bytes as JSON`;
    return accepted(encoding, rejected, why);
  }

  refuse(refusal: Refusal, request: WireRequest): WireResponse {
    return refused(encodingOf(request.headers['content-type']) ?? 'json', refusal);
  }
}

/** All events of a request. Throws a `Refusal` where it is none. */
function gather(
  content: Content,
  encoding: Encoding,
): { readonly pieces: readonly Piece[]; readonly rejected: number } {
  const pieces: Piece[] = [];
  let open = new Open(content);
  let rejected = 0;
  try {
    const events = encoding === 'protobuf' ? eventsOfProtobuf(content.bytes) : eventsOfJson(content.bytes);
    for (const event of events) {
      if (open.add(event)) continue;
      if (open.records > 0) pieces.push(open);
      open = new Open(content);
      if (!open.add(event)) rejected++;
    }
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new Refusal('bad_request', `This is no ExportLogsServiceRequest: ${error.message}.`);
  }
  return { pieces: open.records > 0 ? [...pieces, open] : pieces, rejected };
}

/** A piece that is being filled. Its memory counts as the request's. */
class Open implements Piece {
  readonly #content: Content;
  #memory = Buffer.alloc(0);
  #length = 0;
  records = 0;

  constructor(content: Content) {
    this.#content = content;
  }

  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.#length);
  }

  /** False where it has no room for it any more. */
  add(event: string): boolean {
    const length = Buffer.byteLength(event) + 1;
    if (this.#length + length > pieceBytesMax) return false;
    this.#grow(this.#length + length);
    this.#length += this.#memory.write(event, this.#length);
    this.#memory[this.#length++] = 0x0a;
    this.records++;
    return true;
  }

  #grow(needed: number): void {
    const old = this.#memory.length;
    if (needed <= old) return;
    const bytes = Math.min(Math.max(needed, 2 * old, pieceBytesStart), Math.max(needed, pieceBytesMax));
    this.#content.charge(bytes - old);
    const memory = Buffer.allocUnsafeSlow(bytes);
    this.#memory.copy(memory, 0, 0, this.#length);
    this.#memory = memory;
  }
}
