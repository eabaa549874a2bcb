/**
 * Unix sockets under paths of any length: the kernel takes 107 bytes, so a longer one goes through a descriptor of its
 * directory (`/proc/self/fd/N/name`), which has to stay open as long as the socket is in use.
 */
import * as fs from 'node:fs';
import { basename, dirname } from 'node:path';
import { pathForHost } from './names.ts';

const socketPathBytesMax = 107;

export interface ReachablePath extends Disposable {
  readonly path: string;
}

export function reachablePath(path: string): ReachablePath {
  if (path.isWellFormed() && Buffer.byteLength(path) <= socketPathBytesMax) return { path, [Symbol.dispose]() {} };
  const directory = fs.openSync(pathForHost(dirname(path)), fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  let open = true;
  return {
    path: `/proc/self/fd/${directory}/${basename(path)}`,
    [Symbol.dispose]() {
      if (open) fs.closeSync(directory);
      open = false;
    },
  };
}

/** Removes a socket that a crash left behind; anything else that stands there stays, and the bind will fail on it. */
export function removeStaleSocket(path: string): void {
  const stat = fs.lstatSync(pathForHost(path), { throwIfNoEntry: false });
  if (stat?.isSocket()) fs.unlinkSync(pathForHost(path));
}
