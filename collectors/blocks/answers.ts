/** The receiver's answers as HTTP: every word has one status, and says whether the connection can go on. */

import { formatVersion } from '../../spool/format.ts';
import type { Id } from '../../spool/nouns.ts';
import type { Answer, AnswerWord, Held } from '../../spool/wire-answer.ts';
import { encodeAnswer, encodeAnswerHeaders } from '../../spool/wire-answer.ts';
import type { WireResponse } from '../ports.ts';
import { receiverLimits } from './limits.ts';

interface Manner {
  readonly status: number;
  /** The body may not have been read to its end: the connection cannot be used again. */
  readonly close: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

const retry = (seconds: number) => ({ 'retry-after': String(seconds) });

const manners: Readonly<Record<AnswerWord, Manner>> = {
  taken: { status: 200, close: false },
  duplicate: { status: 200, close: false },
  state: { status: 200, close: false },
  behind: { status: 409, close: true },
  unknown: { status: 409, close: true },
  conflict: { status: 409, close: true },
  other_receiver: { status: 409, close: true },
  bad_request: { status: 400, close: true },
  unauthorized: { status: 401, close: true, headers: { 'www-authenticate': 'Bearer realm="tailspool"' } },
  not_found: { status: 404, close: true },
  method_not_allowed: { status: 405, close: true, headers: { allow: 'GET, POST' } },
  too_slow: { status: 408, close: true },
  length_required: { status: 411, close: true },
  too_large: { status: 413, close: true },
  unknown_version: { status: 426, close: true, headers: { upgrade: 'tailspool/1' } },
  busy: { status: 503, close: true, headers: retry(receiverLimits.retryAfterBusySeconds) },
  full: { status: 503, close: true, headers: retry(receiverLimits.retryAfterFullSeconds) },
};

export interface Details {
  readonly row?: Held | undefined;
  readonly rows?: readonly Held[];
  readonly describe?: boolean;
  readonly message: string;
}

/** `receiver` undefined: to somebody who has not shown a token. */
export function respond(word: AnswerWord, receiver: Id | undefined, details: Details): WireResponse {
  const manner = manners[word];
  const answer: Answer = {
    answer: word,
    receiver,
    row: details.row,
    rows: details.rows ?? [],
    describe: details.describe ?? false,
    versions: word === 'state' || word === 'unknown_version' ? [formatVersion] : [],
    message: details.message,
  };
  const headers = { ...encodeAnswerHeaders(answer), ...manner.headers };
  return { status: manner.status, headers, body: encodeAnswer(answer), close: manner.close };
}
