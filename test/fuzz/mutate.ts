/** Inputs for decoders, from a seed: valid ones with a few places changed, two of them spliced, and noise. */
import type { SeededRandom } from '../simulation/random.ts';

const bytesMax = 64 * 1024;
/** Numbers that end ranges: of one byte, of varints, of lengths. */
const telling = [0, 1, 0x0a, 0x22, 0x2c, 0x3b, 0x7f, 0x80, 0xfe, 0xff];

/** What a decoder is fed with in one go. Mostly near to something valid: noise ends at the first check. */
export function drawInput(valid: readonly Buffer[], random: SeededRandom): Buffer {
  if (valid.length === 0 || random.chance(0.1)) return Buffer.from(random.bytes(random.below(300)));
  const one = random.pick(valid);
  const input = random.chance(0.1) ? spliced(one, random.pick(valid), random) : one;
  return changed(input, random).subarray(0, bytesMax);
}

function spliced(one: Buffer, other: Buffer, random: SeededRandom): Buffer {
  return Buffer.concat([one.subarray(0, random.below(one.length + 1)), other.subarray(random.below(other.length + 1))]);
}

function changed(bytes: Buffer, random: SeededRandom): Buffer {
  let result = Buffer.from(bytes);
  for (let changes = 1 + random.below(4); changes > 0 && result.length > 0; changes--) {
    const at = random.below(result.length);
    const span = 1 + random.below(random.chance(0.2) ? 64 : 8);
    switch (random.below(7)) {
      case 0:
        result[at]! ^= 1 << random.below(8);
        break;
      case 1:
        result[at] = random.pick(telling);
        break;
      case 2:
        result = Buffer.concat([result.subarray(0, at), result.subarray(at + span)]);
        break;
      case 3:
        result = Buffer.concat([result.subarray(0, at), random.bytes(span), result.subarray(at)]);
        break;
      case 4:
        result = Buffer.concat([result.subarray(0, at), result.subarray(Math.max(0, at - span))]);
        break;
      case 5:
        result.fill(random.pick(telling), at, Math.min(result.length, at + span));
        break;
      default:
        result = result.subarray(0, at);
    }
  }
  return result;
}
