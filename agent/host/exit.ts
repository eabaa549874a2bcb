/**
 * Ends the process at once, with the exit code that was asked for. `process.exit` waits for the threads of Node's pool: one
 * `fdatasync` or name look-up that hangs would hold up the end for as long as it hangs. Then the process is replaced by
 * one that ends with the same code; the kernel takes the threads away with it.
 */
import { accessSync, closeSync, constants } from 'node:fs';

export function endProcess(code: 0 | 1 | 2 | 3): never {
  if (threadsAreBusy()) {
    replaceBy('/bin/sh', ['sh', '-c', `exit ${code}`]);
    if (code === 0) replaceByQuietSelf();
  }
  process.exit(code);
}

/** What runs in the pool's threads, as Node names it: the file system, name look-ups, compression. */
const inThreads: ReadonlySet<string> = new Set(['FSReqCallback', 'FSReqPromise', 'GetAddrInfoReqWrap', 'Zlib']);

function threadsAreBusy(): boolean {
  return process.getActiveResourcesInfo().some((name) => inThreads.has(name));
}

/** Where there is no shell: this program again, asked for its version, with nowhere to print it. */
function replaceByQuietSelf(): void {
  for (const descriptor of [1, 2]) closeSync(descriptor);
  replaceBy('/proc/self/exe', [process.execPath, '--version']);
}

/** Returns only where that is not possible. Looks first: `execve` of what is not there aborts the process. */
function replaceBy(program: string, args: string[]): void {
  try {
    accessSync(program, constants.X_OK);
    process.execve?.(program, args, {});
  } catch {
    // The caller has another way.
  }
}
