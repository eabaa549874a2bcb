/**
 * What goes wrong on a simulated disk. A fault looks at each operation before it happens and may change its course; several
 * compose (the first that has something to say decides), and each prints itself, so that a failing run tells what it had.
 */
import { SeededRandom } from './random.ts';

export type OperationKind =
  | 'read'
  | 'list'
  | 'stat'
  | 'open'
  | 'create'
  | 'write'
  | 'truncate'
  | 'makeDirectory'
  | 'rename'
  | 'unlink'
  | 'removeDirectory'
  | 'setMode'
  | 'datasync'
  | 'syncDirectory';

export interface Operation {
  readonly kind: OperationKind;
  readonly path: string;
  /** Bytes that would be read or written, and where in the file. */
  readonly bytes: number;
  readonly at: number;
  /** Counts the operations that change something, from 0; −1 for the others. */
  readonly number: number;
}

export type Effect =
  /** Nothing happens, and the error is thrown. */
  | { readonly kind: 'fail'; readonly code: string }
  /** At most so many bytes are read or written. */
  | { readonly kind: 'short'; readonly bytes: number }
  /** A sync fails, and what it should have made safe never will be (Linux marks the pages clean); reading still shows it. */
  | { readonly kind: 'lose'; readonly code: string }
  /** A sync says that all is safe, and nothing is. */
  | { readonly kind: 'lie' }
  /** It takes so long; other effects may follow. */
  | { readonly kind: 'slow'; readonly ms: number };

export interface Fault {
  readonly name: string;
  effect(operation: Operation): Effect | undefined;
}

/** Which operations a fault is for. */
export interface Where {
  readonly kinds?: readonly OperationKind[];
  readonly path?: RegExp;
  /** The first of the matching operations that is hit, from 0. */
  readonly from?: number;
  /** How many are hit; all that follow where not given. */
  readonly times?: number;
}

export function fails(code: string, where: Where): Fault {
  return always(`fails ${code}`, where, { kind: 'fail', code });
}

/** fsync fails, and the pages are gone. */
export function losesPages(where: Omit<Where, 'kinds'> = {}): Fault {
  return always('sync loses pages', { ...where, kinds: ['datasync'] }, { kind: 'lose', code: 'EIO' });
}

/** The disk acknowledges syncs that it does not do. */
export function lies(where: Omit<Where, 'kinds'> = {}): Fault {
  return always('sync lies', { ...where, kinds: ['datasync', 'syncDirectory'] }, { kind: 'lie' });
}

export function slow(ms: number, where: Where): Fault {
  return always(`slow by ${ms} ms`, where, { kind: 'slow', ms });
}

/** Reading a stretch of a file fails; what lies before it is read. */
export function badSectors(path: RegExp, from: number, upto: number, code = 'EIO'): Fault {
  return {
    name: `fails ${code} [read ${path} ${from}–${upto}]`,
    effect({ kind, path: read, bytes, at }) {
      if (kind !== 'read' || !path.test(read) || at >= upto || at + bytes <= from) return undefined;
      return at < from ? { kind: 'short', bytes: from - at } : { kind: 'fail', code };
    },
  };
}

/** Reads and writes take only a part, as the seed says. */
export function short(seed: number, probability: number, where: Where = { kinds: ['write'] }): Fault {
  const random = new SeededRandom(seed);
  const matches = matcher(where);
  return {
    name: `short ${print(where)} (seed ${seed}, probability ${probability})`,
    effect: (operation) =>
      matches(operation) && operation.bytes > 1 && random.chance(probability)
        ? { kind: 'short', bytes: 1 + random.below(operation.bytes - 1) }
        : undefined,
  };
}

/** Each matching operation fails with the probability, as the seed says. */
export function flaky(code: string, seed: number, probability: number, where: Where): Fault {
  const random = new SeededRandom(seed);
  const matches = matcher(where);
  return {
    name: `flaky ${code} ${print(where)} (seed ${seed}, probability ${probability})`,
    effect: (operation) => (matches(operation) && random.chance(probability) ? { kind: 'fail', code } : undefined),
  };
}

function always(name: string, where: Where, effect: Effect): Fault {
  const matches = matcher(where);
  return { name: `${name} ${print(where)}`, effect: (operation) => (matches(operation) ? effect : undefined) };
}

function matcher(where: Where): (operation: Operation) => boolean {
  let met = 0;
  return (operation) => {
    if (where.kinds !== undefined && !where.kinds.includes(operation.kind)) return false;
    if (where.path !== undefined && !where.path.test(operation.path)) return false;
    const index = met++ - (where.from ?? 0);
    return index >= 0 && index < (where.times ?? Number.POSITIVE_INFINITY);
  };
}

function print(where: Where): string {
  const times = where.times === undefined ? '' : ` × ${where.times}`;
  return `[${where.kinds?.join('|') ?? 'any'} ${where.path ?? ''} from ${where.from ?? 0}${times}]`;
}
