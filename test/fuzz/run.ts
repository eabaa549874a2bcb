/**
 * Feeds one decoder: every flipped bit and every truncation of its small valid inputs (sampled where the time is short), then what
 * the seed draws, until the time is over. An input is named by its seed and number, and drawn again from them.
 */
import { SeededRandom } from '../simulation/random.ts';
import { drawInput } from './mutate.ts';
import type { Target } from './target.ts';

/** No input may take longer: so much stands for "for ever" on a busy machine. */
const inputMsMax = 10_000;
/** What one decoder may leave behind, whatever it was fed. */
const memoryBytesMax = 512 * 1024 * 1024;

export interface Fed {
  readonly exhaustive: number;
  readonly drawn: number;
  /** True where each flip and each cut was tried. */
  readonly whole: boolean;
}

export class FuzzFailure extends Error {
  override readonly name = 'FuzzFailure';
}

export async function feed(target: Target, seed: number, ms: number): Promise<Fed> {
  const start = performance.now();
  const memory = process.memoryUsage().rss;
  const half = start + ms / 2;
  const sum = { exhaustive: 0, whole: true };
  for (const [what, input] of near(target.valid, ms)) {
    if (performance.now() > half) {
      sum.whole = false;
      break;
    }
    await one(target, input, what);
    sum.exhaustive++;
  }
  let drawn = 0;
  while (performance.now() < start + ms) {
    await one(target, inputOf(target, seed, drawn), `--seed ${seed} --input ${drawn}`);
    drawn++;
  }
  const grown = process.memoryUsage().rss - memory;
  if (grown > memoryBytesMax) throw new FuzzFailure(`${target.name}: ${grown} bytes more memory than before`);
  return { exhaustive: sum.exhaustive, drawn, whole: sum.whole };
}

export async function one(target: Target, input: Buffer, what: string): Promise<void> {
  const start = performance.now();
  try {
    await target.run(input);
  } catch (error) {
    const hex = input.length > 2000 ? `${input.toString('hex', 0, 2000)}…` : input.toString('hex');
    throw new FuzzFailure(`${target.name}, ${what}: ${(error as Error).stack}\ninput: ${hex}`, { cause: error });
  }
  const took = performance.now() - start;
  if (took > inputMsMax) throw new FuzzFailure(`${target.name}, ${what}: took ${took.toFixed(0)} ms`);
}

/** The input of a number: the same for the same seed, whatever came before it. */
export function inputOf(target: Target, seed: number, number: number): Buffer {
  const random = new SeededRandom(seed * 1_000_003 + number);
  random.uint32();
  const input = drawInput(target.valid, random);
  return target.seal && random.chance(0.7) ? target.seal(input) : input;
}

/** Valid inputs as they are, then flips and cuts of them in a scattered order, so that a short run is a sample. */
function* near(valid: readonly Buffer[], ms: number): Generator<[string, Buffer]> {
  for (const [index, bytes] of valid.entries()) {
    yield [`valid input ${index}`, bytes];
    const places = bytes.length * 9;
    const stride = coprime(places, ms);
    for (let count = 0, place = 0; count < places; count++, place = (place + stride) % places) {
      const input = Buffer.from(bytes);
      if (place < bytes.length) yield [`valid input ${index} cut to ${place}`, input.subarray(0, place)];
      else {
        const bit = place - bytes.length;
        input[bit >> 3]! ^= 1 << (bit & 7);
        yield [`valid input ${index} with bit ${bit} flipped`, input];
      }
    }
  }
}

/** A stride that visits every place once. */
function coprime(places: number, about: number): number {
  const divides = (a: number, b: number): number => (b === 0 ? a : divides(b, a % b));
  let stride = Math.max(1, Math.floor(places * 0.618) + Math.floor(about % 7));
  while (divides(places, stride) !== 1) stride++;
  return stride;
}
