/**
 * The framings of plain sockets: whatever comes, in whatever pieces, the frames are those that a slow reader of the whole finds, the fragments
 * of each together are its bytes, and no more memory is kept than a frame may take.
 */
import assert from 'node:assert/strict';
import { octetCountedFraming, type PrefixOptions, prefixedFraming } from '../../collectors/shared/framing/counted.ts';
import { lineFraming, nulFraming } from '../../collectors/shared/framing/delimited.ts';
import type { Framing } from '../../collectors/shared/framing/framing.ts';
import { groupedFraming } from '../../collectors/shared/framing/grouped.ts';
import type { Target } from './target.ts';

const frameBytesMax = 24;
/** What `Held` takes for anything, and what doubling may take beyond a frame. */
const heldBytesMax = Math.max(256, 2 * frameBytesMax);
const groupBytesMax = 60;

/** What whole input says, told in any way: messages, and what is left at the end. */
interface Cut {
  readonly messages: readonly string[];
  /** A message that did not end. */
  readonly incomplete?: string | undefined;
  readonly broken: boolean;
}

interface Way {
  readonly make: () => Framing;
  readonly slow: (input: Buffer) => Cut;
}

interface Kind {
  readonly name: string;
  readonly valid: readonly Buffer[];
  readonly ways: readonly Way[];
}

const text = 'one\r\n\ntwo ä€😀 which is longer than a frame may be\nthree\r';
const prefixes = [
  ...(['big', 'little'] as const).flatMap((order) => ([2, 4] as const).map((bytes) => ({ bytes, order }))),
  { bytes: 1, order: 'big' },
] as const;

const kinds: readonly Kind[] = [
  {
    name: 'lines',
    valid: [Buffer.from(text)],
    ways: [
      {
        make: () => lineFraming(frameBytesMax),
        slow: (input) => delimited(input, '\n', (line) => line.replace(/\r$/, '')),
      },
    ],
  },
  {
    name: 'frames that end with NUL',
    valid: [Buffer.from(text.replaceAll('\n', '\0'))],
    ways: [{ make: () => nulFraming(frameBytesMax), slow: (input) => delimited(input, '\0', (frame) => frame) }],
  },
  {
    name: 'octet-counted frames',
    valid: [
      Buffer.from('5 a\nb c\n3 <1>\r\n\x002 xy0 007 seven..31 0123456789ä€😀0123456789xx4 rest'),
      Buffer.from('000000003 abc123456789 d'),
    ],
    ways: [{ make: () => octetCountedFraming(frameBytesMax), slow: octetCounted }],
  },
  {
    name: 'frames behind their length',
    valid: prefixes.map(withLengths),
    ways: prefixes.map((prefix) => ({
      make: () => prefixedFraming(frameBytesMax, prefix),
      slow: (input) => prefixed(input, prefix),
    })),
  },
];

const grouped = groupedFraming(() => lineFraming(frameBytesMax), {
  ...{ start: undefined, continue: /^\s/, traces: ['java'], timeoutMs: 1000, linesMax: 4, bytesMax: groupBytesMax },
});

export const framingTargets: readonly Target[] = [
  ...kinds.map(
    ({ name, valid, ways }): Target => ({
      ...{ name, from: 'wire', valid },
      run(input) {
        for (const { make, slow } of ways) {
          const expected = slow(input);
          for (const size of [input.length || 1, 1, 3, 7, 64])
            assert.deepEqual(joined(fed(make(), input, size, heldBytesMax)), expected, `in pieces of ${size}`);
        }
      },
    }),
  ),
  {
    name: 'groups of lines of a connection',
    from: 'wire',
    valid: [
      Buffer.from('1 a\n b\n  c\r\njava.lang.Error: x\n\tat a.b(C.java:1)\n\tat a line above the limit of a frame\ny'),
    ],
    run(input) {
      const whole = fed(grouped(), input, input.length || 1, Number.POSITIVE_INFINITY);
      for (const size of [1, 3, 64])
        assert.deepEqual(fed(grouped(), input, size, heldBytesMax + groupBytesMax + frameBytesMax), whole);
    },
  },
];

interface Given {
  readonly bytes: string;
  readonly flaws: object;
}

