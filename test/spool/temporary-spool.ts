/** A spool in a temporary folder, and short words for what tests do with one. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { hostClock } from '../../agent/host/clock.ts';
import { chooseCodec } from '../../agent/host/codec.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { hostRandom } from '../../agent/host/random.ts';
import { decodeHeader } from '../../spool/format.ts';
import { expandFrame } from '../../spool/format-table.ts';
import type { Outlet, Position, ReadResult, Run, SourceDescription, SourceNumber } from '../../spool/nouns.ts';
import type { Codec, LogEntry } from '../../spool/ports.ts';
import type { Spool, SpoolOptions, SpoolPorts } from '../../spool/spool.ts';
import { openSpool } from '../../spool/spool.ts';

export const codec = chooseCodec().codec;

export interface TestSpool extends AsyncDisposable {
  readonly path: string;
  readonly ports: SpoolPorts;
  readonly log: LogEntry[];
  open(options?: Partial<SpoolOptions>): Promise<Spool>;
  description(path: string, collector?: string): SourceDescription;
}

export function temporarySpool(ports: Partial<SpoolPorts> = {}): TestSpool {
  const path = ports.files ? '/data' : mkdtempSync(`${tmpdir()}/tailspool-`);
  const log: LogEntry[] = [];
  const all: SpoolPorts = {
    files: hostFiles,
    clock: hostClock,
    random: hostRandom,
    codec,
    log: { write: (entry) => log.push(entry) },
    ...ports,
  };
  return {
    path,
    ports: all,
    log,
    open: (options = {}) => openSpool({ ...defaults, dataDir: path, ...options }, all),
    description: (name, collector = 'c') => ({
      collector,
      type: 'file',
      resource: { 'host.name': 'h' },
      attributes: { 'log.file.path': name },
    }),
    async [Symbol.asyncDispose]() {
      if (!ports.files) rmSync(path, { recursive: true, force: true });
    },
  };
}

const defaults = {
  syncIntervalMs: 5,
  segmentBytes: 64 * 1024 * 1024,
  maxBytes: 1024 ** 3,
  minFreeBytes: 0,
  damagedBytesMax: 64 * 1024 * 1024,
  retainAckedBytes: 0,
  shippers: [{ name: 's', whenFull: 'block' as const }],
};

export function textRun(over: Pick<Run, 'source' | 'from' | 'bytes' | 'records'> & Partial<Run>): Run {
  return {
    to: over.from + over.bytes,
    mark: Buffer.alloc(4),
    format: 'text',
    time: hostClock.now(),
    continues: false,
    unterminated: false,
    ...over,
  };
}

/** Commits one line; false while the spool takes nothing. */
export function writeLine(spool: Spool, source: SourceNumber, from: number, line: string): boolean {
  const view = spool.intake.reserve(line.length);
  if (!view) return false;
  Buffer.from(view.buffer, view.byteOffset, view.length).write(line);
  spool.intake.commit(textRun({ source, from, bytes: line.length, records: 1 }));
  return true;
}

export async function writeLines(spool: Spool, source: SourceNumber, from: number, count: number): Promise<string[]> {
  const lines: string[] = [];
  let at = from;
  for (let n = 0; n < count; n++) {
    const line = `source ${source} offset ${at} line ${n} ${'x'.repeat((at * 7) % 50)}\n`;
    while (!writeLine(spool, source, at, line)) await spool.intake.room();
    at += line.length;
    lines.push(line);
  }
  return lines;
}

/** Every record from `from` to the durable end. */
export function delivered(dir: TestSpool, outlet: Outlet, from: Position = outlet.oldest): string[] {
  const lines: string[] = [];
  for (let at = from; ; ) {
    const read = outlet.read(at, 1024 * 1024);
    if (read.kind === 'end' || read.kind === 'unreadable') return lines;
    if (read.kind === 'blocks') lines.push(...linesOf(read, dir.ports.codec));
    at = read.upto;
  }
}

export function linesOf(read: Extract<ReadResult, { kind: 'blocks' }>, blockCodec: Codec): string[] {
  return read.blocks.flatMap((block) => {
    const header = decodeHeader(block.header);
    if (header.kind !== 'header') throw new Error('a header that does not decode');
    if (header.header.records === 0) return [];
    return expandFrame(block.frame, blockCodec)!
      .toString()
      .split(/(?<=\n)/);
  });
}
