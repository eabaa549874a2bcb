/**
 * Opens what a power cut left with the real spool and looks whether every promise was kept: what was told to others is there,
 * each block is one that was written, sources go on where their records end, and nothing is missing in between.
 */
import { decodeHeader, hashOf } from '../../spool/format.ts';
import type { Outlet } from '../../spool/nouns.ts';
import { openSpool, type Spool } from '../../spool/spool.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import type { SimulatedDisk } from '../simulation/disk.ts';
import { SeededRandom } from '../simulation/random.ts';
import { codec } from '../spool/temporary-spool.ts';
import type { Step } from './trace.ts';

export interface Party {
  readonly dataDir: string;
  readonly shipper: string;
  /** The header in what it tells others by which it promises something. */
  readonly promise: 'tailspool-upto' | 'tailspool-held';
}

/** What was written and promised so far. */
export class Told {
  readonly hashes = new Set<string>();
  /** Positions of its own spool (an agent), or of the agent's by epoch (a receiver). */
  readonly promised = new Map<string, number>();
  /** How often others were told something; taken by who counts them. */
  promises = 0;
  readonly #party: Party;

  constructor(party: Party) {
    this.#party = party;
  }

  see(step: Step): void {
    if (step.kind === 'write' && step.path.startsWith(`${this.#party.dataDir}/spool/`)) this.#blocks(step.bytes);
    if (step.kind !== 'told') return;
    const text = step.text.toLowerCase();
    // A receiver's answer to a question or a batch, an agent's batch: with the position and the epoch that it is about.
    const position = new RegExp(`${this.#party.promise}: (\\d+)`).exec(text)?.[1];
    const epoch = /tailspool-epoch: ([0-9a-f]{32})/.exec(text)?.[1];
    if (position === undefined || epoch === undefined) return;
    this.promises++;
    this.promised.set(epoch, Math.max(this.promised.get(epoch) ?? 0, Number(position)));
  }

  #blocks(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const result = decodeHeader(bytes.subarray(at));
      if (result.kind !== 'header') return;
      this.hashes.add(hashOf(bytes.subarray(at, at + result.length)));
      at += result.length + result.header.frameBytes;
    }
  }
}

/** Everything that does not hold. */
export async function broken(disk: SimulatedDisk, party: Party, told: Told): Promise<string[]> {
  const clock = new SimulatedClock();
  const { dataDir, shipper } = party;
  const spool = await clock.run(
    openSpool(
      {
        ...{ dataDir, syncIntervalMs: 100, segmentBytes: 256 * 1024, maxBytes: 1024 ** 3, minFreeBytes: 0 },
        ...{ damagedBytesMax: 1024 ** 3, retainAckedBytes: 0, shippers: [{ name: shipper, whenFull: 'block' }] },
      },
      { files: disk.files, clock, random: new SeededRandom(1), codec, log: { write() {} } },
    ),
  );
  const wrong = [...unkept(spool, party, told), ...read(spool, spool.outlet(shipper), told)];
  await clock.run(spool.close());
  return wrong;
}

function* unkept(spool: Spool, party: Party, { promised }: Told): Generator<string> {
  if (party.promise === 'tailspool-upto') {
    const upto = Math.max(0, ...promised.values());
    const { durable } = spool.status();
    if (durable < upto) yield `shipped up to ${upto}, and the spool ends at ${durable}`;
    return;
  }
  for (const [epoch, position] of promised) {
    const rows = [...spool.intake.sources.values()].filter(({ description }) =>
      Object.values(description.attributes).includes(epoch),
    );
    const held = Math.max(0, ...rows.map(({ cursor }) => cursor.offset));
    if (held < position) yield `told that ${position} of ${epoch} is held, and it is ${held}`;
  }
}

/** From the oldest block on: every block was written, and a source's runs follow each other to its cursor. */
function* read(spool: Spool, outlet: Outlet, { hashes }: Told): Generator<string> {
  const ends = new Map<number, number>();
  const cursor = outlet.cursor?.position;
  let passed = cursor === undefined || cursor <= outlet.oldest;
  for (let at = outlet.oldest; ; ) {
    const found = outlet.read(at, 1024 * 1024);
    if (found.kind === 'end') break;
    if (found.kind === 'unreadable') return yield `it cannot be read at ${at}`;
    at = found.upto;
    if (found.kind === 'gap') {
      if (found.gap.reason !== 'hole_in_positions') yield `lost: ${JSON.stringify(found.gap)}`;
      continue;
    }
    for (const block of found.blocks) {
      if (!hashes.has(block.hash)) yield `invented: the block at ${block.position}`;
      passed ||= block.end === cursor;
      const decoded = decodeHeader(block.header);
      if (decoded.kind !== 'header') continue;
      for (const run of decoded.header.runs) {
        const end = ends.get(run.source);
        if (end !== undefined && end !== run.from)
          yield `source ${run.source} goes on at ${run.from} where it had come to ${end} (block at ${block.position})`;
        ends.set(run.source, run.to);
      }
    }
  }
  if (!passed && cursor !== spool.status().end) yield `the cursor stands at ${cursor}, where no block ends`;
  for (const [source, end] of ends) {
    const known = spool.intake.sources.get(source);
    if (known && known.cursor.offset !== end)
      yield `source ${source} is read up to ${end}, its cursor says ${known.cursor.offset}`;
  }
}
