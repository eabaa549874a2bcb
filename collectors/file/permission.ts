/**
 * May this file be read? An application's user must not be able to have `/etc/shadow` shipped by planting a link where logs are
 * collected; a FIFO or device must not be waited for; a hung network mount must not hang the agent. Links are followed one by
 * one here, never by the system, and what is refused says why.
 */
import type { FileStat, Files } from '../../spool/ports.ts';
import type { Mounts } from '../ports.ts';
import { directoryOf, join } from './names.ts';

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
}

const linksFollowedMax = 16;

/** Looks at what stands at an absolute path, without opening it. */
export function inspect(path: string, rules: Rules): Inspection {
  try {
    const found = followLinks(path, rules);
    if (found.kind !== 'end') return found;
    const { path: real, stat, linkOwners } = found;
    if (stat.kind !== 'file') return refused('not_a_file', `${path} is a ${stat.kind}, not a file`, 'Exclude it.');
    if (!linkOwners.every((owner) => mayFollowLink(owner, stat)))
      return refused(
        'link',
        `${path} leads over a symbolic link to ${real}, and the link belongs neither to root nor to that file's owner`,
        'Include the target itself, or give the link to root.',
      );
    if (stat.links > 1 && !mayReadHardLink(stat, rules.files.stat(directoryOf(real))))
      return refused(
        'hard_link',
        `${real} has ${stat.links} names, and its folder's owner owns neither the file nor is root`,
        'Remove the other names of the file.',
      );
    return { kind: 'file', path: real, stat };
  } catch (error) {
    return unreadable(path, error);
  }
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

type End = {
  readonly kind: 'end';
  readonly path: string;
  readonly stat: FileStat;
  readonly linkOwners: readonly number[];
};

/** Walks the path component by component; a mount is asked for its type before anything on it is touched. */
function followLinks(path: string, rules: Rules): End | Refusal | { readonly kind: 'missing' } {
  const linkOwners: number[] = [];
  let ahead = path.split('/').filter((part) => part !== '');
  let at = '/';
  let stat = rules.files.lstat(at);
  while (ahead.length > 0) {
    const part = ahead.shift()!;
    if (part === '.') continue;
    const next = part === '..' ? directoryOf(at) : join(at, part);
    const refusal = refusalOf(next, rules);
    if (refusal) return refusal;
    stat = rules.files.lstat(next);
    if (stat.kind !== 'symlink') {
      at = next;
      continue;
    }
    linkOwners.push(stat.owner);
    if (linkOwners.length > linksFollowedMax) return refused('link', `${path} leads in a circle`, 'Remove the link.');
    const target = rules.files.readLink(next);
    ahead = [...target.split('/').filter((step) => step !== ''), ...ahead];
    if (target.startsWith('/')) at = '/';
  }
  return { kind: 'end', path: at, stat, linkOwners };
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
