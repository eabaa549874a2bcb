/**
 * May this file be read? An application's user must not be able to have `/etc/shadow` shipped by planting a link where logs are
 * collected; a FIFO or device must not be waited for; a hung network mount must not hang the agent. Links are followed one by
 * one here, never by the system, and what is refused says why.
 */
import type { Clock, FileStat, Files, MonotonicMs } from '../../spool/ports.ts';
import type { Mounts } from '../ports.ts';
import { directoryOf, join, nameOf } from './names.ts';

export type Inspection =
  /** A regular file; `path` has no links in it. */
  | { readonly kind: 'file'; readonly path: string; readonly stat: FileStat }
  | { readonly kind: 'missing' }
  | Refusal
  | { readonly kind: 'unreadable'; readonly cause: string; readonly message: string; readonly hint: string };

export interface Refusal {
  readonly kind: 'refused';
  readonly cause: 'link' | 'hard_link' | 'not_a_file' | 'network_fs' | 'never';
  readonly message: string;
  readonly hint: string;
}

export interface Rules {
  readonly files: Files;
  readonly mounts: Mounts;
  readonly networkFs: boolean;
  readonly never: readonly string[];
  readonly walked: WalkedDirectories;
}

const linksFollowedMax = 16;

/** Looks at what stands at an absolute path, without opening it. */
export function inspect(path: string, rules: Rules): Inspection {
  try {
    const found = followLinks(path, rules);
    if (found.kind === 'refused') return found;
    const { path: real, stat, linkOwners } = found;
    if (stat.kind === 'file' && !linkOwners.every((owner) => mayFollowLink(owner, stat)))
      return refused(
        'link',
        `${path} leads over a symbolic link to ${real}, and the link belongs neither to root nor to that file's owner`,
        'Include the target itself, or give the link to root.',
      );
    return judgeFile(real, stat, stat.links > 1 ? rules.files.stat(directoryOf(real)) : undefined);
  } catch (error) {
    return unreadable(path, error);
  }
}

/** By what a file is, and how many names it has; `folder` is needed only for a file with several. */
export function judgeFile(path: string, stat: FileStat, folder: FileStat | undefined): Inspection {
  if (stat.kind !== 'file') return refused('not_a_file', `${path} is a ${stat.kind}, not a file`, 'Exclude it.');
  if (folder === undefined || mayReadHardLink(stat, folder)) return { kind: 'file', path, stat };
  return refused(
    'hard_link',
    `${path} has ${stat.links} names, and others than root or its owner may have given it one in this folder`,
    'Remove the other names of the file.',
  );
}

/** Root may link anything, and everybody what is his own. */
export function mayFollowLink(linkOwner: number, target: Pick<FileStat, 'owner'>): boolean {
  return linkOwner === 0 || linkOwner === target.owner;
}

/**
 * A second name may have been given by whoever may write to the folder: fine where that is the file's owner, or only root. (A
 * file of root's in an application's folder is just what a planted link to /etc/shadow looks like.)
 */
export function mayReadHardLink(file: Pick<FileStat, 'owner'>, folder: Pick<FileStat, 'owner' | 'mode'>): boolean {
  const othersMayWrite = (folder.mode & 0o022) !== 0;
  return !othersMayWrite && (folder.owner === 0 || folder.owner === file.owner);
}

/** True for file systems that may hang: network and FUSE. */
export function isNetworkType(type: string): boolean {
  return networkTypes.has(type) || type.startsWith('fuse.') || type === 'fuse' || type === 'fuseblk';
}

const networkTypes: ReadonlySet<string> = new Set(
  'nfs nfs4 cifs smb2 smb3 smbfs ncpfs 9p afs ceph coda glusterfs lustre gpfs ocfs2 gfs2 beegfs orangefs pvfs2 davfs autofs'.split(
    ' ',
  ),
);

