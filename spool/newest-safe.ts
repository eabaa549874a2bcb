/**
 * Makes the newest segment safe before anything of it is trusted: what is only in the page cache could vanish after it was
 * shipped.
 */
import { closing } from './cursor-file.ts';
import type { Folders } from './layout.ts';
import { segmentName, syncFolder, withParents } from './layout.ts';
import type { Clock, Files, Log } from './ports.ts';
import type { Segment } from './segments.ts';

/**
 * True when it is safe. A sync that failed is never asked again, for the second answer would be about nothing; where one
 * fails, the same bytes are written to a new file instead, some times. After that what is not vouched for is cut.
 */
export async function syncNewest(
  { files, clock, log }: { readonly files: Files; readonly clock: Clock; readonly log: Log },
  folders: Folders,
  segments: readonly Segment[],
  notes: string[],
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      // The last two: a repair may have begun the newest without syncing the one before it.
      for (const segment of segments.slice(-2)) {
        const path = `${folders.segments}/${segmentName(segment.start)}`;
        if (!(await synced(files, path))) await rewrite(files, path);
      }
      // Whoever made the folders may have been killed before their entries were durable.
      const unsafe = segments.length > 0 ? withParents(folders.segments) : [folders.segments];
      for (const folder of unsafe) await syncFolder(files, folder, folder === folders.segments);
      return true;
    } catch (error) {
      const message = `the newest segment could not be synced: ${(error as Error).message}`;
      log.write({ severity: 'error', event: 'spool.open_sync_failed', message });
      if (attempt === syncAttemptsMax) {
        notes.push(message);
        return false;
      }
      await new Promise<void>((resolve) => clock.after(syncRetryDelayMs, resolve));
    }
  }
}

async function synced(files: Files, path: string): Promise<boolean> {
  using file = closing(files.open(path, 'read'));
  try {
    await file.value.datasync();
    return true;
  } catch {
    // What reads back is written anew by the caller.
    return false;
  }
}

/** Replaces the file by one with the same bytes that is known to be durable. Throws what the disk throws. */
async function rewrite(files: Files, path: string): Promise<void> {
  const made = `${path}.new`;
  try {
    files.unlink(made);
  } catch {
    // Usually there is none; if it cannot go, creating says why.
  }
  using source = closing(files.open(path, 'read'));
  using target = closing(files.open(made, 'create'));
  const buffer = Buffer.allocUnsafeSlow(1024 * 1024);
  for (let done = 0, size = source.value.stat().sizeBytes; done < size; ) {
    const count = source.value.read(buffer, done);
    if (count === 0) break;
    if (target.value.write(buffer.subarray(0, count), done) < count) throw new Error(`${made}: a short write`);
    done += count;
  }
  await target.value.datasync();
  files.rename(made, path);
}

const syncAttemptsMax = 20;
const syncRetryDelayMs = 250;
