/**
 * The words of the native protocol, version 1: `docs/wire-protocol.md` specifies it. Pure; both sides use it, so that what
 * one writes the other reads. Decoding never throws and believes nothing: what is not exactly a word of the protocol is
 * `bad`, with a sentence for people.
 *
 * A batch tiles the range from `after` to `upto` with blocks (its body) and gaps (its header), in order and without
 * remainder. A stream is (spool id, epoch, stream name).
 */
import { dropReasons } from './format-drops.ts';
import type { BlockHash, DropReason, Gap, Id, Position } from './nouns.ts';

export const wireVersion = 1;
export const blocksPath = '/v1/blocks';

export const wireLimits = {
  streamNameCharsMax: 64,
  gapsMax: 64,
  /** Descriptions that may stand in front of a batch. */
  descriptionsBytesMax: 4 * 1024 * 1024,
  /** A batch's body: two of the largest blocks there can be, and descriptions. */
  batchBytesMax: 40 * 1024 * 1024,
  answerBytesMax: 16 * 1024,
  /** Streams of one spool that an answer lists, newest first. */
  streamsMax: 64,
  messageCharsMax: 500,
  retryAfterSecondsMax: 3600,
} as const;

export const wireHeaders = {
  protocol: 'tailspool-protocol',
  receiver: 'tailspool-receiver',
  spool: 'tailspool-spool',
  epoch: 'tailspool-epoch',
  stream: 'tailspool-stream',
  after: 'tailspool-after',
  upto: 'tailspool-upto',
  gaps: 'tailspool-gaps',
  parent: 'tailspool-parent',
  firstContact: 'tailspool-first-contact',
  descriptions: 'tailspool-descriptions',
  descriptionsCrc: 'tailspool-descriptions-crc',
  answer: 'tailspool-answer',
  held: 'tailspool-held',
  hash: 'tailspool-hash',
} as const;

/** The stream that a batch continues when it opens a new one. */
export interface Parent {
  /** As the receiver knows it: of a fork, the fork's. */
  readonly epoch: Id;
  /** Where the new stream branched off. */
  readonly end: Position;
  /** Of the block that ends there. */
  readonly hash: BlockHash;
}

/** Whose state is asked for. */
export interface StreamKey {
  readonly spool: Id;
  readonly stream: string;
}

/** All that a POST says in its headers. */
export interface Batch extends StreamKey {
  readonly epoch: Id;
  /** The receiver that the agent means; undefined where it never met one at this address. */
  readonly receiver: Id | undefined;
  /** The end of what was last delivered: of this stream, or (with a parent) of the stream before it. */
  readonly after: Position;
  readonly upto: Position;
  /** In order, without overlap, each within (after, upto). */
  readonly gaps: readonly Gap[];
  readonly parent: Parent | undefined;
  /** The agent holds no cursor for this receiver, and the receiver told it that it holds nothing to connect to. */
  readonly firstContact: boolean;
  /** Bytes of descriptions in front of the blocks. */
  readonly descriptionsBytes: number;
  /** Of these bytes: blocks carry checksums of their own, descriptions beside them have this one. 0 without descriptions. */
  readonly descriptionsCrc: number;
}

export type Words<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'version'; readonly version: string }
  | { readonly kind: 'bad'; readonly why: string };

/** Headers of a POST. */
export function encodeBatch(batch: Batch): Record<string, string> {
  const headers = encodeKey(batch);
  headers[wireHeaders.epoch] = batch.epoch;
  headers[wireHeaders.after] = String(batch.after);
  headers[wireHeaders.upto] = String(batch.upto);
  if (batch.receiver) headers[wireHeaders.receiver] = batch.receiver;
  if (batch.gaps.length > 0) headers[wireHeaders.gaps] = batch.gaps.map(encodeGap).join(',');
  if (batch.parent) headers[wireHeaders.parent] = `${batch.parent.epoch};${batch.parent.end};${batch.parent.hash}`;
  if (batch.firstContact) headers[wireHeaders.firstContact] = '1';
  if (batch.descriptionsBytes > 0) {
    headers[wireHeaders.descriptions] = String(batch.descriptionsBytes);
    headers[wireHeaders.descriptionsCrc] = batch.descriptionsCrc.toString(16).padStart(8, '0');
  }
  return headers;
}

/** Headers of a GET. */
export function encodeKey(key: StreamKey): Record<string, string> {
  return {
    [wireHeaders.protocol]: String(wireVersion),
    [wireHeaders.spool]: key.spool,
    [wireHeaders.stream]: key.stream,
  };
}

export type HeaderFields = Readonly<Record<string, string | undefined>>;

export function decodeKey(headers: HeaderFields): Words<StreamKey> {
  const version = headers[wireHeaders.protocol];
  if (version === undefined) return bad(`the header ${wireHeaders.protocol} is missing`);
  if (version !== String(wireVersion)) return { kind: 'version', version: version.slice(0, 20) };
  const spool = headers[wireHeaders.spool];
  const stream = headers[wireHeaders.stream] ?? '';
  if (!isId(spool)) return bad(`${wireHeaders.spool} is not an id of 32 hex digits`);
  if (!isStreamName(stream)) return bad(`${wireHeaders.stream} is not a stream name`);
  return { kind: 'ok', value: { spool, stream } };
}

