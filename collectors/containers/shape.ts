/**
 * The lines of a container's log as events. What a runtime cut into parts is one record again, and with `multiline` what belongs
 * together; both for each stream by itself, for the lines of stdout and stderr alternate. What is of no known format is kept as it is, and counted.
 *
 * Records are taken in the order in which they begin, as soon as every one before is whole. So the cursor stands where the first
 * begins that is not, and nothing is kept but the file: what stands behind the cursor is read again.
 */
import type { Encoding } from '../shared/encodings.ts';
import { bytesValue, encodeEvent, type Values } from '../shared/event.ts';
import { flagsOf } from '../shared/line-groups.ts';
import { type Grammar, Grouping, grammarOf, headCharactersMax, type MultilineOptions } from '../shared/multiline.ts';
import { type Fresh, nothingTaken, type Shape, type Shaped, shapedBytesTarget } from '../shared/shape.ts';
import { type ContainerLine, parseLine, type Stream } from './format.ts';

export interface ContainerOptions {
  readonly multiline: MultilineOptions | undefined;
  /** A line of a container, put together; longer ones are carried in pieces. */
  readonly maxLineBytes: number;
}

/** With `maxLineBytes` a record of control characters still fits a block. */
export const containerLineBytesMax = 2 * 1024 * 1024;
/** A character may take six bytes in Docker's JSON, and there is a little around it. */
const physicalBytesMax = 8 * 1024 * 1024;
const lineFeed = 10;
const streams = ['stdout', 'stderr'] as const;
/** Of what is remembered of one stream: 25 bits of its grouping, and one that its last record goes on. */
const streamBits = 26;
const { indexOf } = Buffer.prototype;

export class ContainerLines implements Shape {
  readonly format = 'json';
  readonly joinsRotation = true;
  readonly timeoutMs: number;
  readonly openBytesMax: number;
  readonly #options: ContainerOptions;
  readonly #grammar: Grammar | undefined;
  readonly #spanBytesMax: number;

  constructor(options: ContainerOptions) {
    this.#options = options;
    this.#grammar = options.multiline && grammarOf(options.multiline);
    this.timeoutMs = options.multiline?.timeoutMs ?? 0;
    this.#spanBytesMax = 2 * Math.max(options.maxLineBytes, options.multiline?.bytesMax ?? 0) + 1024 * 1024;
    this.openBytesMax = this.#spanBytesMax + physicalBytesMax + 2;
  }

  encodingOf(): Encoding | undefined {
    return undefined;
  }

  /** A line that was taken before its end goes on; a group does not. */
  overRotation(state: number): number {
    const { stdout, stderr } = unpack(state);
    return pack({ stdout: { ...stdout, grouping: 0 }, stderr: { ...stderr, grouping: 0 } });
  }

  cut(fresh: Fresh): Shaped {
    return new Assembly(fresh, this.#options, this.#grammar, this.#spanBytesMax).run();
  }
}

/** A record that is being put together, or is whole and waits for others that began before it. */
interface Draft {
  readonly from: number;
  readonly stream: Stream | undefined;
  /** What was remembered of its stream before it. */
  readonly before: StreamMemory;
  readonly timestamp: string | undefined;
  readonly more: Values;
  readonly parts: Uint8Array[];
  bytes: number;
  continues: boolean;
  unterminated: boolean;
  split: boolean;
  /** Behind its last line. */
  end: number;
}

interface StreamMemory {
  readonly grouping: number;
  readonly continues: boolean;
}

class StreamState {
  readonly grouping: Grouping | undefined;
  continues: boolean;
  /** A line of which only parts came so far. */
  partial: Draft | undefined;
  group: Draft | undefined;

  constructor(grouping: Grouping | undefined, continues: boolean) {
    this.grouping = grouping;
    this.continues = continues;
  }

  get memory(): StreamMemory {
    return { grouping: this.grouping?.state ?? 0, continues: this.continues };
  }
}

/** One call of `cut`. */
class Assembly {
  readonly #fresh: Fresh;
  readonly #lineBytesMax: number;
  readonly #spanBytesMax: number;
  readonly #streams: Readonly<Record<Stream, StreamState>>;
  /** Whole, in no order. */
  #whole: Draft[] = [];
  readonly #records: Uint8Array[] = [];
  #madeBytes = 0;
  #at = 0;
  #taken = 0;
  /** The last physical line given was too long, or had no end. */
  #torn: boolean;
  #memory: Record<Stream, StreamMemory>;
  #split = 0;
  #unparsed = 0;

