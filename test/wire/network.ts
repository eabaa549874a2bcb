/**
 * A network in memory: shippers on one side, a receiver's handler on the other. A `Fault` decides what happens to each
 * request; a late copy of a request may arrive after everything has restarted.
 */
import type { WireBody, WireRequest, WireResponse } from '../../collectors/ports.ts';
import type {
  Transport,
  TransportAnswer,
  TransportOptions,
  TransportRequest,
  Transports,
} from '../../shippers/ports.ts';
import type { Clock } from '../../spool/ports.ts';
import { wireHeaders } from '../../spool/wire.ts';
import { encodeAnswer } from '../../spool/wire-answer.ts';

export type Fault =
  | { readonly kind: 'none'; readonly delayMs?: number }
  /** The request never arrives. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'lost_request' }
  /** It arrives and is handled; the answer is lost. */
  | { readonly kind: 'lost_answer' }
  | { readonly kind: 'cut_body'; readonly fraction: number }
  | { readonly kind: 'cut_answer'; readonly fraction: number }
  /** A bit of the body is flipped on its way. */
  | { readonly kind: 'flip'; readonly fraction: number }
  /** Handled twice at once; the second answer counts. */
  | { readonly kind: 'twice' }
  /** Handled, and once more after `delayMs`, by whoever receives then. */
  | { readonly kind: 'late_copy'; readonly delayMs: number }
  /** Somebody else answers in the receiver's words, and claims to hold all of it. */
  | { readonly kind: 'forged' }
  /** Somebody else answers. */
  | { readonly kind: 'instead'; readonly answer: TransportAnswer };

export type Handler = (request: WireRequest) => Promise<WireResponse>;

export class Network implements Transports {
  /** undefined: nobody listens. */
  handler: Handler | undefined;
  fault: (request: TransportRequest) => Fault = () => ({ kind: 'none' });
  readonly seen: { readonly request: TransportRequest; readonly status: number | string }[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  open(_: TransportOptions): Transport {
    return { send: (request) => this.#send(request), close: async () => {} };
  }

  async #send(request: TransportRequest): Promise<TransportAnswer> {
    const copy = { ...request, body: request.body && Uint8Array.from(request.body) };
    try {
      const answer = await unlessAborted(request.signal, this.#carry(copy, this.fault(request)));
      this.#note(copy, answer.status);
      return answer;
    } catch (error) {
      this.#note(copy, (error as { code?: string }).code ?? String(error));
      throw error;
    }
  }

  #note(request: TransportRequest, status: number | string): void {
    this.seen.push({ request, status });
    if (this.seen.length > 1000) this.seen.shift();
  }

  async #carry(request: TransportRequest, fault: Fault): Promise<TransportAnswer> {
    switch (fault.kind) {
      case 'none':
        if (fault.delayMs) await this.#sleep(fault.delayMs, request.signal);
        return await this.#handle(request);
      case 'refused':
        throw failure('ECONNREFUSED');
      case 'lost_request':
        await this.#sleep(request.progressTimeoutMs, request.signal);
        throw failure('PROGRESS_TIMEOUT');
      case 'lost_answer':
        await this.#handle(request);
        throw failure('ECONNRESET');
      case 'cut_body':
        await this.#handle(request, Math.floor((request.body?.length ?? 0) * fault.fraction));
        throw failure('ECONNRESET');
      case 'cut_answer': {
        const answer = await this.#handle(request);
        return { ...answer, body: answer.body.subarray(0, Math.floor(answer.body.length * fault.fraction)) };
      }
      case 'flip':
        return await this.#handle(flipped(request, fault.fraction));
      case 'twice':
        return (await Promise.all([this.#handle(request), this.#handle(request)]))[1]!;
      case 'late_copy':
        this.#clock.after(fault.delayMs, () => void this.#handle(request).catch(() => undefined));
        return await this.#handle(request);
      case 'forged':
        return forged(request);
      case 'instead':
        return fault.answer;
      default:
        return fault satisfies never;
    }
  }

  async #handle(request: TransportRequest, cutAt?: number): Promise<TransportAnswer> {
    if (!this.handler) throw failure('ECONNREFUSED');
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers)) headers[name.toLowerCase()] = value;
    if (request.body) headers['content-length'] = String(request.body.length);
    const url = new URL(request.url);
    const wire: WireRequest = {
      method: request.method,
      target: url.pathname + url.search,
      headers,
      peer: '192.0.2.1:4711',
      body: chunks(request.body ?? new Uint8Array(), cutAt),
      signal: new AbortController().signal,
    };
    const response = await this.handler(wire);
    return answerOf(response);
  }

  #sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#clock.after(delayMs, resolve);
    signal.addEventListener('abort', () => reject(failure('ABORTED')), { once: true });
    return promise;
  }
}

/** To a question, or where the receiver's id is not known: nonsense. */
function forged({ headers }: TransportRequest): TransportAnswer {
  const { [wireHeaders.receiver]: receiver, [wireHeaders.epoch]: epoch, [wireHeaders.upto]: upto } = headers;
  if (!receiver || !epoch || !upto) return { status: 200, headers: {}, body: Buffer.from('<html>') };
  const row = { epoch, held: Number(upto), hash: 'f'.repeat(32) };
  const claim = {
    answer: 'taken' as const,
    receiver,
    row,
    rows: [row],
    describe: false,
    versions: [1],
    message: 'Trust me.',
  };
  return { status: 200, headers: {}, body: Buffer.from(encodeAnswer(claim)) };
}

function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(failure('ABORTED'));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  work.catch(() => undefined);
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', abort));
}

export function answerOf(response: WireResponse): TransportAnswer {
  const body = typeof response.body === 'string' ? Buffer.from(response.body) : (response.body ?? new Uint8Array());
  return { status: response.status, headers: response.headers ?? {}, body };
}

/** A body that comes in small pieces; what nobody may look at any more is scribbled over. */
export function chunks(body: Uint8Array, cutAt?: number, chunkBytes = 700): WireBody {
  const end = cutAt ?? body.length;
  let at = 0;
  return {
    async read(take) {
      while (at < end) {
        await Promise.resolve();
        const piece = Uint8Array.from(body.subarray(at, Math.min(end, at + chunkBytes)));
        at += piece.length;
        const more = take(piece);
        piece.fill(0x77);
        if (!more) return true;
      }
      if (cutAt !== undefined && cutAt < body.length) throw failure('ECONNRESET');
      return false;
    },
  };
}

function flipped(request: TransportRequest, fraction: number): TransportRequest {
  if (!request.body || request.body.length === 0) return request;
  const body = Uint8Array.from(request.body);
  const at = Math.floor(body.length * fraction);
  body[at] = body[at]! ^ 0x10;
  return { ...request, body };
}

function failure(code: string): Error {
  return Object.assign(new Error(`the network says ${code}`), { code });
}
