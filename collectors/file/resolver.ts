/**
 * Finds out what happened to a path: looks at what stands there and under the names that rotation gives, compares with what
 * was read, asks `rotation.ts` for the plan and carries it out. The look is repeated until nothing moved while it was taken.
 */
import type { FileStat } from '../../spool/ports.ts';
import { type Candidate, Candidates } from './candidates.ts';
import type { Context } from './context.ts';
import { fingerprintAt } from './fingerprint.ts';
import { Generation } from './generation.ts';
import { compare, type Likeness } from './identity.ts';
import { inspectQuickly, type Lineage } from './lineage.ts';
import { pace } from './options.ts';
import { inspect } from './permission.ts';
import { type Plan, planRotation, type Ruling } from './rotation.ts';
import { beginAtEnd, describe } from './sources.ts';

const looksMax = 5;

/** Brings the lineage in step with the disk. Afterwards its live generations are those to be read, in order. */
export async function resolve(lineage: Lineage, context: Context): Promise<void> {
  lineage.resolveAt = undefined;
  for (let look = 0; look < looksMax; look++) {
    const before = inspectQuickly(lineage.path, context);
    using candidates = await look1(lineage, context);
    if (candidates === undefined) return;
    if (inspectQuickly(lineage.path, context) !== before) continue;
    lineage.settled = before;
    carryOut(lineage, candidates, context);
    return;
  }
  lineage.resolveAt = context.clock.monotonic() + pace.hintDelayMs * 10; // it rotates faster than it can be looked at
}

/** Everything that may be one of the lineage's generations; undefined where the path itself may not be read. */
async function look1(lineage: Lineage, context: Context): Promise<Candidates | undefined> {
  const inspection = inspect(lineage.path, context.rules);
  if (inspection.kind === 'refused' || inspection.kind === 'unreadable') {
    const { kind: state, cause, message, hint } = inspection;
    lineage.trouble = { state, cause, message, hint, since: lineage.trouble?.since ?? context.clock.now() };
    lineage.settled = inspectQuickly(lineage.path, context);
    return undefined;
  }
  const candidates = new Candidates(context);
  try {
    if (inspection.kind === 'file' && !takenByAnother(lineage, inspection.stat, inspection.path, context))
      candidates
        .add({ path: inspection.path, stat: inspection.stat, current: true, age: 0, compression: undefined })
        .open();
    const known = lineage.known;
    if (known.length > 0) await candidates.addRotated(lineage, known);
    lineage.trouble = undefined;
    return candidates;
  } catch (error) {
    candidates[Symbol.dispose]();
    const { message } = error as Error;
    lineage.trouble = {
      ...{ state: 'unreadable', cause: 'unreadable', message: `${lineage.path}: ${message}` },
      ...{ hint: 'It is tried again by itself.', since: lineage.trouble?.since ?? context.clock.now() },
    };
    lineage.settled = inspectQuickly(lineage.path, context);
    return undefined;
  }
}

/** A file that was renamed to this path goes on as the source that it is. */
function takenByAnother(lineage: Lineage, stat: FileStat, path: string, context: Context): boolean {
  for (const generation of context.registry.withInode(stat.inode)) {
    const owner = context.registry.lineageOf(generation);
    if (owner === undefined || owner === lineage) continue;
    using candidates = new Candidates(context);
    const file = candidates.add({ path, stat, current: true, age: 0, compression: undefined });
    const around = { birthIsReal: context.births.areReal(stat.device), rebooted: context.rebooted };
    if (compare(generation, stat, file.content, around).kind !== 'itself') continue;
    generation.moveTo({ path, compression: undefined });
    context.registry.note(generation, owner);
    context.wake(owner.path);
    return true;
  }
  return false;
}

function carryOut(lineage: Lineage, candidates: Candidates, context: Context): void {
  const known = lineage.known;
  const files = candidates.list;
  lineage.claims.clear();
  const plan = planRotation(
    known.map((generation) => ({
      offset: generation.offset,
      finished: generation.finished,
      modifiedMs: generation.modifiedMs,
      open: generation.file !== undefined && generation.lastTurn !== 'changed',
    })),
    files.map(({ current, compressed, plainName, age, content, stat }) => ({
      ...{ current, compressed, plainName, age },
      ...{ sizeBytes: content.sizeBytes, modifiedMs: stat.modifiedMs },
    })),
    likenessOf(known, files, context),
  );
  plan.rulings.forEach((ruling, at) => {
    if (ruling.is === 'continued') goOn(lineage, known[ruling.known]!, files[at]!, ruling, context);
    else if (ruling.is === 'held') lineage.resolveAt = context.clock.monotonic() + pace.pollMs;
    if (ruling.is === 'held' || ruling.is === 'read_before') lineage.claims.add(files[at]!.path);
  });
  for (const { known: at, why } of plan.lost) lose(lineage, known[at]!, why, context);
  for (const at of plan.begin) begin(lineage, files[at]!, plan.rulings[at]!, context);
  lineage.live.sort((one, other) => one.order - other.order);
}

