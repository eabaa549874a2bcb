/** One connection to the endpoint: one request at a time, with what every request has. Never throws. */
import type { Authorization, TransportAnswer } from '../../ports.ts';
import { sendAuthorized } from '../shared/authorized.ts';
import type { Route } from '../shared/route.ts';
import { decide, decideFailed, type Verdict } from './decide.ts';

export interface LaneOptions {
  readonly method: string;
  readonly progressTimeoutMs: number;
}

export interface LaneWorld {
  readonly route: Route;
  readonly signal: AbortSignal;
  readonly authorization: Authorization | undefined;
  /** Of the configuration, with secrets as their files say at this moment. Throws `SECRET_UNREADABLE`. */
  headers(): Readonly<Record<string, string>>;
}

/** What of an answer's body is read: enough for a reason. */
const answerBytesMax = 16 * 1024;

export class Lane {
  readonly #options: LaneOptions;
  readonly #world: LaneWorld;

  constructor(options: LaneOptions, world: LaneWorld) {
    this.#options = options;
    this.#world = world;
  }

  /** undefined: it was broken off because we stop. */
  async send(own: Readonly<Record<string, string>>, body: Uint8Array): Promise<Verdict | undefined> {
    const { route, signal, authorization } = this.#world;
    let got: TransportAnswer;
    try {
      // What the configuration says of a header counts, whatever it is.
      const headers = { ...own, ...this.#world.headers() };
      const request = { ...this.#options, headers, body, answerBytesMax, signal };
      got = await sendAuthorized(route, request, authorization);
    } catch (error) {
      return signal.aborted ? undefined : decideFailed(error);
    }
    return decide(got);
  }

  close(): Promise<void> {
    return this.#world.route.close();
  }
}