export function decodeBatch(headers: HeaderFields): Words<Batch> {
  const key = decodeKey(headers);
  if (key.kind !== 'ok') return key;
  const epoch = headers[wireHeaders.epoch];
  const receiver = headers[wireHeaders.receiver];
  const after = decodePosition(headers[wireHeaders.after]);
  const upto = decodePosition(headers[wireHeaders.upto]);
  const gaps = decodeGaps(headers[wireHeaders.gaps]);
  const parent = decodeParent(headers[wireHeaders.parent]);
  const firstContact = headers[wireHeaders.firstContact];
  const descriptionsBytes = decodePosition(headers[wireHeaders.descriptions] ?? '0');
  if (!isId(epoch)) return bad(`${wireHeaders.epoch} is not an id of 32 hex digits`);
  if (receiver !== undefined && !isId(receiver)) return bad(`${wireHeaders.receiver} is not an id of 32 hex digits`);
  if (after === undefined) return bad(`${wireHeaders.after} is not a position`);
  if (upto === undefined || upto <= after) return bad(`${wireHeaders.upto} is not a position behind ${after}`);
  if (!gaps) return bad(`${wireHeaders.gaps} is not a list of gaps`);
  if (!inOrder(gaps, after, upto)) return bad(`${wireHeaders.gaps} lie outside of the batch, or not in order`);
  if (parent === 'bad' || (parent && (parent.epoch === epoch || parent.end > after)))
    return bad(`${wireHeaders.parent} is not another stream that ended by ${after}`);
  if (firstContact !== undefined && firstContact !== '1') return bad(`${wireHeaders.firstContact} is not 1`);
  if (descriptionsBytes === undefined || descriptionsBytes > wireLimits.descriptionsBytesMax)
    return bad(`${wireHeaders.descriptions} is not a length up to ${wireLimits.descriptionsBytesMax}`);
  const descriptionsCrc = descriptionsBytes === 0 ? 0 : decodeCrc(headers[wireHeaders.descriptionsCrc]);
  if (descriptionsCrc === undefined) return bad(`${wireHeaders.descriptionsCrc} is not a checksum of 8 hex digits`);
  const flags = { firstContact: firstContact === '1', descriptionsBytes, descriptionsCrc };
  return { kind: 'ok', value: { ...key.value, epoch, receiver, after, upto, gaps, parent, ...flags } };
}

export function isId(value: unknown): value is Id & BlockHash {
  return typeof value === 'string' && /^[0-9a-f]{32}$/.test(value);
}

export function isStreamName(value: string): boolean {
  return value.length <= wireLimits.streamNameCharsMax && /^[A-Za-z0-9._-]*$/.test(value);
}

const gapReasons: ReadonlySet<string> = new Set<DropReason | 'hole_in_positions'>([
  'hole_in_positions',
  ...dropReasons,
]);

function encodeGap(gap: Gap): string {
  return `${gap.from}-${gap.upto};${gap.reason};${gap.records};${gap.bytes}`;
}

function decodeGaps(text: string | undefined): Gap[] | undefined {
  if (text === undefined || text === '') return [];
  const parts = text.split(',', wireLimits.gapsMax + 1);
  if (parts.length > wireLimits.gapsMax) return undefined;
  const gaps = parts.map(decodeGap);
  return gaps.every((gap) => gap !== undefined) ? gaps : undefined;
}

function decodeGap(text: string): Gap | undefined {
  const parts = /^(\d{1,16})-(\d{1,16});([a-z_]{1,32});(-1|\d{1,16});(-1|\d{1,16})$/.exec(text.trim());
  if (!parts) return undefined;
  const [from, upto, records, bytes] = [parts[1], parts[2], parts[4], parts[5]].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  const reason = parts[3] as Gap['reason'];
  const safe = [from, upto, records, bytes].every(Number.isSafeInteger);
  return safe && from < upto && gapReasons.has(reason) ? { from, upto, reason, records, bytes } : undefined;
}

function inOrder(gaps: readonly Gap[], after: Position, upto: Position): boolean {
  let at = after;
  for (const gap of gaps) {
    if (gap.from < at || gap.upto > upto) return false;
    at = gap.upto;
  }
  return true;
}

function decodeParent(text: string | undefined): Parent | undefined | 'bad' {
  if (text === undefined) return undefined;
  const [epoch, end, hash, more] = text.split(';', 4);
  const position = decodePosition(end);
  return isId(epoch) && position !== undefined && isId(hash) && more === undefined
    ? { epoch, end: position, hash }
    : 'bad';
}

function decodeCrc(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9a-f]{8}$/.test(text) ? Number.parseInt(text, 16) : undefined;
}

function decodePosition(text: string | undefined): Position | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

function bad(why: string): { kind: 'bad'; why: string } {
  return { kind: 'bad', why };
}
