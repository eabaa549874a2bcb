/**
 * Loads the native parts: the zstd addon as npm installed it, or, inside the executable, from their assets by way of a file
 * without a name (O_TMPFILE), which nothing has to clean up. Where no folder allows that (all mounted noexec), it throws, and
 * the caller has another way.
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { getRawAsset, isSea } from 'node:sea';
import { fileURLToPath } from 'node:url';
import type { ByteWork } from '../../spool/ports.ts';
import type { ZstdBinding } from './codec-zstd-napi.ts';

/** The assets' names in the executable (build/executable.ts). */
export const addonAsset = 'zstd-napi.node';
export const notifyAsset = 'notify.node';
export const datagramAsset = 'datagram.node';
export const bytesAsset = 'bytes.node';

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

/** What `build/native/datagram.c` exports. Numbers below zero are error numbers (-errno). */
export interface DatagramBinding {
  /** `kind`: 4, 6, or 1 for the path of a unix socket. Gives a descriptor. */
  open(kind: 1 | 4 | 6, address: string, port: number, receiveBufferBytes: number): number;
  port(descriptor: number): number;
  /** As the kernel counts it: twice what it was asked for. */
  receiveBuffer(descriptor: number): number;
  /** How many datagrams were put into the slab's slots, each described by `noteInts` of the notes. */
  receive(descriptor: number, slab: Uint8Array, slotBytes: number, notes: Int32Array): number;
  /** A watcher, or an error number. It owns the descriptor. */
  watch(descriptor: number, call: () => void): object | number;
  wait(watcher: object, yes: boolean): number;
  unwatch(watcher: object): number;
}

/** The executable has it; from the sources it is what `node build/native.ts` compiled. Throws with the reason. */
export function loadDatagramBinding(folders: readonly string[] = []): DatagramBinding {
  if (isSea()) return loadAsset(datagramAsset, folders) as DatagramBinding;
  const compiled = new URL(`../../${compiledFolder}/${datagramAsset}`, import.meta.url);
  if (!fs.existsSync(compiled)) throw new Error('it is not compiled: run `npm run native`');
  const module: { exports: unknown } = { exports: {} };
  process.dlopen(module, fileURLToPath(compiled));
  return module.exports as DatagramBinding;
}

/** Where `build/native.ts` puts what it compiles; relative to the project's root. */
export const compiledFolder = 'dist/native';

/** `build/native/bytes.c`. Only the executable has it. */
export function loadByteWork(folders: readonly string[] = []): ByteWork {
  if (!isSea()) throw new Error('only the executable has it');
  return loadAsset(bytesAsset, folders) as ByteWork;
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
