/**
 * Finds out what happened to a path: looks at what stands there and under the names that rotation gives, compares with what
 * was read, asks `rotation.ts` for the plan and carries it out. The look is repeated until nothing moved while it was taken.
 */
import { type Candidate, Candidates, readElsewhere } from './candidates.ts';
import type { Context } from './context.ts';
import type { Loss, Plan, Ruling } from './draft.ts';
import { headBytesMax } from './fingerprint.ts';
import { Generation } from './generation.ts';
import type { Likeness } from './identity.ts';
import type { Lineage, Trouble } from './lineage.ts';
import { mayChangeUnseen } from './listings.ts';
import { type Looking, lookingAt } from './looking.ts';
import { giveUp, loseUnread } from './lost.ts';
import { directoryOf } from './names.ts';
import { folderChangedNs, objectOf } from './object-at.ts';
import { pace } from './options.ts';
import { findPartings } from './parting.ts';
import { unreadable } from './permission.ts';
import { planRotation } from './rotation.ts';
import { beginAtEnd, describe } from './sources.ts';

const looksMax = 5;

/**
 * Brings the lineage in step with the disk. Afterwards its live generations are those to be read, in order. `asked`: an archive
 * that is to be looked into in any case.
 */
export async function resolve(lineage: Lineage, context: Context, asked?: string): Promise<void> {
  lineage.resolveAt = undefined;
  lineage.resolvedAt = context.clock.monotonic();
  const looking = lookingAt(lineage.path, context);
  for (let looks = 0; looks < looksMax; looks++) {
    const looksAround = lineage.known.length > 0 || context.sinceMs < Number.POSITIVE_INFINITY;
    const before = looksAround ? await looking.object(lineage.path) : undefined;
    const folderNs = context.isRemote(lineage.path) ? 0n : folderChangedNs(lineage.path, context, true);
    using candidates = await look(lineage, looking, context, asked);
    if (candidates === undefined) return;
    await findPartings(lineage.known, candidates.list, context);
    const movedOn = before !== undefined && (await looking.object(lineage.path)) !== before;
    if (movedOn || !(await candidates.areStill())) continue;
    if (context.stopping) return;
    learnHeads(lineage, candidates);
    const settled = before ?? (await settledAt(lineage, candidates, looking));
    const known = lineage.known;
    const plan = planFor(lineage, known, candidates.list, context);
    if (!candidates.currentIsWhole) continue;
    lineage.moving = false;
    lineage.settled = settled;
    lineage.settledFolderNs = folderNs;
    lineage.settledBlankNs = blankNs(candidates.list, context);
    tell(lineage, known, candidates.list, plan, context);
    carryOut(plan, lineage, known, candidates.list, context);
    return;
  }
  lineage.moving = true;
  lineage.resolveAt = context.clock.monotonic() + pace.hintDelayMs * 10;
}

/** When the file at the path had last changed before its surroundings were looked at, if it was empty. */
function blankNs(files: readonly Candidate[], { clock }: Context): bigint | undefined {
  const current = files.find((file) => file.current);
  if (current === undefined || current.content.sizeBytes > 0) return undefined;
  const { changedNs } = current.stat;
  return mayChangeUnseen(changedNs, clock) ? -1n : changedNs;
}

/**
 * What was empty when it was looked at, and stands nowhere any more: it has no surroundings, its bytes are its own. Before the
 * plan is made, for its compressed form may be there already.
 */
function learnHeads({ live }: Lineage, { list }: Candidates): void {
  const standing = new Set(list.map(({ stat }) => stat.inode));
  for (const generation of live) {
    if (!generation.isBlank || standing.has(generation.inode)) continue;
    generation.learnOwnHead();
    if (!generation.isBlank) generation.lastTurn = 'idle'; // what its last turn was afraid of cannot be
  }
}

/** Without a second look where the file is open. */
async function settledAt(lineage: Lineage, { list }: Candidates, looking: Looking): Promise<string> {
  return list[0] ? objectOf(list[0].stat) : looking.object(lineage.path);
}

