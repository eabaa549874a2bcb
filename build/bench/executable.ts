/** Which program is measured: `dist/tailspool`, or what TAILSPOOL names. To be imported before whatever reads TAILSPOOL. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

process.env.TAILSPOOL ??= fileURLToPath(new URL('../../dist/tailspool', import.meta.url));

export const executable = process.env.TAILSPOOL;

/**
 * What was just written lies in the page cache in large pieces, and a process that maps it seems to use 10 to 30 MiB more than
 * an installed one: the executable is forgotten first, and read again as after a boot.
 */
export function forgetExecutable(path = executable): void {
  spawnSync('sync', [path]);
  spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']);
}
