/** What a case of the drill has to show, whatever was damaged. Each breach is a sentence. */

import { layoutOf } from '../../spool/format-nesting.ts';
import { expandFrame } from '../../spool/format-table.ts';
import { cursorsOf, findSpool, inspect } from '../../spool/inspect.ts';
import { segmentStart } from '../../spool/layout.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { codec } from '../spool/temporary-spool.ts';
import type { Outcome } from './case.ts';
import type { Damage } from './damage.ts';
import { type Scene, type SideName, sides } from './scene.ts';

/** A block of the scene, and the lines in it. */
interface SceneBlock {
  readonly segment: number;
  readonly newest: boolean;
  readonly position: number;
  readonly end: number;
  readonly lines: readonly string[];
}

export class Judge {
  readonly #blocks: Readonly<Record<SideName, readonly SceneBlock[]>>;
  readonly #vouched: Readonly<Record<SideName, number>>;
  /** Where each side's shipper stands. */
  readonly #cursors: Readonly<Record<SideName, number>>;
  readonly #mirrored: ReadonlySet<string>;

  constructor(scene: Scene) {
    const looked = sides.map((side) => [side, blocksOf(scene, side)] as const);
    this.#blocks = Object.fromEntries(looked.map(([side, { blocks }]) => [side, blocks])) as never;
    this.#vouched = Object.fromEntries(looked.map(([side, { vouched }]) => [side, vouched])) as never;
    this.#cursors = Object.fromEntries(sides.map((side) => [side, cursorOf(scene, side)])) as never;
    this.#mirrored = scene.mirrored;
  }

