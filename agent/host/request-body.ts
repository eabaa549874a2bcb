/**
 * A request's body, read only when asked for. A client has to send: every `idleTimeoutMs` that we wait for it must bring the
 * end or at least `bytesPerTimeoutMin`, so that a byte now and then does not hold a connection for ever. Time in which
 * nobody asks is ours, not the client's, and does not count.
 */
import type { IncomingMessage } from 'node:http';

const bytesPerTimeoutMin = 1024;

/** What may end a wait. */
const events = ['readable', 'end', 'close', 'error'] as const;

/** Throws `BodyTimeout` (code BODY_TIMEOUT), or an error with code ECONNRESET when the client went away. */
export async function* readBody(request: IncomingMessage, idleTimeoutMs: number): AsyncGenerator<Uint8Array> {
  let waitedMs = 0;
  let credit = 0;
  let wake: () => void = () => {};
  const moved = () => wake();
  // Once for the whole body: Node does a lot whenever somebody begins or ceases to listen for 'readable'.
  for (const event of events) request.on(event, moved);
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
      const movement = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const timer = setTimeout(moved, Math.max(1, Math.ceil(idleTimeoutMs - waitedMs)));
      await movement;
      clearTimeout(timer);
      waitedMs += performance.now() - since;
      if (waitedMs >= idleTimeoutMs && request.readableLength === 0 && !request.readableEnded)
        throw bodyTimeout(idleTimeoutMs);
    }
  }
}

/** Nobody reads on: the rest may be thrown away. */
export function stopReading(request: IncomingMessage): void {
  request.removeAllListeners('readable');
}

function bodyTimeout(idleTimeoutMs: number): Error {
  const error = new Error(`the client sent no more of its body for ${idleTimeoutMs} ms`);
  return Object.assign(error, { name: 'BodyTimeout', code: 'BODY_TIMEOUT' });
}