/** Everything that may be one of the lineage's generations; undefined where the path itself may not be read. */
async function look(
  lineage: Lineage,
  looking: Looking,
  context: Context,
  asked: string | undefined,
): Promise<Candidates | undefined> {
  const inspection = await looking.inspect(lineage.path);
  if (inspection.kind === 'refused' || inspection.kind === 'unreadable') {
    const { kind: state, cause, message, hint } = inspection;
    lineage.trouble = { state, cause, message, hint, since: lineage.trouble?.since ?? context.clock.now() };
    lineage.settled = await looking.object(lineage.path);
    lineage.resolveAt = context.clock.monotonic() + pace.refusedRetryMs;
    return undefined;
  }
  const candidates = new Candidates(lineage, context);
  try {
    if (inspection.kind === 'file') await candidates.addCurrent(inspection.path, inspection.stat);
    const known = lineage.known;
    if (known.length > 0 || context.sinceMs < Number.POSITIVE_INFINITY) await candidates.addRotated(known, asked);
    const { failure } = candidates;
    lineage.trouble = failure && troubleOf(lineage, failure.message, context);
    if (failure || candidates.unfinished) lineage.tryAgain();
    else lineage.tries = 0;
    return candidates;
  } catch (error) {
    candidates[Symbol.dispose]();
    const found = unreadable(lineage.path, error);
    if (found.kind === 'unreadable') {
      const { cause, message, hint } = found;
      lineage.trouble = { ...troubleOf(lineage, message, context), cause, hint };
    }
    lineage.tryAgain();
    return undefined;
  }
}

function troubleOf(lineage: Lineage, message: string, context: Context): Trouble {
  const since = lineage.trouble?.since ?? context.clock.now();
  return { state: 'unreadable', cause: 'unreadable', message, hint: 'It is tried again by itself.', since };
}

function planFor(lineage: Lineage, known: readonly Generation[], files: readonly Candidate[], context: Context): Plan {
  return planRotation(
    known.map((generation) => ({
      offset: generation.offset,
      finished: generation.finished,
      open: generation.file !== undefined && (generation.lastTurn !== 'changed' || generation.isBlank),
      cutOff: generation.wasCutOff,
      blank: generation.isBlank,
      modifiedMs: generation.certainMs,
    })),
    files.map(({ facts, plainName, content, stat, now }) => ({
      ...{ current: facts.current, related: facts.related, compressed: facts.compression !== undefined },
      ...{ plainName, age: facts.age, sizeBytes: content.sizeBytes, modifiedMs: stat.modifiedMs, now },
    })),
    {
      likeness: likenessOf(known, files, context),
      startsAlike: (one, other) => startsAlike(files[one]!, files[other]!),
      isWithin: (one, other) => known[one]!.mayHold(files[other]!.content),
    },
    { newerThanMs: newerThanMs(known, context), mayWait: lineage.mayWait },
  );
}

function carryOut(
  plan: Plan,
  lineage: Lineage,
  known: readonly Generation[],
  files: readonly Candidate[],
  context: Context,
): void {
  for (const generation of known) {
    if (generation.emptiedBytes > 0) emptied(generation, plan, files, context);
  }
  const strange = known.filter((one) => !one.isBlank && one.strange.bytes > 0).map((one) => one.strange);
  plan.rulings.forEach((ruling, at) => {
    if (ruling.is === 'continued') goOn(lineage, known[ruling.known]!, files[at]!, ruling, context);
  });
  const held = files.filter((_, at) => plan.rulings[at]!.is === 'held');
  const copies = held.filter((file) => !file.current).map((file) => `${file.path} ${file.content.sizeBytes}`);
  lineage.claims = files.filter((_, at) => /^(held|read_before)$/.test(plan.rulings[at]!.is)).map((file) => file.path);
  lineage.holds(held.length > 0);
  lineage.waitsFor(held.some((file) => file.current) ? copies.join() : undefined);
  for (const { known: at, why } of plan.lost) lose(lineage, known[at]!, why, context);
  for (const at of plan.begin) {
    const ruling = plan.rulings[at]!;
    if (ruling.is === 'held') {
      // Once it is registered its number is its place.
      if (known[ruling.known!]!.source === 0) lineage.putLast(known[ruling.known!]!, context.order());
      continue;
    }
    const original = plan.lost.find(({ known: one, why }) => why === 'truncated' && mayBePart(files[at]!, known[one]!));
    if (original) tellPart(files[at]!, known[original.known]!, context);
    const begun = begin(lineage, files[at]!, ruling, context);
    if (begun && begun.emptiedBytes > 0) emptied(begun, plan, files, context); // while it was looked at
    if (begun && files[at]!.facts.current)
      for (const seen of strange)
        if (!files.some((file) => holds(file, seen))) loseUnread(begun, seen.bytes, context.log);
  }
  for (const generation of known) if (held.length === 0 && !generation.isBlank) generation.forgetStrange();
}

