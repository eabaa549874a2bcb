/**
 * The agent's own folder: made, kept to ourselves, and held against every other process. A disk without space is no reason
 * to end: it is waited for.
 */
import type { Host, LockResult } from './ports.ts';

const retryMs = 1_000;
const spaceErrors: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/**
 * Resolves when the folder is ours, or with who has it. Throws where it cannot be made or entered (EACCES, ENOTDIR …) with
 * a message for people; aborting `signal` ends the waiting for space.
 */
export async function takeDataDir(dataDir: string, host: Host, signal: AbortSignal): Promise<LockResult> {
  for (;;) {
    try {
      return tryToTake(dataDir, host);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (!spaceErrors.has(code)) throw new Error(`cannot use data_dir ${dataDir}: ${message}`, { cause: error });
      const advice = 'Nothing is collected until it can be written; it is tried again each second.';
      host.log.write({
        severity: 'error',
        event: 'data_dir.no_space',
        subject: dataDir,
        message: `${message}. ${advice}`,
      });
    }
    await pause(host, signal);
  }
}

function tryToTake(dataDir: string, host: Host): LockResult {
  host.files.makeDirectory(dataDir, 0o700);
  closeToOthers(dataDir, host);
  return host.locks.take(`${dataDir}/lock`);
}

/** Logs may hold what not everybody on the host may read, and the admin socket obeys whoever reaches it. */
function closeToOthers(dataDir: string, { files, log }: Host): void {
  const { mode, kind } = files.stat(dataDir);
  if (kind !== 'directory' || (mode & 0o077) === 0) return;
  try {
    files.setMode(dataDir, 0o700);
  } catch (error) {
    const message = `${dataDir} is open to other users and its mode cannot be changed: ${(error as Error).message}`;
    log.write({ severity: 'warn', event: 'data_dir.open', subject: dataDir, message });
  }
}

function pause({ clock }: Host, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  signal.throwIfAborted();
  const timer = clock.after(retryMs, resolve);
  const aborted = () => reject(signal.reason as Error);
  signal.addEventListener('abort', aborted, { once: true });
  return promise.finally(() => {
    timer.cancel();
    signal.removeEventListener('abort', aborted);
  });
}
