/** What can happen to a file at rest: one byte is another, it is cut, its end is zeros, it is gone. */
import { SimulatedDisk } from '../simulation/disk.ts';
import type { DirectoryNode } from '../simulation/nodes.ts';
import type { SeededRandom } from '../simulation/random.ts';
import { filesBelow, type SideName, sides } from './scene.ts';

export type Hurt =
  /** The byte at `at` is another by `mask`. */
  | { readonly kind: 'flip'; readonly at: number; readonly mask: number }
  /** Only the first `at` bytes are left. */
  | { readonly kind: 'cut'; readonly at: number }
  /** As long as before, zeros from `at` on (a file system that lost the pages). */
  | { readonly kind: 'zeros'; readonly at: number }
  | { readonly kind: 'missing' };

export type Damage = Hurt & { readonly side: SideName; readonly path: string };

/**
 * Every single-byte flip and every truncation of every file, and each file zeroed or gone: in the order that the seed draws,
 * one file after the other in turn, so that the beginning of it is a fair sample.
 */
export function everyDamage(disks: Readonly<Record<SideName, DirectoryNode>>, random: SeededRandom): Damage[] {
  const byFile = sides.flatMap((side) => {
    const disk = new SimulatedDisk({}, disks[side]);
    return filesBelow(disk, '/data').map((path) =>
      shuffled([...damagesOf(side, path, disk.readFile(path).length, random)], random),
    );
  });
  const longest = Math.max(...byFile.map((damages) => damages.length));
  return Array.from({ length: longest }, (_, index) => byFile.flatMap((damages) => damages[index] ?? [])).flat();
}

function* damagesOf(side: SideName, path: string, size: number, random: SeededRandom): Generator<Damage> {
  yield { side, path, kind: 'missing' };
  for (let at = 0; at < size; at += spread(path, at)) {
    yield { side, path, kind: 'flip', at, mask: random.chance(0.7) ? 1 << random.below(8) : 1 + random.below(255) };
    yield { side, path, kind: 'cut', at };
    if (at % 64 === 0) yield { side, path, kind: 'zeros', at };
  }
}

/** Most of a cursor file is empty: there each 64th byte, everywhere else each. */
function spread(path: string, at: number): number {
  return path.startsWith('/data/cursors/') && at % 4096 >= 256 ? 64 : 1;
}

function shuffled(damages: Damage[], random: SeededRandom): Damage[] {
  for (let left = damages.length; left > 1; left--) {
    const other = random.below(left);
    [damages[left - 1], damages[other]] = [damages[other]!, damages[left - 1]!];
  }
  return damages;
}

export function apply(disk: SimulatedDisk, damage: Damage): void {
  const { path } = damage;
  if (damage.kind === 'missing') {
    disk.world.unlink(path);
    disk.makeSafe();
  } else disk.writeFile(path, hurt(disk.readFile(path), damage));
}

/** The bytes as the damage leaves them. */
export function hurt(bytes: Buffer, damage: Exclude<Hurt, { kind: 'missing' }>): Buffer {
  const after = Buffer.from(bytes);
  if (damage.kind === 'cut') return after.subarray(0, damage.at);
  if (damage.kind === 'zeros') return after.fill(0, damage.at);
  after[damage.at]! ^= damage.mask;
  return after;
}

export function print(damage: Damage): string {
  const where = `${damage.side} ${damage.path}`;
  switch (damage.kind) {
    case 'flip':
      return `${where} byte ${damage.at} xor ${damage.mask}`;
    case 'cut':
      return `${where} cut to ${damage.at}`;
    case 'zeros':
      return `${where} zeros from ${damage.at}`;
    case 'missing':
      return `${where} missing`;
    default:
      return damage satisfies never;
  }
}