/** What was seen of other bytes may stand in this file. */
function holds({ content }: Candidate, { bytes, head }: Generation['strange']): boolean {
  return content.sizeBytes >= bytes && (head.length === 0 || content.headOf(head.length)?.crc === head.crc);
}

/** A copy that was made before the last lines were read: what is known of those does not say what stood there before. */
function mayBePart({ facts, content, compression }: Candidate, { offset, head }: Generation): boolean {
  if (facts.current || compression !== undefined || content.sizeBytes === 0 || content.sizeBytes >= offset)
    return false;
  return content.sizeBytes < head.length || content.headOf(head.length)?.crc === head.crc;
}

function tellPart({ path }: Candidate, { path: subject }: Generation, { log }: Context): void {
  const message = `${path} may be a copy of ${subject} that was made before its last lines were read, and it was truncated then; the copy is read from its beginning, so lines may come twice.`;
  log.write({ severity: 'warn', event: 'file.unclear', subject, message });
}

/**
 * A generation that was missed is younger than the newest one known; of a path of which nothing is known, younger than this
 * collector's interest in it. At the very first start what was rotated before is left alone, unless cursors of its path were adopted.
 */
function newerThanMs(known: readonly Generation[], context: Context): number {
  if (context.firstLook?.isFirstRun && !known.some(({ isTakenUp }) => isTakenUp)) return Number.POSITIVE_INFINITY;
  return known.at(-1)?.stoodMs ?? context.sinceMs;
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

/** The shorter one's bytes are the other one's beginning, as far as its start and its end tell. */
function startsAlike(one: Candidate, other: Candidate): boolean {
  const length = Math.min(one.content.sizeBytes, other.content.sizeBytes);
  if (length === 0) return other.content.sizeBytes === 0; // it may be being written; of nothing there is no copy
  const start = Math.min(length, headBytesMax);
  if (one.content.headOf(start)?.crc !== other.content.headOf(start)?.crc) return false;
  // Of an archive the end is only known where it was asked for.
  const [end, otherEnd] = [one.content.fingerprintAt(length), other.content.fingerprintAt(length)];
  return end === undefined || otherEnd === undefined || end === otherEnd;
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
    generation.observeArchive(candidate.object, stat.modifiedMs, candidate.content.sizeBytes);
  }
  generation.learn(candidate.head, candidate.end);
  if (how === 'copy' && generation.source !== 0) generation.register(); // it is another object from now on
  if (generation.source === 0 && !generation.isBlank) context.unregistered.add(generation);
  if (how === 'itself' && generation.offset > 0 && compression === undefined) generation.certainMs = stat.modifiedMs;
  if (how === 'itself' && candidate.facts.current) generation.stoodMs = generation.certainMs;
  context.watchAlso(directoryOf(path));
  context.registry.note(generation, lineage);
  if (generation.finished && !more) return;
  generation.finished = false;
  if (!lineage.live.includes(generation)) lineage.join(generation);
}

/** What had stood in it is in a copy, which was missed or is in the making, or it is lost. */
function emptied(generation: Generation, { rulings }: Plan, files: readonly Candidate[], { log }: Context): void {
  const { emptiedBytes, strange } = generation;
  const isCopied = rulings.some((ruling, at) => {
    const mayBeCopy = ruling.is === 'held' || (ruling.is === 'new' && ruling.missed);
    return mayBeCopy && holds(files[at]!, { bytes: emptiedBytes, head: strange.head });
  });
  if (isCopied) generation.forgetSeen();
  else loseUnread(generation, emptiedBytes, log);
}

