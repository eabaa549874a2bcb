/**
 * The receiver's answers in the native protocol: their words, and their bytes. Pure, as `wire.ts`; `docs/wire-protocol.md`
 * specifies them.
 */
import type { BlockHash, Id, Position } from './nouns.ts';
import { isId, wireHeaders, wireLimits, wireVersion } from './wire.ts';

/** What a receiver says. Words with `held` are proof; the others are advice. */
export const answerWords = [
  'taken', // all of it is held, some of it was new
  'duplicate', // nothing of it was new
  'state', // the answer to a question
  'behind', // the batch begins after what is held
  'unknown', // a stream never met, and nothing that connects it
  'conflict', // other blocks than these are held at these positions
  'other_receiver', // the batch was meant for another
  'bad_request',
  'unauthorized',
  'not_found',
  'method_not_allowed',
  'length_required',
  'too_large',
  'too_slow',
  'unknown_version',
  'busy',
  'full',
] as const;
export type AnswerWord = (typeof answerWords)[number];

/** A row of the receiver: how far it holds a stream, and the hash of the last block up to there. */
export interface Held {
  readonly epoch: Id;
  readonly held: Position;
  readonly hash: BlockHash;
}

export interface Answer {
  readonly answer: AnswerWord;
  readonly receiver: Id | undefined;
  /** The row of the stream that was asked about, durable; undefined where there is none. */
  readonly row: Held | undefined;
  /** All rows of this spool and stream name, newest first; only in `state`, `behind`, `unknown`, `conflict`, `other_receiver`. */
  readonly rows: readonly Held[];
  /** Descriptions of the sources are wanted in front of the next batch. */
  readonly describe: boolean;
  /** Block versions that are taken. */
  readonly versions: readonly number[];
  readonly message: string;
}

/** The JSON body of an answer. */
export function encodeAnswer(answer: Answer): string {
  return `${JSON.stringify({
    tailspool: wireVersion,
    answer: answer.answer,
    receiver: answer.receiver,
    stream: answer.row,
    streams: answer.rows.length > 0 ? answer.rows.slice(0, wireLimits.streamsMax) : undefined,
    describe: answer.describe || undefined,
    versions: answer.versions.length > 0 ? answer.versions : undefined,
    message: answer.message,
  })}\n`;
}

/** The same for people and proxies, as headers; nothing decides by them. */
export function encodeAnswerHeaders(answer: Answer): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    [wireHeaders.protocol]: String(wireVersion),
    [wireHeaders.answer]: answer.answer,
  };
  if (answer.receiver) headers[wireHeaders.receiver] = answer.receiver;
  if (answer.row) {
    headers[wireHeaders.epoch] = answer.row.epoch;
    headers[wireHeaders.held] = String(answer.row.held);
    headers[wireHeaders.hash] = answer.row.hash;
  }
  return headers;
}

/** undefined where the body is not an answer of this protocol (a login page, half a reply). */
export function decodeAnswer(body: Uint8Array): Answer | undefined {
  if (body.length > wireLimits.answerBytesMax) return undefined;
  const value = parseObject(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8'));
  if (!value || value.tailspool !== wireVersion) return undefined;
  const answer = answerWords.find((word) => word === value.answer);
  const receiver = value.receiver;
  const row = value.stream === undefined ? undefined : decodeHeld(value.stream);
  const rows = decodeRows(value.streams);
  const versions = value.versions ?? [];
  const message = value.message;
  if (!answer || row === 'bad' || !rows || typeof message !== 'string') return undefined;
  if (receiver !== undefined && !isId(receiver)) return undefined;
  if (!Array.isArray(versions) || !versions.every((version) => Number.isSafeInteger(version))) return undefined;
  return { answer, receiver, row, rows, describe: value.describe === true, versions, message: forPeople(message) };
}

/** What the other side wrote for people: one line, printable, short. */
export function forPeople(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, wireLimits.messageCharsMax);
}

function decodeRows(value: unknown): Held[] | undefined {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > wireLimits.streamsMax) return undefined;
  const rows = value.map(decodeHeld);
  return rows.every((row) => row !== 'bad') ? rows : undefined;
}

function decodeHeld(value: unknown): Held | 'bad' {
  if (typeof value !== 'object' || value === null) return 'bad';
  const { epoch, held, hash } = value as Record<string, unknown>;
  const position = typeof held === 'number' && Number.isSafeInteger(held) && held >= 0 ? held : undefined;
  return isId(epoch) && position !== undefined && isId(hash) ? { epoch, held: position, hash } : 'bad';
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
