/**
 * The two ways of looking at files: synchronously on local disks, where a call costs microseconds, and asynchronously on mounts
 * that may hang. Who looks awaits either.
 */
import type { FileStat, OpenFile } from '../../spool/ports.ts';
import type { Context } from './context.ts';
import { fingerprintAt, headOf } from './fingerprint.ts';
import type { Content } from './identity.ts';
import { type Listing, listingOf } from './listings.ts';
import { directoryOf, join } from './names.ts';
import { inspectQuickly, objectOf } from './object-at.ts';
import { type Inspection, inspect, judgeFile, refusalOf, unreadable } from './permission.ts';
import { RemoteFile } from './remote.ts';

export interface OpenedFile {
  readonly file: OpenFile;
  readonly stat: FileStat;
  readonly content: Content;
}

type Soon<T> = T | Promise<T>;

export interface Looking {
  /** What stands at a path, in a form that can be compared (`objectOf`). */
  object(path: string): Soon<string>;
  inspect(path: string): Soon<Inspection>;
  list(directory: string): Soon<Listing>;
  /** Opens a path without links; `offsets` are those at which its content will be compared. */
  open(path: string, offsets: readonly number[]): Soon<OpenedFile>;
}

export function lookingAt(path: string, context: Context): Looking {
  return context.isRemote(path) ? remotely(context) : locally(context);
}

function locally(context: Context): Looking {
  return {
    object: (path) => inspectQuickly(path, context),
    inspect: (path) => inspect(path, context.rules),
    list: (directory) => context.listings.list(directory),
    open(path) {
      const file = context.files.open(path, 'read-no-follow');
      const stat = file.stat();
      const read = (into: Uint8Array, at: number) => file.read(into, at);
      const content: Content = {
        sizeBytes: stat.sizeBytes,
        fingerprintAt: (offset) => fingerprintAt(read, offset),
        headOf: (length) => headOf(read, length),
      };
      return { file, stat, content };
    },
  };
}

/** Links on such mounts are not followed: they cannot be checked without a call that may hang. */
function remotely(context: Context): Looking {
  const { remote, rules, files } = context;
  return {
    async object(path) {
      try {
        return objectOf(await remote.stat(path));
      } catch (error) {
        return isMissing(error) ? 'missing' : `failed:${(error as NodeJS.ErrnoException).code}`;
      }
    },
    async inspect(path) {
      const refusal = refusalOf(path, rules);
      if (refusal) return refusal;
      try {
        const stat = await remote.stat(path);
        return judgeFile(path, stat, stat.links > 1 ? await remote.stat(directoryOf(path)) : undefined);
      } catch (error) {
        return unreadable(path, error);
      }
    },
    async list(directory) {
      try {
        return listingOf(
          (await remote.list(directory)).map((entry) => join(directory, entry.name)),
          files,
          true,
        );
      } catch (error) {
        if (isMissing(error)) return listingOf([], files, true);
        throw error;
      }
    },
    async open(path, offsets) {
      const file = await RemoteFile.open(path, remote);
      const stat = file.stat();
      if (context.firstLook?.startAtEnd) await file.prefetch(Math.max(0, stat.sizeBytes - 64 * 1024), 64 * 1024);
      return { file, stat, content: await file.content(offsets) };
    },
  };
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
