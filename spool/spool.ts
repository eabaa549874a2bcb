/**
 * A spool: opens it, and holds its parts together. Collectors get `intake`, shippers get `outlet(name)`. Nothing is in memory
 * only for longer than a sync takes; closing loses nothing.
 */
import { BlockArena } from './arena.ts';
import { CursorFile } from './cursor-file.ts';
import { Damaged } from './damaged.ts';
import { measureTable } from './format-table.ts';
import { SpoolIntake } from './intake.ts';
import { foldersOf, withParents } from './layout.ts';
import { sumOf } from './ledger.ts';
import type { Id, Intake, Outlet, Position, SpoolStatus } from './nouns.ts';
import { SpoolOutlet } from './outlet.ts';
import type { Clock, Codec, Files, Log, Random } from './ports.ts';
import { limitsFor, noSpaceCodes, Pressure } from './pressure.ts';
import { readPatiently } from './read-patiently.ts';
import { Recall } from './recall.ts';
import { cursorOf, recover } from './recovery.ts';
import { Retention } from './retention.ts';
import { Segments } from './segments.ts';
import type { CursorStart } from './start.ts';
import { startOf } from './start.ts';
import { totalsAt } from './totals.ts';
import { Writer } from './writer.ts';

export { NewerVersion } from './recovery-segment.ts';

export interface SpoolOptions {
  readonly dataDir: string;
  /** The least distance between two syncs. */
  readonly syncIntervalMs: number;
  readonly segmentBytes: number;
  /** undefined: the smaller of 10 GiB and a quarter of the file system. */
  readonly maxBytes?: number | undefined;
  /** undefined: the smaller of 1 GiB and a twentieth of the file system. */
  readonly minFreeBytes?: number | undefined;
  readonly damagedBytesMax: number;
  /** Acknowledged bytes that stay, to refill a receiver that lost them. */
  readonly retainAckedBytes: number;
  /** Blocks of so many bytes may wait in memory for their sync. */
  readonly unsyncedBytesMax?: number | undefined;
  /** Those whose cursors keep data from being deleted. None: the spool is a ring. */
  readonly shippers: readonly { readonly name: string; readonly whenFull: 'block' | 'drop_oldest' }[];
}

export interface SpoolPorts {
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly codec: Codec;
  readonly log: Log;
}

export interface Spool {
  readonly id: Id;
  readonly intake: Intake;
  /** The door of a shipper named in the options. */
  outlet(name: string): Outlet;
  status(): SpoolStatus;
  /** Makes everything durable that was committed, if the disk answers within `limitMs`, and lets go of all files. */
  close(limitMs?: number): Promise<void>;
}

const folderRetryMs = 1000;
const unsyncedBytesUsual = 4 * 1024 * 1024;

/**
 * Opens the spool of a data_dir (whose lock the caller holds), recovering it as far as needed. Throws `NewerVersion` where a
 * newer tailspool wrote it; nothing is changed then. Damage never makes it throw.
 */
