/**
 * What an answer means for a shipper. Pure: the answer (or the error) and what was sent come in, a verdict goes out.
 * The one rule behind it: nothing but a hash of a block of ours at the place where it ends is an acknowledgement.
 */
import type { BlockHash, Id, Position } from '../../spool/nouns.ts';
import type { Answer, Held } from '../../spool/wire-answer.ts';
import { decodeAnswer, forPeople } from '../../spool/wire-answer.ts';
import type { TransportAnswer } from '../ports.ts';
import type { Outgoing } from './batch.ts';
import type { Blocks, Place } from './place.ts';

export interface Trouble {
  /** Stable and short, as in `Problem.cause`. */
  readonly cause: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

export type Verdict =
  /** A part of the batch at least is delivered. `outcome`: `acknowledged` or `duplicate`. */
  | {
      readonly kind: 'advanced';
      readonly place: Place;
      readonly outcome: 'acknowledged' | 'duplicate';
      readonly describe: boolean;
    }
  /** It holds less than we thought, or nothing: its rows tell where to go on. */
  | {
      readonly kind: 'relocate';
      readonly receiver: Id;
      readonly rows: readonly Held[];
      readonly outcome: string;
    }
  /**
   * It is to be asked what it holds before anything is concluded: the answer of another receiver, a hash that is not ours,
   * or a `conflict`, which means that it holds another history where we stand.
   */
  | { readonly kind: 'doubt'; readonly outcome: 'other_receiver' | 'not_ours' | 'conflict' }
  /** May pass by itself. `smaller`: with smaller batches the sooner. */
  | {
      readonly kind: 'later';
      readonly outcome: string;
      readonly trouble: Trouble;
      readonly retryAfter?: string | undefined;
      readonly smaller: boolean;
    }
  /** Somebody has to mend something. */
  | { readonly kind: 'trouble'; readonly outcome: string; readonly trouble: Trouble };

/** The answer to a GET: who is there, and what it holds. */
export type Told =
  | { readonly kind: 'told'; readonly receiver: Id; readonly rows: readonly Held[]; readonly describe: boolean }
  | Extract<Verdict, { kind: 'later' | 'trouble' }>;

export function decideTold(got: TransportAnswer): Told {
  const answer = got.status === 200 ? decodeAnswer(got.body) : undefined;
  if (answer?.answer === 'state' && answer.receiver !== undefined)
    return { kind: 'told', receiver: answer.receiver, rows: answer.rows, describe: answer.describe };
  return refused(got, answer, false);
}

export function decide(got: TransportAnswer, sent: Outgoing, place: Place, blocks: Blocks): Verdict {
  const answer = decodeAnswer(got.body);
  const known = answer?.receiver !== undefined;
  if (got.status === 200 && answer && known) return acknowledged(answer, sent, place, blocks);
  if (got.status === 409 && answer && known) return conflicting(answer, answer.receiver!);
  return refused(got, answer, sent.blocksCount > 1);
}

function acknowledged(answer: Answer, sent: Outgoing, place: Place, blocks: Blocks): Verdict {
  const { row } = answer;
  if (answer.receiver !== place.receiver) return { kind: 'doubt', outcome: 'other_receiver' };
  if (!row || row.epoch !== sent.batch.epoch || (answer.answer !== 'taken' && answer.answer !== 'duplicate'))
    return notAReceiver('its answer is about something else');
  const outcome = answer.answer === 'taken' ? 'acknowledged' : 'duplicate';
  const proof = prove(row, sent, blocks);
  if (!proof) return { kind: 'doubt', outcome: 'not_ours' };
  const { epoch } = sent.batch;
  const moved: Place = {
    receiver: place.receiver,
    epoch,
    forked: proof.forked,
    position: proof.position,
    hash: row.hash,
    fork: false,
  };
  return { kind: 'advanced', place: moved, outcome, describe: answer.describe };
}

/** Where the receiver stands, if it is at a block or gap of what was sent, or at a later block that is here too. */
function prove(
  row: Held,
  sent: Outgoing,
  blocks: Blocks,
): { position: Position; hash: BlockHash; forked: boolean } | undefined {
  const at = sent.boundaries.find((each) => each.position === row.held && each.hash === row.hash);
  if (at) return { ...at, forked: sent.forked };
  if (row.held < sent.batch.upto) return undefined;
  const block = blocks.endingAt(row.held);
  return block?.hash === row.hash
    ? { position: row.held, hash: row.hash, forked: block.epoch.id !== row.epoch }
    : undefined;
}

function conflicting(answer: Answer, receiver: Id): Verdict {
  const { rows } = answer;
  switch (answer.answer) {
    case 'behind':
    case 'unknown':
      return { kind: 'relocate', receiver, rows, outcome: answer.answer };
    case 'conflict':
      return { kind: 'doubt', outcome: 'conflict' };
    case 'other_receiver':
      return { kind: 'doubt', outcome: 'other_receiver' };
    default:
      return notAReceiver(`it answered 409 and "${answer.answer}"`);
  }
}

const passing: ReadonlySet<number> = new Set([408, 425, 429]);

function refused(
  got: TransportAnswer,
  answer: Answer | undefined,
  divisible: boolean,
): Extract<Verdict, { kind: 'later' | 'trouble' }> {
  const { status } = got;
  const outcome = `status_${status}`;
  const said = answer?.message ? ` It says: ${answer.message}` : '';
  if (passing.has(status) || status >= 500) {
    const cause =
      answer?.answer === 'full'
        ? 'receiver_full'
        : answer?.answer === 'busy'
          ? 'receiver_busy'
          : 'receiver_unavailable';
    const trouble = { cause, message: `The receiver answered ${status}.${said}` };
    return { kind: 'later', outcome, trouble, retryAfter: got.headers['retry-after'], smaller: false };
  }
  if (status === 413 && divisible) {
    const trouble = { cause: 'too_large', message: `The receiver finds the batch too large (413).${said}` };
    return { kind: 'later', outcome, trouble, retryAfter: undefined, smaller: true };
  }
  if (status >= 200 && status < 300)
    return notAReceiver(`it answered ${status} with something else than an answer of this protocol`);
  return { kind: 'trouble', outcome, trouble: troubleOf(status, got, answer, said) };
}

function troubleOf(status: number, got: TransportAnswer, answer: Answer | undefined, said: string): Trouble {
  if (status >= 300 && status < 400) {
    const to = got.headers.location;
    const where = to ? ` to ${forPeople(to.split('?', 1)[0] ?? '')}` : '';
    return {
      cause: 'redirected',
      message: `The endpoint redirects (${status})${where}; redirects are not followed.`,
      hint: 'Give the address of the receiver itself as url.',
    };
  }
  switch (status) {
    case 401:
      return {
        cause: 'unauthorized',
        message: `The receiver does not know our token (401).${said}`,
        hint: 'Compare auth.bearer_file here with --token-file there; a changed file is read by itself.',
      };
    case 403:
      return {
        cause: 'forbidden',
        message: `The endpoint forbids it (403).${said}`,
        hint: 'Look at the proxy or the rights of the token.',
      };
    case 404:
      return {
        cause: 'not_found',
        message: `There is no receiver at this address (404).${said}`,
        hint: 'The url of a native shipper ends in /v1/blocks.',
      };
    case 413:
      return {
        cause: 'too_large',
        message: `A single block is too large for the endpoint (413).${said}`,
        hint: 'Raise the body limit of the proxy in between to 40 MiB.',
      };
    case 426: {
      const takes = answer?.versions.length ? ` It takes block versions ${answer.versions.join(', ')}.` : '';
      return {
        cause: 'unknown_version',
        message: `The receiver does not know our version (426).${takes}${said}`,
        hint: 'Update the receiver first, then the agents.',
      };
    }
    default:
      return {
        cause: 'rejected',
        message: `The endpoint answered ${status}.${said}`,
        hint: 'Look at what listens at this url.',
      };
  }
}

function notAReceiver(why: string): Extract<Verdict, { kind: 'trouble' }> {
  const message = `What listens at the url is not a receiver: ${why}.`;
  return {
    kind: 'trouble',
    outcome: 'not_ours',
    trouble: { cause: 'not_a_receiver', message, hint: 'A proxy or a login page may stand in between.' },
  };
}

/** A transport's error: everything passes by itself but certificates, which somebody has to mend. */
export function decideError(error: unknown, divisible: boolean): Extract<Verdict, { kind: 'later' | 'trouble' }> {
  const { code = 'ERROR', message = String(error) } = error as { code?: string; message?: string };
  const text = forPeople(message);
  if (code === 'PROGRESS_TIMEOUT') {
    const trouble = { cause: 'timeout', message: `The receiver did not answer in time. ${text}` };
    return { kind: 'later', outcome: 'timeout', trouble, retryAfter: undefined, smaller: divisible };
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|ERR_OSSL|^ENOENT$|^EACCES$|^EISDIR$/.test(code)) {
    const hint =
      'Look at tls.ca, tls.cert and tls.key, and at the certificate of the receiver. Changed files are read by themselves.';
    return {
      kind: 'trouble',
      outcome: 'tls',
      trouble: { cause: 'tls', message: `TLS with the receiver fails (${code}): ${text}`, hint },
    };
  }
  if (code === 'SECRET_UNREADABLE') {
    const trouble = {
      cause: 'no_secret',
      message: `The secret for the receiver cannot be read: ${text}`,
      hint: 'Look at auth in the configuration.',
    };
    return { kind: 'trouble', outcome: 'no_secret', trouble };
  }
  const cause = code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? 'name_not_found' : 'unreachable';
  const trouble = { cause, message: `The receiver cannot be reached (${code}): ${text}` };
  return { kind: 'later', outcome: 'network', trouble, retryAfter: undefined, smaller: false };
}
