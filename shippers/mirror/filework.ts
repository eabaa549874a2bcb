/** Small helpers over the port `Files` that several parts of the mirror need. */
import type { Files, OpenFile } from '../../spool/ports.ts';

/** Writes all of it or throws; a file system that takes nothing without an error counts as full. */
export function writeAll(file: OpenFile, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    const taken = file.write(done === 0 ? bytes : bytes.subarray(done), position + done);
    if (taken <= 0) throw Object.assign(new Error('ENOSPC: nothing was written'), { code: 'ENOSPC' });
    done += taken;
  }
}

export function readAll(file: OpenFile, bytesMax: number): Buffer {
  const size = Math.min(file.stat().sizeBytes, bytesMax);
  const bytes = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const count = file.read(bytes.subarray(length), length);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(codeOf(error));
}

/** '' where the error is not one of the operating system's. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : '';
}

export function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/**
 * Makes the folder's entries and every one that leads to it durable, also those that a process made that was cut off before it
 * could.
 */
export async function makeDurableFolder(files: Files, folder: string): Promise<void> {
  files.makeDirectory(folder);
  for (let directory = folder; ; directory = directoryOf(directory)) {
    try {
      await files.syncDirectory(directory);
    } catch (error) {
      // A folder far up that we may not read was there before us.
      if (directory === folder || !hasCode(error, 'EACCES', 'EPERM')) throw error;
    }
    if (directory === '/' || directory === '') return;
  }
}