  constructor(fresh: Fresh, options: ContainerOptions, grammar: Grammar | undefined, spanBytesMax: number) {
    this.#fresh = fresh;
    this.#lineBytesMax = options.maxLineBytes;
    this.#spanBytesMax = spanBytesMax;
    this.#torn = fresh.unterminated;
    this.#memory = unpack(fresh.state);
    const stateOf = (stream: Stream) => {
      const { grouping, continues } = this.#memory[stream];
      const { multiline } = options;
      return new StreamState(grammar && multiline && new Grouping(grammar, multiline, grouping), continues);
    };
    this.#streams = { stdout: stateOf('stdout'), stderr: stateOf('stderr') };
  }

  run(): Shaped {
    const { bytes, ends, nextFileAt } = this.#fresh;
    let openLine = false;
    while (this.#at < bytes.length && this.#madeBytes < shapedBytesTarget) {
      if (this.#at === nextFileAt) for (const stream of streams) this.#closeGroup(this.#streams[stream], false);
      const end = indexOf.call(bytes, lineFeed, this.#at) + 1;
      const length = (end === 0 ? bytes.length : end - 1) - this.#at;
      if (length > physicalBytesMax) this.#tear(this.#at + physicalBytesMax);
      else if (end !== 0) this.#line(end);
      else if (ends) this.#tear(bytes.length);
      else {
        openLine = true;
        break;
      }
      if (this.#at - this.#base() > this.#spanBytesMax) this.#closeAll(true);
      this.#give();
    }
    if (ends && this.#at >= bytes.length) {
      this.#closeAll(false);
      this.#give();
    }
    const isPartial = streams.some((stream) => this.#streams[stream].partial !== undefined);
    const state = pack(this.#memory);
    const unterminated = this.#taken > 0 ? this.#torn : this.#fresh.unterminated;
    if (this.#taken === 0) return { ...nothingTaken, unterminated, state, openLine: openLine || isPartial };
    const [split, unparsed] = [this.#split, this.#unparsed];
    const counts = { undecodable: 0, split, unparsed };
    return {
      taken: this.#taken,
      records: this.#records,
      unterminated,
      state,
      openLine: openLine || isPartial,
      ...counts,
    };
  }

  /** A physical line that is whole. */
  #line(end: number): void {
    const from = this.#at;
    const bytes = this.#fresh.bytes.subarray(from, end - 1);
    this.#at = end;
    const line = this.#torn ? undefined : parseLine(bytes);
    if (line) this.#add(line, from, end);
    else this.#keep(bytes, from, end, this.#torn, false);
    this.#torn = false;
  }

  /** A physical line that is too long, or has no end: no runtime writes such. */
  #tear(end: number): void {
    const from = this.#at;
    this.#at = end;
    this.#closeAll(false);
    this.#keep(this.#fresh.bytes.subarray(from, end), from, end, this.#torn, true);
    this.#torn = true;
  }

  #keep(bytes: Uint8Array, from: number, end: number, continues: boolean, unterminated: boolean): void {
    if (!continues) this.#unparsed++;
    const none = { timestamp: undefined, more: {}, before: { grouping: 0, continues: false }, split: false };
    this.#whole.push({
      ...none,
      from,
      end,
      stream: undefined,
      parts: [bytes],
      bytes: bytes.length,
      continues,
      unterminated,
    });
  }

  #add({ stream: name, timestamp, content, partial, more }: ContainerLine, from: number, end: number): void {
    const stream = this.#streams[name];
    stream.partial ??= {
      ...{ from, end, stream: name, before: stream.memory, timestamp, parts: [], bytes: 0 },
      ...{ continues: stream.continues, unterminated: false, split: false, more: moreOf(more) },
    };
    const draft = stream.partial;
    draft.parts.push(content);
    draft.bytes += content.length;
    draft.end = end;
    const isTooLong = partial && draft.bytes >= this.#lineBytesMax;
    if (!partial || isTooLong) this.#lineIsWhole(stream, isTooLong);
  }

  /** A line of the container is put together; `goesOn`: as far as it is carried in one piece. */
  #lineIsWhole(stream: StreamState, goesOn: boolean): void {
    const draft = stream.partial!;
    stream.partial = undefined;
    draft.unterminated = goesOn;
    stream.continues = goesOn;
    const { grouping } = stream;
    if (!grouping || draft.continues || goesOn) {
      this.#closeGroup(stream, false);
      this.#whole.push(draft);
      return;
    }
    const { kind, split } = grouping.next(headOf(draft.parts), draft.bytes + 1);
    if (kind === 'joins' && stream.group) {
      stream.group.parts.push(newLine, ...draft.parts);
      stream.group.end = draft.end;
      return;
    }
    this.#closeGroup(stream, split, false);
    draft.continues = kind === 'goes_on';
    stream.group = draft;
    if (!grouping.isOpen) this.#closeGroup(stream, false);
  }

