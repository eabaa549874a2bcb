/**
 * The mirror: a shipper whose destination is a folder. It reads the spool with a cursor of its own and writes every source's
 * records back as a file, byte for byte what was read from the source, exactly once over any crash (see batch.ts).
 *
 * Its state lies in data_dir (`mirrors/<shipper>/`): the intent, the host claims, the path of each source. Folder and state
 * belong together (folder.ts). While the folder cannot be written it holds, says so, and goes on by itself; nothing is lost,
 * for the spool keeps what the cursor has not passed.
 */
import { type Outlet, type Position, zeroHash } from '../../spool/nouns.ts';
import type { Clock, Codec, Files, Log, Random } from '../../spool/ports.ts';
import type { Shipper, ShipperStatus } from '../ports.ts';
import { planBatch, Scratch, type Tools, writeBatch } from './batch.ts';
import { Book } from './book.ts';
import { cutBack } from './cut.ts';
import { setAside } from './damaged.ts';
import { makeDurableFolder } from './filework.ts';
import { checkFolder, setSequence } from './folder.ts';
import { Gather } from './gather.ts';
import { IntentStore, type Place } from './intent.ts';
import { type MirrorNotes, notesFor } from './notes.ts';
import { planResume } from './resume.ts';
import { Shelf } from './shelf.ts';
import { MirrorStatus } from './status.ts';
import { explain, Mismatch } from './trouble.ts';
import { Written } from './written.ts';

export interface MirrorOptions {
  readonly name: string;
  /** Absolute; created where it is missing. */
  readonly folder: string;
  /** Absolute: `mirrors/<shipper>` in data_dir. */
  readonly stateFolder: string;
  readonly openFilesMax?: number;
  /** Of compressed blocks in one batch; at least one block is taken. */
  readonly batchBytesMax?: number;
  /** Between the beginnings of two batches, when there is no backlog. */
  readonly batchIntervalMs?: number;
}

export interface MirrorPorts {
  readonly outlet: Outlet;
  readonly files: Files;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const defaults = { openFilesMax: 1024, batchBytesMax: 2 * 1024 * 1024, batchIntervalMs: 200 };
const retryDelayMsMax = 3000;
const mismatchRetryDelayMs = 10_000;
const stopGraceMs = 1500;
const idleDelayMs = 50;
/** With many files, where making them durable takes long, batches come less often. */
const batchIntervalMsMax = 3000;

export function createMirrorShipper(options: MirrorOptions, ports: MirrorPorts): Shipper {
  return new Mirror({ ...defaults, ...options }, ports);
}

/** From one good look at the folder to the next trouble. */
interface Session {
  readonly id: string;
  readonly tools: Tools;
  readonly notes: MirrorNotes;
  sequence: number;
  /** Everything before it is in the files. */
  place: Place;
}

class Mirror implements Shipper {
  readonly type = 'mirror';
  readonly name: string;
  readonly #options: Required<MirrorOptions>;
  readonly #ports: MirrorPorts;
  readonly #status: MirrorStatus;
  readonly #intents: IntentStore;
  readonly #stopping = new AbortController();
  readonly #scratch = new Scratch();
  readonly #gather = new Gather();
  #abandoned = false;
  #book: Book | undefined;
  #written: Written | undefined;
  #shelf: Shelf | undefined;
  #running: Promise<void> | undefined;

  constructor(options: Required<MirrorOptions>, ports: MirrorPorts) {
    this.name = options.name;
    this.#options = options;
    this.#ports = ports;
    this.#status = new MirrorStatus(options.name, options.folder, ports.clock, ports.log);
    this.#intents = new IntentStore(ports.files, options.stateFolder);
  }

