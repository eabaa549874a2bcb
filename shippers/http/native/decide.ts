/**
 * What an answer means for a shipper. Pure: the answer (or the error) and what was sent come in, a verdict goes out.
 * The one rule behind it: nothing but a hash of a block of ours at the place where it ends is an acknowledgement.
 */
import type { BlockHash, Id, Position } from '../../../spool/nouns.ts';
import type { Answer, Held } from '../../../spool/wire-answer.ts';
import { decodeAnswer } from '../../../spool/wire-answer.ts';
import type { TransportAnswer } from '../../ports.ts';
import { type Failure, failureOfStatus, notTheEndpoint, type Trouble } from '../shared/trouble.ts';
import type { Outgoing } from './batch.ts';
import type { Blocks, Place } from './place.ts';

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
  | Failure;

/** The answer to a GET: who is there, and what it holds. */
export type Told =
  | { readonly kind: 'told'; readonly receiver: Id; readonly rows: readonly Held[]; readonly describe: boolean }
  | Failure;

export function decideTold(got: TransportAnswer): Told {
  const answer = decodeAnswer(got.body);
  if (got.status === 200 && answer?.answer === 'state' && answer.receiver !== undefined)
    return { kind: 'told', receiver: answer.receiver, rows: answer.rows, describe: answer.describe };
  return refused(got, answer, false);
}

export function decide(got: TransportAnswer, sent: Outgoing, place: Place, blocks: Blocks): Verdict {
  const answer = decodeAnswer(got.body);
  const known = answer?.receiver !== undefined;
  if (got.status === 200 && answer && known) return acknowledged(got, answer, sent, place, blocks);
  if (got.status === 409 && answer && known) return conflicting(got, answer, answer.receiver!);
  return refused(got, answer, sent.blocksCount > 1);
}

function acknowledged(got: TransportAnswer, answer: Answer, sent: Outgoing, place: Place, blocks: Blocks): Verdict {
  const { row } = answer;
  if (answer.receiver !== place.receiver) return { kind: 'doubt', outcome: 'other_receiver' };
  if (!row || row.epoch !== sent.batch.epoch || (answer.answer !== 'taken' && answer.answer !== 'duplicate'))
    return notTheEndpoint(got, 'receiver', 'its answer is about something else');
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

function conflicting(got: TransportAnswer, answer: Answer, receiver: Id): Verdict {
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
      return notTheEndpoint(got, 'receiver', `it answered 409 and "${answer.answer}"`);
  }
}

function refused(got: TransportAnswer, answer: Answer | undefined, divisible: boolean): Failure {
  const { status } = got;
  const outcome = `status_${status}`;
  const said = answer?.message ?? '';
  if (status === 413 && divisible) {
    const trouble = { cause: 'too_large', message: `The receiver finds the batch too large (413). ${said}`.trimEnd() };
    return { kind: 'later', outcome, trouble, retryAfter: undefined, smaller: true };
  }
  const failure = failureOfStatus(got, 'receiver', said);
  const own = ownWords(got, answer);
  return own === undefined ? failure : { ...failure, trouble: { ...failure.trouble, ...own } };
}

/** What a receiver says in its own protocol, or what only this protocol's hints can say. */
function ownWords({ status }: TransportAnswer, answer: Answer | undefined): Partial<Trouble> | undefined {
  if (answer?.answer === 'full')
    return {
      cause: 'receiver_full',
      hint: 'Its spool has no room: look at its disk and its shippers. It goes on by itself.',
    };
  if (answer?.answer === 'busy')
    return {
      cause: 'receiver_busy',
      hint: 'It has many agents at once; it goes on by itself. memory_max there lets it take more.',
    };
  switch (status) {
    case 401:
      return { hint: 'Compare auth.bearer_file here with --token-file there; a changed file is read by itself.' };
    case 404:
      return { hint: 'The url of a native shipper ends in /v1/blocks.' };
    case 413:
      return { hint: 'Raise the body limit of the proxy in between to 40 MiB.' };
    case 426: {
      const takes = answer?.versions.length ? ` It takes block versions ${answer.versions.join(', ')}.` : '';
      const said = answer?.message ? ` It says: ${answer.message}` : '';
      const message = `The receiver does not know our version (426).${takes}${said}`;
      return { cause: 'unknown_version', message, hint: 'Update the receiver first, then the agents.' };
    }
    default:
      return undefined;
  }
}
