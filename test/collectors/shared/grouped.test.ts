/** Groups of a connection's lines: the same in any pieces, and no byte of them lost. SEED=n replays one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineFraming } from '../../../collectors/shared/framing/delimited.ts';
import type { Frame } from '../../../collectors/shared/framing/framing.ts';
import { groupedFraming } from '../../../collectors/shared/framing/grouped.ts';
import { firstSeed, SeededRandom } from '../../simulation/random.ts';

const seed = firstSeed(Date.now() % 1_000_000);
const options = {
  start: undefined,
  continue: /^ /,
  traces: ['java'],
  timeoutMs: 1000,
  linesMax: 4,
  bytesMax: 300,
} as const;

function framesOf(bytes: Buffer, pieceOf: () => number) {
  const framing = groupedFraming(() => lineFraming(256), options)();
  const frames: { text: string; flaws: unknown }[] = [];
  const keep = (frame: Frame | undefined) => {
    if (frame) frames.push({ text: Buffer.from(frame.bytes).toString('latin1'), flaws: frame.flaws });
    return frame !== undefined;
  };
  for (let at = 0; at < bytes.length; ) {
    const piece = Buffer.from(bytes.subarray(at, at + pieceOf()));
    at += piece.length;
    framing.feed(piece);
    while (keep(framing.next()));
    assert.ok(framing.heldBytes <= 256 + options.bytesMax + 2, 'bounded');
    piece.fill(0); // it was only lent
  }
  keep(framing.finish(true));
  while (keep(framing.next()));
  assert.equal(framing.heldBytes, 0);
  return frames;
}

test(`groups of a connection's lines are the same in any pieces (SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  for (let round = 0; round < 50; round++) {
    const lines = Array.from({ length: 40 }, (_, at) => {
      const begin = random.pick(['', ' ', 'java.lang.Error: ', '\tat a.b(C.java:1) ']);
      return `${begin}${at}${'x'.repeat(random.below(random.chance(0.1) ? 700 : 30))}\n`;
    });
    const bytes = Buffer.from(lines.join(''));
    const whole = framesOf(bytes, () => bytes.length);
    assert.deepEqual(
      framesOf(bytes, () => 1 + random.below(40)),
      whole,
    );
    const text = whole.map((frame) => frame.text).join('');
    assert.equal(text.replaceAll('\n', ''), bytes.toString('latin1').replaceAll('\n', ''));
    assert.ok(
      whole.some((frame) => frame.text.includes('\n')),
      'some are groups',
    );
  }
});