function lose(lineage: Lineage, generation: Generation, why: Loss, context: Context): void {
  const subject = generation.path;
  switch (why) {
    case 'truncated': {
      const { offset, highBytes, head } = generation;
      const range = `bytes ${offset} to ${highBytes}`;
      if (highBytes > offset && head.length > 0) {
        const message = `${subject} was truncated before ${range} were read, and no copy of them was found; they are lost. Rotating by renaming instead of copytruncate loses nothing.`;
        const loss = { event: 'file.truncated_unread', reason: 'truncated', message } as const;
        giveUp(generation, highBytes, loss, context.log);
      }
      lineage.finish(generation);
      return;
    }
    case 'went_back': // `findPartings` said so
      lineage.finish(generation);
      return;
    case 'unclear': {
      const message = `what became of ${subject} is not clear from its content; what stands there now is read from its beginning, so lines may come twice.`;
      context.log.write({ severity: 'warn', event: 'file.unclear', subject, message });
      lineage.finish(generation);
      return;
    }
    case 'gone':
      context.descriptors.close(generation);
      generation.moveTo(undefined);
      context.registry.note(generation, lineage);
      lineage.live = lineage.live.filter((one) => one !== generation);
      if (generation.offset > 0) {
        if (!lineage.missing.includes(generation)) lineage.missing.push(generation);
        return;
      }
      // Nothing was read of it: wherever it is, it is read as a new one.
      lineage.missing = lineage.missing.filter((one) => one !== generation);
      if (generation.source !== 0) context.tools.intake.forget(generation.source);
      context.unregistered.delete(generation);
      context.registry.drop(generation);
      return;
    default:
      why satisfies never;
  }
}

function begin(lineage: Lineage, candidate: Candidate, ruling: Ruling, context: Context): Generation | undefined {
  // Another path that leads to it may have begun it since it was opened.
  if (readElsewhere(candidate, lineage, context)) return undefined;
  const from = ruling.is === 'new' ? ruling.from : 0;
  const file = candidate.compression === undefined ? candidate.takeFile() : undefined;
  const points = (from > 0 && candidate.parted?.points) || [];
  const generation = new Generation(context.tools, {
    description: describe(lineage.path, context.options),
    order: context.order(),
    offset: from,
    crc: points.at(-1)?.crc ?? 0,
  });
  generation.points = points;
  generation.moveTo({ path: candidate.path, compression: candidate.compression });
  if (file) {
    generation.file = file;
    generation.observe(candidate.stat);
    context.descriptors.opened(generation);
  } else generation.observeArchive(candidate.object, candidate.stat.modifiedMs, candidate.content.sizeBytes);
  generation.learn(candidate.head, candidate.end);
  generation.certainMs = candidate.stat.modifiedMs;
  generation.stoodMs = generation.certainMs;
  if (context.firstLook?.startAtEnd && ruling.is === 'new' && !ruling.missed)
    beginAtEnd(generation, context.tools.shape);
  else if (from > 0)
    generation.register(); // in one block with the end of what it was before
  else if (!generation.isBlank) context.unregistered.add(generation);
  lineage.join(generation);
  context.watchAlso(directoryOf(candidate.path));
  context.registry.note(generation, lineage);
  return generation;
}

/** For whoever wants to know why: what stands there, and what it was taken for. */
function tell(
  lineage: Lineage,
  known: readonly Generation[],
  files: readonly Candidate[],
  plan: Plan,
  context: Context,
): void {
  const nameOf = (at: number) => `source ${known[at]!.source} at ${known[at]!.offset}`;
  const rulings = plan.rulings.map((ruling, at) => {
    const about = 'known' in ruling && ruling.known !== undefined ? ` as ${nameOf(ruling.known)}` : '';
    return `${files[at]!.path} (${files[at]!.content.sizeBytes} bytes) is ${ruling.is}${about}`;
  });
  const lost = plan.lost.map(({ known: at, why }) => `${nameOf(at)} is ${why}`);
  const message = [...rulings, ...lost].join('; ');
  context.log.write({ severity: 'debug', event: 'file.looked_around', subject: lineage.path, message });
}
