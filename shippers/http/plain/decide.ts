/**
 * What an endpoint's answer means for what was sent. Pure. Only 400, 413, 415 and 422 may be the records' fault; whatever else is no
 * success is trouble with the endpoint, during which everything waits: an expired token must not make dead letters.
 */
import { forPeople } from '../../../spool/wire-answer.ts';
import type { TransportAnswer } from '../../ports.ts';
import {
  decideError,
  type Failure,
  failureOfStatus,
  notTheEndpoint,
  refusedForTls,
  type Trouble,
} from '../shared/trouble.ts';

export interface Refusal {
  readonly status: number;
  /** What the endpoint said of it, for people; may be empty. */
  readonly reason: string;
}

export type Verdict =
  | { readonly kind: 'accepted' }
  /** The records may be to blame, all or one of them, or how many they are (413). */
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | Failure;

const blaming: ReadonlySet<number> = new Set([400, 413, 415, 422]);
const reasonCharactersMax = 1024;

export function decide(got: TransportAnswer): Verdict {
  const { status } = got;
  if (status >= 200 && status < 300) return isWholePage(got) ? notTheEndpoint(got, 'endpoint') : { kind: 'accepted' };
  const reason = forPeople(new TextDecoder().decode(got.body)).slice(0, reasonCharactersMax).trim();
  const ofTls = refusedForTls(got, 'endpoint');
  if (ofTls !== undefined) return ofTls;
  if (blaming.has(status)) return { kind: 'refused', refusal: { status, reason } };
  return failureOfStatus(got, 'endpoint', reason);
}

/** The transport gave no answer. */
export function decideFailed(error: unknown): Failure {
  return decideError(error, false, 'endpoint');
}

/** All that was sent of late is refused: whose fault it is cannot be told, so everything stays and waits. */
export function refusesEverything({ status, reason }: Refusal): Trouble {
  return {
    cause: 'refused',
    message: `The endpoint refuses what it is sent (${status}), and has accepted nothing since.${reason === '' ? '' : ` It says: ${reason}`}`,
    hint: 'Look at encoding, compression and url here, and at what the endpoint expects. A record goes to the dead letters only once others were accepted.',
  };
}

/** A web page for people where an endpoint should be: a login page says 200, too. Short HTML answers are what some servers say by habit. */
function isWholePage({ body }: TransportAnswer): boolean {
  const start = Buffer.from(body.subarray(0, 1024)).toString('latin1');
  return /^\s*(<!--.*?-->\s*)*<(!doctype html|html)/is.test(start);
}
