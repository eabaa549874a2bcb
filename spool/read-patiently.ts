/**
 * Reading at the start: where the disk refuses to read, everything is read again after a while, for about a minute, before what
 * was refused counts as damage. Nothing must be cut or counted for a disk that is only slow to come up.
 */
import type { Clock, Files, Log, OpenFile, OpenMode } from './ports.ts';

const delayMsMin = 250;
const delayMsMax = 5_000;
const waitMsMax = 60_000;

/** Throws, to begin again, where the disk has refused something so far. To be called before anything is decided or changed. */
export type Check = () => void;

/**
 * The result of `act`, in which nothing was refused; or, when waiting has not helped, whatever comes of it: what it can do without
 * is up to `act`. Where it throws what the disk refused, it cannot, and is tried again for as long as that lasts.
 */
export async function readPatiently<T>(
  { files, clock, log }: { readonly files: Files; readonly clock: Clock; readonly log: Log },
  act: (files: Files, check: Check) => T | Promise<T>,
): Promise<T> {
  for (let delayMs = delayMsMin, waitedMs = 0; waitedMs < waitMsMax; delayMs = Math.min(delayMsMax, 2 * delayMs)) {
    const watch = new Watch();
    try {
      const result = await act(watch.over(files), () => watch.check());
      watch.check();
      return result;
    } catch (error) {
      if (!watch.refused) throw error;
      const message = `the spool cannot be read: ${watch.refused.message}. It is tried again for a minute before that counts as damage`;
      log.write({ severity: 'error', event: 'spool.open_unreadable', message });
    }
    await new Promise<void>((resolve) => clock.after(delayMs, resolve));
    waitedMs += delayMs;
  }
  for (;;) {
    try {
      return await act(files, () => {});
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const message = `the spool cannot be read: ${(error as Error).message}. Nothing is collected or shipped until it can be; it is tried again every few seconds`;
      log.write({ severity: 'error', event: 'spool.open_refused', message });
    }
    await new Promise<void>((resolve) => clock.after(delayMsMax, resolve));
  }
}

/** The disk did not do what it was asked for, and may do so another time; not an answer, nor one of our own errors. */
export function isRefusal(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && /^E[A-Z0-9]+$/.test(code) && !answers.has(code);
}

/** These are answers, which do not change by waiting. */
const answers: ReadonlySet<string | undefined> = new Set([
  'ENOENT',
  'EEXIST',
  'ENOTDIR',
  'EISDIR',
  'ELOOP',
  'EACCES',
  'EPERM',
]);

/** Remembers that the disk refused to read something that is there. */
class Watch {
  refused: Error | undefined;

  check(): void {
    if (this.refused) throw this.refused;
  }

  over(files: Files): Files {
    return {
      ...files,
      open: (path, mode) =>
        this.#file(
          this.#noting(() => files.open(path, mode)),
          mode,
        ),
      list: (path) => this.#noting(() => files.list(path)),
    };
  }

  #file(file: OpenFile, mode: OpenMode): OpenFile {
    if (mode !== 'read') return file;
    return {
      read: (into, position) => this.#noting(() => file.read(into, position)),
      readInto: (into, position) => this.#noting(() => file.readInto(into, position)),
      readLater: (into, position) => file.readLater(into, position),
      write: (from, position) => file.write(from, position),
      truncate: (sizeBytes) => file.truncate(sizeBytes),
      stat: () => this.#noting(() => file.stat()),
      statLater: () => file.statLater(),
      datasync: () => file.datasync(),
      close: () => file.close(),
    };
  }

  #noting<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (isRefusal(error)) this.refused ??= error as Error;
      throw error;
    }
  }
}
