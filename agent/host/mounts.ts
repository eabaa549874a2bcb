/** The host's mounts, read from `/proc/self/mountinfo` (proc_pid_mountinfo(5)) without touching any of them. */
import * as fs from 'node:fs';
import type { Mounts } from '../../collectors/ports.ts';
import type { MonotonicMs } from '../../spool/ports.ts';
import { nameFromBytes } from './names.ts';

/** Mounts come and go; a path's type may be this old. */
const freshMs = 1000;

interface Mount {
  readonly point: string;
  readonly type: string;
}

export function hostMounts(read: () => Buffer = () => fs.readFileSync('/proc/self/mountinfo')): Mounts {
  let mounts: readonly Mount[] = [];
  let readAt: MonotonicMs = Number.NEGATIVE_INFINITY;
  return {
    typeOf(path) {
      if (performance.now() - readAt > freshMs) {
        mounts = parseMounts(read());
        readAt = performance.now();
      }
      return mountOf(mounts, path)?.type ?? 'unknown';
    },
  };
}

/** The mount that holds the path: the longest mount point above it, and of several on one point the last. */
function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  let found: Mount | undefined;
  for (const mount of mounts) {
    if (holds(mount.point, path) && mount.point.length >= (found?.point.length ?? 0)) found = mount;
  }
  return found;
}

function holds(point: string, path: string): boolean {
  return point === '/' || (path.startsWith(point) && (path.length === point.length || path[point.length] === '/'));
}

/** `36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw`, the optional fields ending at the dash. */
export function parseMounts(mountinfo: Buffer): Mount[] {
  return mountinfo
    .toString('latin1')
    .split('\n')
    .flatMap((line) => {
      const fields = line.split(' ');
      const type = fields[fields.indexOf('-', 6) + 1];
      return fields.length < 9 || type === undefined ? [] : [{ point: unescaped(fields[4]!), type: unescaped(type) }];
    });
}

/** Space, tab, line feed and backslash are written as three octal digits. */
function unescaped(field: string): string {
  const latin1 = field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return nameFromBytes(Buffer.from(latin1, 'latin1'));
}
