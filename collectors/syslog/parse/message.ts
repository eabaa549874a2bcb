/**
 * What was found in a syslog message: where each part stands in the message's bytes, so that nothing is copied until it is written.
 * One object serves all messages of a parser; a part that is not there has `from === to`.
 */

/** A stretch of the message's bytes; empty where the part is missing or was the nil value (`-`). */
export interface Span {
  from: number;
  to: number;
}

/** A time as it was sent, up to its seconds, and what else was known of it. */
export interface TimeHead {
  readonly bytes: Uint8Array;
  /** 0: nothing is remembered. */
  length: number;
  /** The year that stood before the seconds (0: none did), and the one that was read in the end. */
  yearBefore: number;
  year: number;
  zone: number;
  /** Of the zone when it was made. */
  generation: number;
}

export interface Message {
  /** `unparsed`: neither priority nor time was recognised; the body is the whole message. */
  form: 'rfc5424' | 'rfc3164' | 'unparsed';
  /** 0 to 191 (facility × 8 + severity), −1 where the message had none. */
  priority: number;
  /** The time as RFC 3339, ASCII; valid up to `timeLength`, which is 0 where there was none. */
  readonly time: Uint8Array;
  timeLength: number;
  /** The day (since 1970-01-01) that stands in `time`, which an earlier message may have left there. */
  timeDays: number;
  /** The text that `time` was made from: the next message mostly has the same. */
  readonly timeHead: TimeHead;
  readonly host: Span;
  readonly app: Span;
  readonly process: Span;
  /** MSGID; of Cisco's messages `FAC-SEV-MNEMONIC`. */
  readonly id: Span;
  /** With its brackets; well formed. */
  readonly data: Span;
  /** Cisco: the running number before the time. */
  readonly sequence: Span;
  /** Of Cisco's `%FAC-SEV-MNEMONIC`, 0 to 7; −1 where there was none. */
  codeSeverity: number;
  readonly body: Span;
  /** All of it, without what follows its text (line ends). */
  readonly whole: Span;
}

/** Enough for a date, nine digits of a fraction and an offset. */
const timeBytesMax = 40;
/** `Mon May 06 2024 07:08:09`, and more blanks. */
export const headBytesMax = 28;

export function newMessage(): Message {
  return {
    form: 'unparsed',
    priority: -1,
    time: new Uint8Array(timeBytesMax),
    timeLength: 0,
    timeDays: Number.NaN,
    timeHead: { bytes: new Uint8Array(headBytesMax), length: 0, yearBefore: 0, year: 0, zone: 0, generation: 0 },
    host: { from: 0, to: 0 },
    app: { from: 0, to: 0 },
    process: { from: 0, to: 0 },
    id: { from: 0, to: 0 },
    data: { from: 0, to: 0 },
    sequence: { from: 0, to: 0 },
    codeSeverity: -1,
    body: { from: 0, to: 0 },
    whole: { from: 0, to: 0 },
  };
}

/** Forgets everything: the whole of the message is its body. */
export function clear(message: Message, from: number, to: number): void {
  message.form = 'unparsed';
  message.priority = -1;
  clearHeader(message);
  set(message.body, from, to);
  set(message.whole, from, to);
}

/** Forgets all but the priority. */
export function clearHeader(message: Message): void {
  message.timeLength = 0;
  message.codeSeverity = -1;
  set(message.host, 0, 0);
  set(message.app, 0, 0);
  set(message.process, 0, 0);
  set(message.id, 0, 0);
  set(message.data, 0, 0);
  set(message.sequence, 0, 0);
}

export function set(span: Span, from: number, to: number): void {
  span.from = from;
  span.to = to;
}
