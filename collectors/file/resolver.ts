/**
 * Finds out what happened to a path: looks at what stands there and under the names that rotation gives, compares with what
 * was read, asks `rotation.ts` for the plan and carries it out. The look is repeated until nothing moved while it was taken.
 */
import { type Candidate, Candidates } from './candidates.ts';
import type { Context } from './context.ts';
import { fingerprintAt } from './fingerprint.ts';
import { Generation } from './generation.ts';
import type { Likeness } from './identity.ts';
import { inspectQuickly, type Lineage, type Trouble } from './lineage.ts';
import { directoryOf } from './names.ts';
import { pace } from './options.ts';
import { inspect, unreadable } from './permission.ts';
import { type Plan, planRotation, type Ruling } from './rotation.ts';
import { beginAtEnd, describe } from './sources.ts';

const looksMax = 5;

/** Brings the lineage in step with the disk. Afterwards its live generations are those to be read, in order. */
export async function resolve(lineage: Lineage, context: Context): Promise<void> {
  lineage.resolveAt = undefined;
  lineage.resolvedAt = context.clock.monotonic();
  for (let looks = 0; looks < looksMax; looks++) {
    const before = inspectQuickly(lineage.path, context);
    using candidates = await look(lineage, context);
    if (candidates === undefined) return;
    if (inspectQuickly(lineage.path, context) !== before) continue;
    lineage.settled = before;
    carryOut(lineage, candidates, context);
    return;
  }
  lineage.resolveAt = context.clock.monotonic() + pace.hintDelayMs * 10; // it rotates faster than it can be looked at
}

/** Everything that may be one of the lineage's generations; undefined where the path itself may not be read. */
async function look(lineage: Lineage, context: Context): Promise<Candidates | undefined> {
  const inspection = inspect(lineage.path, context.rules);
  if (inspection.kind === 'refused' || inspection.kind === 'unreadable') {
    const { kind: state, cause, message, hint } = inspection;
    lineage.trouble = { state, cause, message, hint, since: lineage.trouble?.since ?? context.clock.now() };
    lineage.settled = inspectQuickly(lineage.path, context);
    return undefined;
  }
  const candidates = new Candidates(lineage, context);
  try {
    if (inspection.kind === 'file') candidates.addCurrent(inspection.path, inspection.stat);
    const known = lineage.known;
    if (known.length > 0) await candidates.addRotated(known);
    const { failure } = candidates;
    lineage.trouble = failure && troubleOf(lineage, failure.message, context);
    if (failure || candidates.unfinished) lineage.resolveAt = context.clock.monotonic() + pace.pollMs;
    return candidates;
  } catch (error) {
    candidates[Symbol.dispose]();
    const found = unreadable(lineage.path, error);
    if (found.kind === 'unreadable') {
      const { cause, message, hint } = found;
      lineage.trouble = { ...troubleOf(lineage, message, context), cause, hint };
    }
    lineage.resolveAt = context.clock.monotonic() + pace.pollMs;
    return undefined;
  }
}

function troubleOf(lineage: Lineage, message: string, context: Context): Trouble {
  const since = lineage.trouble?.since ?? context.clock.now();
  return { state: 'unreadable', cause: 'unreadable', message, hint: 'It is tried again by itself.', since };
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
    files.map(({ facts, plainName, content, stat }) => ({
      ...{ current: facts.current, related: facts.related, compressed: facts.compression !== undefined },
      ...{ plainName, age: facts.age, sizeBytes: content.sizeBytes, modifiedMs: stat.modifiedMs },
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
    const likeness = files[other]!.compareWith(known[one]!, context);
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
  context.watchAlso(directoryOf(path));
  context.registry.note(generation, lineage);
  if (generation.finished && !more) return;
  generation.finished = false;
  if (!lineage.live.includes(generation)) lineage.join(generation);
}

function lose(lineage: Lineage, generation: Generation, why: Plan['lost'][number]['why'], context: Context): void {
  const subject = generation.path;
  switch (why) {
    case 'truncated': {
      const { offset, highBytes } = generation;
      const range = `bytes ${offset} to ${highBytes}`;
      if (highBytes > offset) {
        generation.skipTo(highBytes, 'truncated');
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
  lineage.join(generation);
  context.watchAlso(directoryOf(candidate.path));
  context.registry.note(generation, lineage);
}