  breaches(damage: Damage, outcome: Outcome): string[] {
    const { lost, repeated, invented, newWrong, outOfOrder } = outcome;
    const allowed = this.#mayBeLost(damage);
    const beyond = lost.filter((line) => !allowed.has(line));
    const breaches: string[] = [];
    const say = (what: string, lines: readonly string[]) =>
      lines.length > 0 && breaches.push(`${lines.length} lines ${what}: ${lines.slice(0, 3).map(short).join(', ')} …`);
    say('are lost that were not damaged', beyond);
    say('are in the mirror more than once', repeated);
    say('were never written', invented);
    say('written after the damage did not come exactly once', newWrong);
    // With a header the cursor is lost too: what the block held is read again, behind what came to a newer file since.
    const again = damage.side === 'edge' ? this.#heldBy(damage) : new Set<string>();
    say(
      'came in another order',
      outOfOrder.filter((line) => !again.has(line)),
    );
    breaches.push(...outcome.imbalances.map((one) => `the counters do not add up: ${one}`));
    breaches.push(...this.#reporting(damage, outcome));
    return breaches;
  }

  /** What is lost is counted and said, and verify sees what the agents see. */
  *#reporting(damage: Damage, { lost, dropped, before, after, said, problems }: Outcome): Generator<string> {
    const counted = sumOf(dropped, /^(edge central|centre mirror) /);
    const tail = damage.side === 'centre' && this.#inTail(damage);
    // What was lost of the newest blocks' headers is read again: it counts as dropped, and then once more as read.
    const right = damage.side === 'edge' ? counted >= lost.length : counted === lost.length;
    if (!tail && !right) yield `${lost.length} lines are lost, ${counted} are counted as dropped`;
    if (lost.length > 0 && said.length === 0) yield 'lines are lost, and nobody says so';
    if (lost.length > 0 && before.length === 0) yield 'lines are lost, and verify found the damage sound';
    if (damage.kind === 'flip' && this.#range(damage) && before.length === 0) yield 'verify found a flipped byte sound';
    const red = problems.filter((problem) => problem.includes('(red)'));
    if (red.length > 0) yield `it stays red: ${red[0]}`;
    if (tail && counted < lost.length && !said.some((line) => /of edge \(blocks\)|an unknown number/.test(line)))
      yield 'records that the receiver had acknowledged are lost and not named';
    const known = new Set(before.map(({ where }) => where));
    for (const { where, what } of after)
      if (!known.has(where)) yield `after it was stopped, verify finds what it did not find before: ${where}, ${what}`;
    const silent = said.length + problems.length === 0;
    if (before.length > 0 && this.#needed(damage) && silent) yield 'verify finds damage that nobody speaks of';
  }

  #mayBeLost(damage: Damage): ReadonlySet<string> {
    const range = this.#range(damage);
    if (range === undefined) return new Set();
    const { side } = damage;
    const blocks = this.#blocks[side].filter((block) => {
      if (block.segment !== range.segment) return false;
      const hit = block.position < range.end && block.end > range.from;
      const unvouched = block.position >= this.#vouched[side];
      // Files are read again; what the receiver acknowledged goes with everything behind the damage.
      return side === 'edge' ? hit && !unvouched : hit || (block.newest && block.end > range.from);
    });
    return new Set(blocks.flatMap(({ lines }) => lines).filter((line) => !this.#mirrored.has(line)));
  }

  /** The lines of the blocks that are damaged. */
  #heldBy(damage: Damage): ReadonlySet<string> {
    const range = this.#range(damage);
    const hit = this.#blocks[damage.side].filter(
      ({ segment, position, end }) => segment === range?.segment && position < range.end && end > range.from,
    );
    return new Set(hit.flatMap(({ lines }) => lines));
  }

  /** Somebody will come across it. */
  #needed(damage: Damage): boolean {
    const range = this.#range(damage);
    return range !== undefined && range.end > this.#cursors[damage.side];
  }

  #inTail(damage: Damage): boolean {
    const range = this.#range(damage);
    return this.#blocks[damage.side].some(({ segment, newest }) => newest && segment === range?.segment);
  }

  /** The positions that are damaged, where it is a segment file. */
  #range(damage: Damage): { segment: number; from: number; end: number } | undefined {
    const segment = segmentStart(damage.path.slice(damage.path.lastIndexOf('/') + 1));
    if (segment === undefined) return undefined;
    const from = segment + (damage.kind === 'missing' ? 0 : damage.at);
    if (damage.kind === 'flip') return { segment, from, end: from + 1 };
    const blocks = this.#blocks[damage.side].filter((block) => block.segment === segment);
    return { segment, from, end: Math.max(...blocks.map((block) => block.end)) };
  }
}

function sumOf(dropped: Outcome['dropped'], which: RegExp): number {
  return Object.entries(dropped)
    .filter(([name]) => which.test(name))
    .reduce((sum, [, { records }]) => sum + records, 0);
}

function blocksOf(scene: Scene, side: SideName): { blocks: SceneBlock[]; vouched: number } {
  const { world } = new SimulatedDisk({}, scene.disks[side]);
  const blocks: SceneBlock[] = [];
  let vouched = 0;
  for (const found of inspect(world, findSpool(world, '/data')!)) {
    if (found.kind !== 'block') continue;
    const { position, end, header } = found.block;
    const { header: headerBytes, frame } = found.block.bytes()!;
    const layout = layoutOf(headerBytes, codec);
    if (layout.kind !== 'layout') throw new Error(`BUG: ${layout.why}`);
    const text = header.frameBytes > 0 ? Buffer.from(expandFrame(frame, codec)!).toString() : '';
    const lines = text.split('\n').filter((line) => line !== '');
    blocks.push({ segment: found.segment.start, newest: found.segment.newest, position, end, lines });
    vouched = Math.max(vouched, header.vouched);
  }
  return { blocks, vouched };
}

function cursorOf(scene: Scene, side: SideName): number {
  const { world } = new SimulatedDisk({}, scene.disks[side]);
  const [found] = cursorsOf(world, findSpool(world, '/data')!);
  if (!found?.cursor) throw new Error(`BUG: the scene's ${side} has no cursor`);
  return found.cursor.position;
}

function short(line: string): string {
  return line.slice(0, 8);
}
