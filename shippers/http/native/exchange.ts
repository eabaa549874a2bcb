/**
 * One question or one batch to the receiver, and what came of it: puts words and secrets on the request, and hands every
 * answer and every error to the pure decisions. Never throws.
 */
import { crc32 } from 'node:zlib';
import type { Outlet } from '../../../spool/nouns.ts';
import { type Batch, encodeBatch, encodeKey, wireLimits } from '../../../spool/wire.ts';
import type { Authorization, TransportAnswer } from '../../ports.ts';
import { sendAuthorized } from '../shared/authorized.ts';
import type { Route } from '../shared/route.ts';
import { decideError, type Failure } from '../shared/trouble.ts';
import type { Outgoing } from './batch.ts';
import type { Told, Verdict } from './decide.ts';
import { decide, decideTold } from './decide.ts';
import type { Place } from './place.ts';

export interface ExchangeOptions {
  readonly stream: string;
  readonly progressTimeoutMs: number;
}

export interface ExchangeWorld {
  readonly outlet: Outlet;
  readonly route: Route;
  readonly signal: AbortSignal;
  readonly authorization: Authorization | undefined;
}

/** Stands for an attempt that we ended ourselves. */
export const stopped: Extract<Failure, { kind: 'later' }> = {
  kind: 'later',
  outcome: 'stopped',
  trouble: { cause: 'stopped', message: 'The shipper was stopped.' },
  smaller: false,
};

export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #world: ExchangeWorld;

  constructor(options: ExchangeOptions, world: ExchangeWorld) {
    this.#options = options;
    this.#world = world;
  }

  /** What does the receiver hold? */
  async ask(): Promise<Told> {
    const { outlet, signal } = this.#world;
    try {
      const headers = encodeKey({ spool: outlet.spool, stream: this.#options.stream });
      return decideTold(await this.#transmit('GET', headers, undefined));
    } catch (error) {
      return signal.aborted ? stopped : decideError(error, false);
    }
  }

  /** `describe`: with descriptions of the sources in front. `attempted` hears how many bytes go out. */
  async send(sent: Outgoing, place: Place, describe: boolean, attempted: (bytes: number) => void): Promise<Verdict> {
    const { outlet, signal } = this.#world;
    const descriptions = describe ? this.#descriptions() : new Uint8Array();
    const headers = encodeBatch({ ...sent.batch, ...ofDescriptions(descriptions) });
    const body = descriptions.length > 0 ? Buffer.concat([descriptions, sent.blocks]) : sent.blocks;
    attempted(body.length);
    let got: TransportAnswer;
    try {
      got = await this.#transmit('POST', headers, body);
    } catch (error) {
      return signal.aborted ? stopped : decideError(error, sent.blocksCount > 1);
    }
    return decide(got, sent, place, outlet);
  }

  /** Too many of them stay here: losing descriptions loses no record. */
  #descriptions(): Uint8Array {
    const all = this.#world.outlet.describe();
    return all.length <= wireLimits.descriptionsBytesMax ? all : new Uint8Array();
  }

  async #transmit(
    method: string,
    words: Record<string, string>,
    body: Uint8Array | undefined,
  ): Promise<TransportAnswer> {
    const headers: Record<string, string> = { ...words, accept: 'application/json' };
    if (body) headers['content-type'] = 'application/zstd';
    const { progressTimeoutMs } = this.#options;
    const { route, signal, authorization } = this.#world;
    const { answerBytesMax } = wireLimits;
    const request = { method, headers, body, progressTimeoutMs, answerBytesMax, signal };
    return sendAuthorized(route, request, authorization);
  }
}

function ofDescriptions(bytes: Uint8Array): Pick<Batch, 'descriptionsBytes' | 'descriptionsCrc'> {
  return { descriptionsBytes: bytes.length, descriptionsCrc: bytes.length === 0 ? 0 : crc32(bytes) };
}