  #closeGroup(stream: StreamState, split: boolean, ends = true): void {
    if (stream.group) {
      stream.group.split = split;
      if (split) this.#split++;
      this.#whole.push(stream.group);
    }
    stream.group = undefined;
    if (ends) stream.grouping?.close();
  }

  /** What is open is given as it is: time is up, or too much stands behind it. */
  #closeAll(isTooMuch: boolean): void {
    for (const name of streams) {
      const stream = this.#streams[name];
      this.#closeGroup(stream, isTooMuch && stream.group !== undefined);
      if (stream.partial) this.#lineIsWhole(stream, true);
    }
  }

  /** Where the first record begins that is not given yet. */
  #base(): number {
    let base = this.#at;
    for (const { from } of this.#drafts()) base = Math.min(base, from);
    return base;
  }

  *#open(): Generator<Draft> {
    for (const name of streams) {
      const { partial, group } = this.#streams[name];
      if (group) yield group;
      if (partial) yield partial;
    }
  }

  *#drafts(): Generator<Draft> {
    yield* this.#open();
    yield* this.#whole;
  }

  /** Gives what is whole, as long as nothing that began before it is open, and no line of it stands behind the cursor that results. */
  #give(): void {
    let cut = this.#at;
    for (const { from } of this.#open()) cut = Math.min(cut, from);
    for (let moved = true; moved; ) {
      moved = false;
      for (const { from, end } of this.#whole) {
        if (from >= cut || end <= cut) continue;
        cut = from;
        moved = true;
      }
    }
    if (cut <= this.#taken) return;
    const given = this.#whole.filter(({ from }) => from < cut).sort((one, other) => one.from - other.from);
    this.#whole = this.#whole.filter(({ from }) => from >= cut);
    for (const draft of given) this.#push(draft);
    this.#taken = cut;
    for (const name of streams) this.#memory[name] = this.#memoryAt(name);
  }

  /** What is to be remembered of a stream in front of the first of its records that is not given. */
  #memoryAt(name: Stream): StreamMemory {
    let first: Draft | undefined;
    for (const draft of this.#drafts())
      if (draft.stream === name && (first === undefined || draft.from < first.from)) first = draft;
    return first?.before ?? this.#streams[name].memory;
  }

  #push(draft: Draft): void {
    const { stream, timestamp, parts, continues, unterminated, split, more } = draft;
    const flags = flagsOf(continues, unterminated, split);
    const attributes =
      stream || flags ? { ...(stream ? { 'log.iostream': stream } : {}), ...more, ...flags } : undefined;
    const body = bytesValue(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
    const record = Buffer.from(`${encodeEvent({ timestamp, body, attributes })}\n`);
    this.#records.push(record);
    this.#madeBytes += record.length;
  }
}

const newLine = Buffer.from('\n');

function moreOf(more: ContainerLine['more']): Values {
  if (!more) return {};
  return Object.fromEntries(Object.entries(more).map(([key, value]) => [`docker.attrs.${key}`, value]));
}

/** What patterns are shown of a line. */
function headOf(parts: readonly Uint8Array[]): string {
  const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  const head = bytes.subarray(0, headCharactersMax);
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString();
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}

function pack({ stdout, stderr }: Record<Stream, StreamMemory>): number {
  return packOne(stdout) + packOne(stderr) * 2 ** streamBits;
}

function packOne({ grouping, continues }: StreamMemory): number {
  return grouping * 2 + (continues ? 1 : 0);
}

function unpack(state: number): Record<Stream, StreamMemory> {
  return { stdout: unpackOne(state % 2 ** streamBits), stderr: unpackOne(Math.floor(state / 2 ** streamBits)) };
}

function unpackOne(packed: number): StreamMemory {
  return { grouping: Math.floor(packed / 2), continues: packed % 2 === 1 };
}