/** Every frame of the input in pieces of one length; the sender did not end the connection by itself. */
function fed(framing: Framing, input: Buffer, size: number, memoryBytesMax: number): Given[] {
  const frames: Given[] = [];
  const drain = () => {
    for (let frame = framing.next(); frame !== undefined; frame = framing.next())
      frames.push({ bytes: latin1(frame.bytes), flaws: { ...frame.flaws } });
  };
  for (let at = 0; at < input.length && framing.broken === undefined; at += size) {
    // Memory that is written over: a frame's bytes are only lent.
    const piece = Buffer.from(input.subarray(at, at + size));
    framing.feed(piece);
    drain();
    piece.fill(0x23);
    assert.ok(framing.heldBytes <= memoryBytesMax, `${framing.heldBytes} bytes held`);
  }
  if (framing.broken !== undefined) return [...frames, { bytes: '', flaws: { broken: true } }];
  const rest = framing.finish(false);
  if (rest !== undefined) frames.push({ bytes: latin1(rest.bytes), flaws: { ...rest.flaws } });
  drain();
  return frames;
}

/** Frames of the limit's length, put together again. */
function joined(frames: readonly Given[]): Cut {
  const messages: string[] = [];
  let [open, incomplete, broken] = ['', undefined as string | undefined, false];
  let count = 0;
  for (const { bytes, flaws } of frames) {
    const flaw = flaws as { fragment?: number; last?: true; incomplete?: true; malformed?: true; broken?: true };
    if (flaw.broken) broken = true;
    if (flaw.broken || flaw.malformed) continue;
    assert.ok(Buffer.byteLength(bytes, 'latin1') <= frameBytesMax, `a frame of ${bytes.length} bytes`);
    if (flaw.fragment !== undefined) assert.equal(flaw.fragment, ++count, 'fragments are numbered');
    open += bytes;
    if (flaw.fragment !== undefined && !flaw.last) continue;
    if (flaw.incomplete) incomplete = open;
    else messages.push(open);
    open = '';
    count = 0;
  }
  // Broken within a frame it cannot be: a count stands between frames.
  assert.equal(open, '');
  return { messages, incomplete, broken };
}

function delimited(input: Buffer, end: string, clean: (frame: string) => string): Cut {
  const parts = latin1(input).split(end);
  const rest = parts.pop()!;
  return { messages: parts.map(clean), incomplete: rest === '' ? undefined : clean(rest), broken: false };
}

function octetCounted(input: Buffer): Cut {
  const messages: string[] = [];
  for (let rest = latin1(input); ; ) {
    rest = rest.replace(/^[\r\n\0]+/, '');
    const count = /^\d{1,9} /.exec(rest)?.[0];
    if (count === undefined) return { messages, incomplete: undefined, broken: rest !== '' && !/^\d{1,9}$/.test(rest) };
    const upto = count.length + Number(count);
    if (rest.length < upto) return { messages, incomplete: rest.slice(count.length), broken: false };
    messages.push(rest.slice(count.length, upto));
    rest = rest.slice(upto);
  }
}

function prefixed(input: Buffer, { bytes, order }: PrefixOptions): Cut {
  const messages: string[] = [];
  for (let at = 0; ; ) {
    if (input.length - at < bytes) return { messages, incomplete: undefined, broken: false };
    const length = order === 'big' ? input.readUIntBE(at, bytes) : input.readUIntLE(at, bytes);
    at += bytes;
    if (input.length - at < length) return { messages, incomplete: latin1(input.subarray(at)), broken: false };
    messages.push(latin1(input.subarray(at, at + length)));
    at += length;
  }
}

function withLengths({ bytes, order }: PrefixOptions): Buffer {
  const frames = ['ab', '', 'x'.repeat(40), '\r\n', 'ä€😀'].map((each) => Buffer.from(each));
  const length = Buffer.alloc(bytes);
  return Buffer.concat(
    frames.flatMap((frame) => {
      if (order === 'big') length.writeUIntBE(frame.length, 0, bytes);
      else length.writeUIntLE(frame.length, 0, bytes);
      return [Buffer.from(length), frame];
    }),
  );
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
