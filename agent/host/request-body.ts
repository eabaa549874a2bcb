/**
 * A request's body, read only when asked for. A client has to send: every `idleTimeoutMs` that we wait for it must bring the
 * end or at least `bytesPerTimeoutMin`, so that a byte now and then does not hold a connection for ever. Time in which
 * nobody asks is ours, not the client's, and does not count.
 */
import type { IncomingMessage } from 'node:http';

const bytesPerTimeoutMin = 1024;

/** Throws `BodyTimeout` (code BODY_TIMEOUT), or an error with code ECONNRESET when the client went away. */
export async function* readBody(request: IncomingMessage, idleTimeoutMs: number): AsyncGenerator<Uint8Array> {
  let waitedMs = 0;
  let credit = 0;
  for (;;) {
    const chunk = request.read() as Buffer | null;
    if (chunk !== null) {
      credit += chunk.length;
      if (credit >= bytesPerTimeoutMin) {
        credit = 0;
        waitedMs = 0;
      }
      yield chunk;
    } else if (request.readableEnded) {
      return;
    } else if (request.destroyed) {
      throw Object.assign(new Error('the client went away in the middle of a body'), { code: 'ECONNRESET' });
    } else {
      const since = performance.now();
      await movement(request, idleTimeoutMs - waitedMs);
      waitedMs += performance.now() - since;
      if (waitedMs >= idleTimeoutMs && request.readableLength === 0 && !request.readableEnded)
        throw bodyTimeout(idleTimeoutMs);
    }
  }
}

/** Resolves when there is something to read, the end, an error, or when `timeoutMs` have passed. */
async function movement(request: IncomingMessage, timeoutMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const events = ['readable', 'end', 'close', 'error'] as const;
  for (const event of events) request.once(event, resolve);
  const timer = setTimeout(resolve, Math.max(1, timeoutMs));
  await promise;
  clearTimeout(timer);
  for (const event of events) request.off(event, resolve);
}

function bodyTimeout(idleTimeoutMs: number): Error {
  const error = new Error(`the client sent no more of its body for ${idleTimeoutMs} ms`);
  return Object.assign(error, { name: 'BodyTimeout', code: 'BODY_TIMEOUT' });
}