  async start(): Promise<void> {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const { clock } = this.#ports;
    const grace = new Promise<void>((resolve) => clock.after(stopGraceMs, resolve));
    await Promise.race([this.#running, grace]);
    this.#abandoned = true;
    this.#status.state = 'stopped';
  }

  status(): ShipperStatus {
    this.#status.gauges = {
      open_files: this.#shelf?.openFiles ?? 0,
      hosts: this.#book?.hosts ?? 0,
      sources_in_memory: this.#book?.cachedSources ?? 0,
    };
    return this.#status.get();
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(): Promise<void> {
    let delayMs = 0;
    while (!this.#stopped) {
      try {
        const session = await this.#begin();
        delayMs = 0;
        this.#status.released();
        await this.#follow(session);
      } catch (error) {
        this.#shelf?.closeAll();
        if (this.#abandoned) break;
        delayMs = error instanceof Mismatch ? mismatchRetryDelayMs : Math.min(retryDelayMsMax, delayMs + 1000);
        this.#hold(error);
        await this.#sleep(delayMs);
      }
    }
    this.#shelf?.closeAll();
    this.#status.state = 'stopped';
  }

  /** Checks that folder and state belong together, undoes a broken-off batch, and finds the place to go on from. */
  async #begin(): Promise<Session> {
    const { files, random, outlet, codec, clock } = this.#ports;
    const { folder, stateFolder } = this.#options;
    await makeDurableFolder(files, stateFolder);
    const intent = this.#intents.read();
    const check = await checkFolder(files, random, { folder, state: stateFolder }, intent);
    if (check.kind === 'mismatch') throw new Mismatch(check.message, check.hint);
    const notes = notesFor(this.#status, outlet, folder);
    const hashAt = (position: Position) => outlet.endingAt(position)?.hash;
    const oldest = placeAt(outlet, outlet.oldest);
    const plan = planResume({
      spool: outlet.spool,
      cursor: outlet.cursor,
      oldest,
      intent,
      marker: check.sequence,
      hashAt,
    });
    if (plan.lost) this.#status.note('warn', 'lost_end', folder, plan.lost);
    if (plan.warning) this.#status.note('warn', 'may_repeat', folder, plan.warning);
    if (plan.cut && intent) await cutBack(files, folder, intent, notes);
    this.#book ??= new Book(files, stateFolder, notes);
    this.#written ??= new Written(files, `${stateFolder}/written`);
    if (plan.apart) this.#written.clear();
    if (plan.cut && intent) this.#written.takeBack(intent.sequence);
    await this.#written.flush();
    this.#shelf ??= new Shelf(files, folder, this.#options.openFilesMax);
    const tools = {
      book: this.#book,
      written: this.#written,
      shelf: this.#shelf,
      codec,
      clock,
      scratch: this.#scratch,
      gather: this.#gather,
      notes,
    };
    return { id: check.id, tools, notes, sequence: plan.sequence, place: plan.from };
  }

  /** Until told to stop, or until something throws. */
  async #follow(session: Session): Promise<void> {
    const { outlet, clock } = this.#ports;
    let ends = 0;
    while (!this.#stopped) {
      const result = outlet.read(session.place.position, this.#options.batchBytesMax);
      // A spool that is closing has nothing to read and lets nobody wait.
      ends = result.kind === 'end' || result.kind === 'unreadable' ? ends + 1 : 0;
      if (ends > 1) await this.#sleep(idleDelayMs);
      switch (result.kind) {
        case 'unreadable':
        case 'end':
          this.#status.state = 'idle';
          await outlet.readable(session.place.position, this.#stopping.signal);
          break;
        case 'gap': {
          const { upto, gap } = result;
          session.place = placeAt(outlet, upto, session.place.epoch);
          // Positions that were never used are no loss.
          if (gap.reason !== 'hole_in_positions') session.notes.gap(gap);
          await this.#save(session.place, true);
          break;
        }
        case 'blocks': {
          const started = clock.monotonic();
          await this.#write(session, result);
          const tookMs = clock.monotonic() - started;
          if (session.place.position < outlet.durable) break;
          const pauseMs = Math.min(batchIntervalMsMax, Math.max(this.#options.batchIntervalMs, 3 * tookMs)) - tookMs;
          this.#status.state = 'idle';
          if (pauseMs > 0) await this.#sleep(pauseMs);
          break;
        }
        default:
          result satisfies never;
      }
    }
  }

  async #write(session: Session, read: BlocksRead): Promise<void> {
    const { outlet, clock } = this.#ports;
    const { tools } = session;
    const started = clock.monotonic();
    this.#status.attempt();
    using _pin = outlet.pin(read.from, read.upto);
    const plan = await planBatch(read.blocks, tools);
    const last = read.blocks[plan.taken - 1]!;
    const upto: Place = { position: last.end, epoch: read.epoch.id, hash: last.hash };
    if (plan.targets.size > 0) {
      await this.#announce(session, [...plan.targets.values()]);
      tools.written.add(session.sequence, await writeBatch(plan, tools, () => this.#abandoned));
    }
    await tools.book.flush();
    await tools.written.flush();
    await setAside(this.#ports.files, this.#options.stateFolder, plan.damaged);
    await this.#save(upto, false);
    session.place = upto;
    for (const damaged of plan.damaged) tools.notes.blockDamaged(damaged);
    if (plan.known > 0) session.notes.known(plan.known, read.from);
    let bytes = 0;
    for (const target of plan.targets.values()) bytes += target.endBytes - target.startBytes;
    this.#status.written((clock.monotonic() - started) / 1000, bytes);
  }

  /** From here on, what the files get can be undone. */
  async #announce(
    session: Session,
    targets: readonly { path: string; inode: bigint; startBytes: number }[],
  ): Promise<void> {
    const { files, outlet } = this.#ports;
    session.sequence++;
    await this.#intents.write({
      sequence: session.sequence,
      spool: outlet.spool,
      folder: session.id,
      from: session.place,
      files: targets.map(({ path, inode, startBytes }) => ({ path, inode, lengthBytes: startBytes })),
    });
    await setSequence(files, this.#options.folder, session.id, session.sequence);
  }

  #save(place: Place, durably: boolean): Promise<void> {
    return this.#ports.outlet.save({ receiver: '', forked: false, ...place }, durably);
  }

  #hold(error: unknown): void {
    const { state, cause, message, hint } = explain(error, this.#options.folder);
    this.#status.hold(state, cause, message, hint);
  }

  async #sleep(delayMs: number): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = this.#ports.clock.after(delayMs, done);
      signal.addEventListener('abort', done, { once: true });
      function done(): void {
        timer.cancel();
        signal.removeEventListener('abort', done);
        resolve();
      }
    });
  }
}

type BlocksRead = Extract<ReturnType<Outlet['read']>, { kind: 'blocks' }>;

const noEpoch = '0'.repeat(32);

function placeAt(outlet: Outlet, position: Position, epoch: string = noEpoch): Place {
  const found = outlet.endingAt(position);
  return { position, epoch: found?.epoch.id ?? epoch, hash: found?.hash ?? zeroHash };
}
