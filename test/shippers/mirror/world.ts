/** Two agents, a receiver's spool in memory, and what the mirror has to make of it. */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseCodec } from '../../../agent/host/codec.ts';
import { hostFiles } from '../../../agent/host/files.ts';
import { createMirrorShipper, type MirrorOptions } from '../../../shippers/mirror/mirror.ts';
import type { Shipper } from '../../../shippers/ports.ts';
import type { Outlet, SourceDescription } from '../../../spool/nouns.ts';
import type { Clock, Files, Log, LogEntry, Random } from '../../../spool/ports.ts';
import { BlockMaker, epochOf, MemoryOutlet } from './memory-outlet.ts';

export const codec = chooseCodec().codec;

/** Real time, but no wait is longer than a few milliseconds. */
export const hastyClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, Math.min(delayMs, 4));
    return { cancel: () => clearTimeout(timer) };
  },
  soon: (call) => void setImmediate(call),
};

export const random: Random = {
  bytes: (length) => randomBytes(length),
  fraction: () => Math.random(),
};

export function folderFor(t: { after(call: () => void): void }): string {
  const path = fs.mkdtempSync(join(tmpdir(), 'tailspool-mirror-'));
  t.after(() => fs.rmSync(path, { recursive: true, force: true }));
  return path;
}

export function fileSource(path: string, hostName: string | undefined, collector = 'logs'): SourceDescription {
  return {
    collector,
    type: 'file',
    resource: hostName === undefined ? {} : { 'host.name': hostName },
    attributes: { 'log.file.path': path },
  };
}

export interface Started {
  readonly shipper: Shipper;
  readonly log: LogEntry[];
}

export function startMirror(
  root: string,
  outlet: Outlet,
  files: Files = hostFiles,
  options: Partial<MirrorOptions> = {},
): Started {
  const log: LogEntry[] = [];
  const keeper: Log = { write: (entry) => void log.push(entry) };
  const shipper = createMirrorShipper(
    {
      name: 'mirror',
      folder: `${root}/out`,
      stateFolder: `${root}/data/mirrors/mirror`,
      batchIntervalMs: 0,
      ...options,
    },
    { outlet, files, codec, clock: hastyClock, random, log: keeper },
  );
  void shipper.start();
  return { shipper, log };
}

/** Waits until `done`, or says what it waited for. */
export async function until(what: string, done: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!done()) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export async function mirrored(outlet: Outlet): Promise<void> {
  await until('everything is mirrored', () => outlet.cursor?.position === outlet.durable);
}

/** Every file below a folder, by its path. */
export function filesIn(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  if (!fs.existsSync(folder)) return found;
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found[path.slice(folder.length + 1)] = fs.readFileSync(path, 'latin1');
  }
  return found;
}

export const ids = { receiver: 'aa'.repeat(16), a: '0123456789abcdef'.repeat(2), b: 'fedcba9876543210'.repeat(2) };
export const epochs = { receiver: epochOf('11'.repeat(16)), a: epochOf('22'.repeat(16)), b: epochOf('33'.repeat(16)) };

/** A receiver that was sent the blocks of two agents. */
export function makeWorld() {
  const outlet = new MemoryOutlet(ids.receiver);
  const receiver = new BlockMaker(ids.receiver, epochs.receiver, codec);
  const agents = { a: new BlockMaker(ids.a, epochs.a, codec), b: new BlockMaker(ids.b, epochs.b, codec) };
  const receive = (
    who: 'a' | 'b',
    parts: Parameters<BlockMaker['own']>[0],
    beside?: Parameters<BlockMaker['nest']>[1],
  ) => outlet.add(receiver.nest(agents[who].own(parts), beside), epochs.receiver);
  return { outlet, receiver, agents, receive };
}

export const text = (value: string) => Buffer.from(value, 'latin1');