export async function openSpool(options: SpoolOptions, ports: SpoolPorts): Promise<Spool> {
  const { files, clock, random, log } = ports;
  const folders = foldersOf(options.dataDir);
  await makeFolders([folders.root, folders.segments, folders.cursors, folders.damaged], ports);
  const damaged = new Damaged(files, folders, clock, options.damagedBytesMax);
  const found = await recover(ports, folders, damaged);
  for (const note of found.notes)
    log.write({ severity: 'warn', event: 'spool.recovered', subject: note, message: note });

  const id = found.spool ?? hex(random.bytes(16));
  const limits = limitsFor(options, files.space(folders.root).totalBytes);
  const segments = new Segments(files, folders, found.segments);
  const pressure = new Pressure(files, clock, folders.root, damaged, limits);
  const outlets = new Map<string, SpoolOutlet>();
  const readers = new Set<() => void>();
  const writer = new Writer(
    ports,
    {
      spool: id,
      segmentBytes: () => pressure.segmentBytes,
      folders: withParents(folders.segments),
      repairDelayMs: 200,
    },
    { epoch: hex(random.bytes(16)), last: found.last, next: found.next },
    {
      segments,
      arena: new BlockArena(options.unsyncedBytesMax ?? unsyncedBytesUsual),
      appended: found.appended,
      durable: found.durable,
      events: {
        synced: () => intake.synced(),
        room: () => intake.wake(),
        failed: () => intake.reconsider(),
        cursors: () => new Map([...outlets.values()].map((outlet) => [outlet.name, outlet.cursor])),
      },
    },
  );
  const { appended, durable } = found;
  const totals = { files, codec: ports.codec, segments, appended, durable, durableEnd: () => writer.durable };
  const at = (position: Position) => totalsAt(totals, position);
  const retention = new Retention(
    {
      files,
      clock,
      codec: ports.codec,
      log,
      segments,
      writer,
      outlets,
      appended: found.appended,
      durable: found.durable,
      totalsAt: at,
    },
    options,
    limits,
  );
  const recall = new Recall({
    ...{ files, clock, codec: ports.codec, spool: id, segments },
    durable: () => writer.durable,
    sources: () => found.appended.sources.size,
  });
  const intake = new SpoolIntake(
    {
      ...{ clock, log, writer, ledger: found.appended, pressure, segments, retention, recall },
      measureTable: () => measureTable(found.appended.toTable(new Map()), ports.codec),
    },
    options,
    () => {
      for (const wake of [...readers]) wake();
    },
  );

  const startsOver = (over: Files) =>
    options.shippers.map(({ name }) =>
      startOf(name, cursorOf(found.cursors, name), id, found, (position) =>
        totalsAt({ ...totals, files: over }, position),
      ),
    );
  // What cannot be opened was waited for already.
  const waited = found.segments.some(({ unopened }) => unopened);
  const starts = waited ? startsOver(files) : await readPatiently(ports, startsOver);
  for (const [index, shipper] of options.shippers.entries()) {
    const start = starts[index]!;
    noteStart(log, shipper.name, start);
    const file = new CursorFile(files, folders, shipper.name, cursorOf(found.cursors, shipper.name));
    await file.prepare();
    outlets.set(
      shipper.name,
      new SpoolOutlet(
        shipper.name,
        {
          files,
          clock,
          log,
          spool: id,
          segments,
          appended: found.appended,
          durable: () => writer.durable,
          durableFloor: (shipper) => found.durable.shipper(shipper).floor,
          durableRecordsEnd: () => writer.durableRecordsEnd,
          closed: () => intake.hold === 'closed',
          committed: () => intake.committed(),
          totalsAt: at,
          oldestUnsynced: () => intake.oldest,
          syncs: () => writer.syncs,
          prove: () => intake.prove(),
          drop: (entries) => intake.drop(entries),
          dropsDurable: () => intake.dropsDurable(),
          damage: (read, gap) => retention.damage(read, gap, damaged),
          released() {
            retention.run();
            intake.reconsider();
          },
          onReadable(wake) {
            readers.add(wake);
            return { [Symbol.dispose]: () => readers.delete(wake) };
          },
        },
        file,
        start,
      ),
    );
  }
  retention.run();
  intake.reconsider();

  return {
    id,
    intake,
    outlet(name) {
      const outlet = outlets.get(name);
      if (!outlet) throw new Error(`BUG: no shipper is named ${name}`);
      return outlet;
    },
    status: () => ({
      id,
      epoch: writer.epoch,
      oldest: segments.list[0]?.start ?? writer.durable,
      end: writer.end,
      durable: writer.durable,
      segments: segments.list.length,
      bytes: segments.bytes,
      maxBytes: limits.maxBytes,
      damagedBytes: damaged.bytes,
      sources: found.appended.sources.size,
      rawBytesTotal: found.appended.sourceBytes,
      spooledBytesTotal: found.appended.spooledBytes,
      recordsTotal: sumOf(intake.committed().values()).records,
      syncs: writer.syncs,
      hold: intake.hold,
      problems: [
        ...intake.problems(),
        ...retention.problems(),
        ...[...outlets.values()].flatMap((outlet) => outlet.problems),
      ],
      recovered: found.notes,
      collectors: intake.collectorTotals(),
      shippers: Object.fromEntries([...outlets.values()].map((outlet) => [outlet.name, outlet.totals()])),
    }),
    async close(limitMs = 3000) {
      const done = closeAll(intake, outlets, writer);
      await Promise.race([done, new Promise<void>((resolve) => clock.after(limitMs, resolve))]);
      intake.closed();
    },
  };
}

/** A disk without space is waited for, at the start too. */
async function makeFolders(folders: readonly string[], { files, clock, log }: SpoolPorts): Promise<void> {
  for (;;) {
    try {
      for (const folder of folders) files.makeDirectory(folder);
      return;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (!code || !noSpaceCodes.has(code)) throw error;
      const text = `${message}. Nothing is collected until there is space; it is tried again each second`;
      log.write({ severity: 'error', event: 'spool.no_space', message: text });
    }
    await new Promise<void>((resolve) => clock.after(folderRetryMs, resolve));
  }
}

async function closeAll(intake: SpoolIntake, outlets: ReadonlyMap<string, SpoolOutlet>, writer: Writer): Promise<void> {
  await intake.finish();
  for (const outlet of outlets.values()) await outlet.close().catch(() => undefined);
  writer.close();
  intake.closed();
}

function noteStart(log: Log, name: string, start: CursorStart): void {
  if (start.note) log.write({ severity: 'warn', event: 'spool.cursor_lost', subject: name, message: start.note });
}

function hex(bytes: Uint8Array): Id {
  return Buffer.from(bytes).toString('hex');
}