/** Comparing reads from the files: each pair once, when it is asked for. */
function likenessOf(
  known: readonly Generation[],
  files: readonly Candidate[],
  context: Context,
): (known: number, file: number) => Likeness {
  const found = new Map<number, Likeness>();
  return (one, other) => {
    const key = one * files.length + other;
    const kept = found.get(key);
    if (kept) return kept;
    const { stat, content, compression } = files[other]!;
    const around = { birthIsReal: context.births.areReal(stat.device), rebooted: context.rebooted };
    const asOther = compression === undefined ? stat : { ...stat, inode: -1n };
    const likeness = compare(known[one]!, asOther, content, around);
    found.set(key, likeness);
    return likeness;
  };
}

function goOn(
  lineage: Lineage,
  generation: Generation,
  candidate: Candidate,
  { how }: Extract<Ruling, { is: 'continued' }>,
  context: Context,
): void {
  const { path, compression, stat } = candidate;
  generation.moveTo({ path, compression });
  const more = candidate.content.sizeBytes > generation.offset;
  if (compression === undefined) {
    if (how === 'copy') context.descriptors.close(generation);
    if (generation.file === undefined && (more || !generation.finished)) {
      generation.file = candidate.takeFile();
      if (generation.file) context.descriptors.opened(generation);
    }
    generation.observe(generation.file?.stat() ?? stat);
  } else {
    context.descriptors.close(generation);
    generation.sizeBytes = candidate.content.sizeBytes;
    generation.deleted = false;
  }
  context.registry.note(generation, lineage);
  if (generation.finished && !more) return;
  generation.finished = false;
  lineage.missing = lineage.missing.filter((one) => one !== generation);
  lineage.past = lineage.past.filter((one) => one !== generation);
  if (!lineage.live.includes(generation)) lineage.live.push(generation);
}

function lose(lineage: Lineage, generation: Generation, why: Plan['lost'][number]['why'], context: Context): void {
  const subject = generation.path;
  switch (why) {
    case 'truncated': {
      const destroyed = generation.lagBytes;
      const range = `bytes ${generation.offset} to ${generation.sizeBytes}`;
      if (destroyed > 0) {
        generation.skipTo(generation.sizeBytes, 'truncated');
        const message = `${subject} was truncated before ${range} were read, and no copy of them was found; they are lost. Rotating by renaming instead of copytruncate loses nothing.`;
        context.log.write({ severity: 'warn', event: 'file.truncated_unread', subject, message });
      }
      lineage.finish(generation);
      return;
    }
    case 'went_back':
    case 'unclear': {
      const message =
        why === 'went_back'
          ? `${subject} went back to an earlier state after a power cut; it is read on from the newest point that is still the same, so lines may come twice.`
          : `what became of ${subject} is not clear from its content; what stands there now is read from its beginning, so lines may come twice.`;
      context.log.write({ severity: 'warn', event: `file.${why}`, subject, message });
      lineage.finish(generation);
      return;
    }
    case 'gone':
      context.descriptors.close(generation);
      generation.moveTo(undefined);
      context.registry.note(generation, lineage);
      lineage.live = lineage.live.filter((one) => one !== generation);
      if (generation.offset === 0 && generation.source === 0) context.registry.drop(generation);
      else if (!lineage.missing.includes(generation)) lineage.missing.push(generation);
      return;
    default:
      why satisfies never;
  }
}

function begin(lineage: Lineage, candidate: Candidate, ruling: Ruling, context: Context): void {
  const from = ruling.is === 'new' ? ruling.from : 0;
  const file = candidate.compression === undefined ? candidate.takeFile() : undefined;
  const crc = from > 0 && file ? (fingerprintAt((into, position) => file.read(into, position), from) ?? 0) : 0;
  const generation = new Generation(context.tools, {
    description: describe(lineage.path, context.options),
    order: context.order(),
    offset: from,
    crc,
  });
  generation.moveTo({ path: candidate.path, compression: candidate.compression });
  generation.observe(candidate.stat);
  generation.sizeBytes = candidate.content.sizeBytes;
  generation.file = file;
  if (file) context.descriptors.opened(generation);
  if (context.startAtEnd && ruling.is === 'new' && !ruling.missed) beginAtEnd(generation);
  lineage.live.push(generation);
  context.registry.note(generation, lineage);
}