/** An error of the file system, in words. */
export function unreadable(path: string, error: unknown): Inspection {
  const { code = 'unknown', message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing' };
  const denied = code === 'EACCES' || code === 'EPERM';
  return {
    kind: 'unreadable',
    cause: denied ? 'permission' : 'unreadable',
    message: denied ? `no permission to read ${path}` : `${path} cannot be read: ${message}`,
    hint: denied ? "Give the agent's user read access to the file and its folders." : 'It is tried again by itself.',
  };
}

interface Walked {
  readonly kind: 'walked';
  /** Without links. */
  readonly path: string;
  /** Who owns the links on the way. */
  readonly linkOwners: readonly number[];
  /** Of what stands there, if that was asked for on the way. */
  readonly stat?: FileStat | undefined;
}

type End = Omit<Walked, 'stat'> & { readonly stat: FileStat };

/** How directories were reached, for a moment: thousands of files share one. */
export class WalkedDirectories {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Walked>();
  #since: MonotonicMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(directory: string): Walked | undefined {
    if (this.#clock.monotonic() - this.#since > keptMs) this.#kept.clear();
    return this.#kept.get(directory);
  }

  keep(directory: string, walked: Walked): void {
    if (this.#kept.size === 0 || this.#kept.size >= walkedMax) {
      this.#kept.clear();
      this.#since = this.#clock.monotonic();
    }
    this.#kept.set(directory, walked);
  }
}

const keptMs = 500;
const walkedMax = 1024;

/** Walks the path component by component; a mount is asked for its type before anything on it is touched. */
function followLinks(path: string, rules: Rules): End | Refusal {
  const directory = directoryOf(path);
  const known = rules.walked.get(directory);
  const reached = known ?? walk({ kind: 'walked', path: '/', linkOwners: [] }, directory, rules);
  if (reached.kind === 'refused') return reached;
  if (known === undefined) rules.walked.keep(directory, { ...reached, stat: undefined });
  const end = walk(reached, nameOf(path), rules);
  if (end.kind === 'refused') return end;
  const { kind, path: real, linkOwners, stat } = end;
  return { kind, path: real, linkOwners, stat: stat ?? rules.files.lstat(real) };
}

function walk(from: Walked, path: string, rules: Rules): Walked | Refusal {
  const linkOwners = [...from.linkOwners];
  const ahead = partsOf(path);
  let at = from.path;
  let stat: FileStat | undefined;
  while (ahead.length > 0) {
    const part = ahead.shift()!;
    const next = part === '..' ? directoryOf(at) : join(at, part);
    const refusal = refusalOf(next, rules);
    if (refusal) return refusal;
    stat = rules.files.lstat(next);
    if (stat.kind !== 'symlink') {
      at = next;
      continue;
    }
    linkOwners.push(stat.owner);
    stat = undefined;
    if (linkOwners.length > linksFollowedMax) return refused('link', `${path} leads in a circle`, 'Remove the link.');
    const target = rules.files.readLink(next);
    ahead.unshift(...partsOf(target));
    if (target.startsWith('/')) at = '/';
  }
  return { kind: 'walked', path: at, linkOwners, stat };
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** Places that are never touched: other people's servers, and the agent's own files. */
export function refusalOf(path: string, rules: Rules): Refusal | undefined {
  if (isNever(path, rules.never))
    return refused('never', `${path} belongs to the agent itself`, 'Exclude it, or keep the agent elsewhere.');
  const type = rules.networkFs ? '' : rules.mounts.typeOf(path);
  if (!isNetworkType(type)) return undefined;
  return refused(
    'network_fs',
    `${path} is on a ${type} mount, which could hang the agent`,
    'Run an agent where the files are, or set `network_fs: true`.',
  );
}

export function isNever(path: string, never: readonly string[]): boolean {
  return never.some((own) => path === own || path.startsWith(own === '/' ? own : `${own}/`));
}

function refused(cause: Refusal['cause'], message: string, hint: string): Refusal {
  return { kind: 'refused', cause, message, hint };
}
