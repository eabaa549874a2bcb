/**
 * Loads the native parts: the zstd addon as npm installed it, or, inside the executable, from their assets by way of a file
 * without a name (O_TMPFILE), which nothing has to clean up. Where no folder allows that (all mounted noexec), it throws, and
 * the caller has another way.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { getRawAsset, isSea } from 'node:sea';
import type { ZstdBinding } from './codec-zstd-napi.ts';

/** The assets' names in the executable (build/executable.ts). */
export const addonAsset = 'zstd-napi.node';
export const notifyAsset = 'notify.node';

/** What `build/native/notify.c` exports. */
export interface NotifyBinding {
  /** 0, or the error number. */
  send(path: string, text: string): number;
}

/** `folders`: more to try, after the usual ones. */
export function loadZstdBinding(folders: readonly string[] = []): ZstdBinding {
  // Loaded only here: `version` in the executable starts faster without it.
  const { createRequire } = isSea() ? {} : process.getBuiltinModule('node:module');
  if (createRequire) return createRequire(import.meta.url)('zstd-napi/binding') as ZstdBinding;
  return loadAsset(addonAsset, folders) as ZstdBinding;
}

/** Only the executable has it. */
export function loadNotifyBinding(folders: readonly string[] = []): NotifyBinding {
  if (!isSea()) throw new Error('only the executable has it');
  return loadAsset(notifyAsset, folders) as NotifyBinding;
}

/** The message of the error where the executable was built without it (`--codec=zlib`). */
export const leftOut = 'it was left out of this build';

function loadAsset(name: string, folders: readonly string[]): unknown {
  return loadFromMemory(assetNamed(name), ['/dev/shm', tmpdir(), '/var/tmp', '/run', ...folders]);
}

function assetNamed(name: string): Uint8Array {
  let asset: ArrayBuffer;
  try {
    asset = getRawAsset(name) as ArrayBuffer;
  } catch (cause) {
    throw new Error(leftOut, { cause });
  }
  return new Uint8Array(asset);
}

/** Tries one folder after the other; throws what each of them said. */
export function loadFromMemory(addon: Uint8Array, folders: readonly string[]): unknown {
  const failures: string[] = [];
  for (const folder of new Set(folders)) {
    try {
      return loadThrough(folder, addon);
    } catch (error) {
      const said = (error as Error).message.split('\n', 1)[0]!;
      failures.push(said.includes(folder) ? said : `${folder}: ${said}`);
    }
  }
  throw new Error(failures.join('; ') || 'there is no folder to load the addon through');
}

/** The C library takes two libraries of one name for the same, and a descriptor's number comes again. */
let loads = 0;

function loadThrough(folder: string, addon: Uint8Array): unknown {
  const { O_RDWR, O_DIRECTORY } = fs.constants;
  // Node does not name it; it is the same on all architectures but for O_DIRECTORY within it.
  const unnamed = 0o20000000 | O_DIRECTORY;
  const descriptor = fs.openSync(folder, O_RDWR | unnamed, 0o700);
  try {
    for (let at = 0; at < addon.length; ) at += fs.writeSync(descriptor, addon, at);
    const module: { exports: unknown } = { exports: {} };
    process.dlopen(module, `/proc/self/fd/${'./'.repeat(++loads)}${descriptor}`);
    return module.exports;
  } finally {
    fs.closeSync(descriptor);
  }
}
