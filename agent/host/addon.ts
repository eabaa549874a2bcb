/**
 * Loads the zstd addon: as npm installed it, or, inside the executable, from its asset by way of a file without a name
 * (O_TMPFILE), which nothing has to clean up. Where no folder allows that (all mounted noexec), it throws, and the other
 * codec is used.
 */
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { getRawAsset, isSea } from 'node:sea';
import type { ZstdBinding } from './codec-zstd-napi.ts';

/** The asset's name in the executable (build/executable.ts). */
export const addonAsset = 'zstd-napi.node';

export function loadZstdBinding(): ZstdBinding {
  if (!isSea()) return createRequire(import.meta.url)('zstd-napi/binding') as ZstdBinding;
  return loadFromMemory(new Uint8Array(getRawAsset(addonAsset)), ['/dev/shm', tmpdir(), '/var/tmp', '/run']);
}

/** Tries one folder after the other; throws what the last one said. */
export function loadFromMemory(addon: Uint8Array, folders: readonly string[]): ZstdBinding {
  let failure: Error | undefined;
  for (const folder of folders) {
    try {
      return loadThrough(folder, addon);
    } catch (error) {
      failure = error as Error;
    }
  }
  throw failure ?? new Error('there is no folder to load the addon through');
}

function loadThrough(folder: string, addon: Uint8Array): ZstdBinding {
  const { O_RDWR, O_DIRECTORY } = fs.constants;
  // Node does not name it; it is the same on all architectures but for O_DIRECTORY within it.
  const unnamed = 0o20000000 | O_DIRECTORY;
  const descriptor = fs.openSync(folder, O_RDWR | unnamed, 0o700);
  try {
    for (let at = 0; at < addon.length; ) at += fs.writeSync(descriptor, addon, at);
    const module: { exports: unknown } = { exports: {} };
    process.dlopen(module, `/proc/self/fd/${descriptor}`);
    return module.exports as ZstdBinding;
  } finally {
    fs.closeSync(descriptor);
  }
}
