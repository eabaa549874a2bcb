/** One look at one generation: opened again where it was closed and something changed, read, and what went wrong kept with it. */
import type { MonotonicMs } from '../../spool/ports.ts';
import type { Context } from './context.ts';
import type { Generation, Turn } from './generation.ts';
import { unreadable } from './permission.ts';

/** One look at a generation that is read; `path`: that of its lineage. */
export function lookAt(
  generation: Generation,
  path: string,
  context: Context,
  [now, patienceMs]: readonly [MonotonicMs, number],
): Turn | 'compressed' {
  if (generation.place?.compression !== undefined) return 'compressed';
  try {
    if (generation.file === undefined) {
      const opened = openAgain(generation, context);
      if (opened !== 'opened') return opened;
    }
    context.descriptors.used(generation);
    const turn = generation.turn(now, patienceMs);
    generation.failure = undefined;
    return turn;
  } catch (error) {
    return failedWith(generation, path, error, context);
  }
}

/** Opens a quiet file again, if anything changed in it. */
export function openAgain(generation: Generation, context: Context): 'opened' | Turn {
  const { files, descriptors } = context;
  if (generation.place === undefined || context.isRemote(generation.place.path)) return 'absent';
  const { path } = generation.place;
  const stat = files.stat(path);
  if (stat.inode !== generation.inode || stat.kind !== 'file') return 'absent';
  if (stat.sizeBytes === generation.offset && stat.modifiedMs === generation.modifiedMs) return 'idle';
  const file = files.open(path, 'read-no-follow');
  const opened = file.stat();
  if (opened.inode !== generation.inode || opened.kind !== 'file') {
    file.close();
    return 'absent';
  }
  generation.file = file;
  generation.observe(opened);
  descriptors.opened(generation);
  return 'opened';
}

/** Why it cannot be read is kept with it; what is not there is no failure. */
export function failedWith(generation: Generation, lineagePath: string, error: unknown, { clock }: Context): Turn {
  const { code = 'unknown' } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'absent';
  const found = unreadable(generation.place?.path ?? lineagePath, error);
  const message = found.kind === 'unreadable' ? found.message : String(error);
  const since = generation.failure?.since ?? clock.now();
  generation.failure = { code, message, since };
  generation.lastTurn = 'failed';
  return 'failed';
}
