/**
 * Runs a command, always, once or each interval, and takes what it writes, line by line. Its output is read only as fast as the
 * spool takes it, so it waits where the spool is full. Never two runs at one time; at a stop its whole process group ends. Nothing
 * acknowledges here: what a run had written and was not read when the agent was killed is lost, and what the command repeats at its
 * next run comes again.
 */
import type { Timer } from '../../spool/ports.ts';
import type { ChildEnd, ChildProcess, Collector, CollectorStatus } from '../ports.ts';
import { Deposit } from '../shared/deposit.ts';
import { LineStream, shapeOfLines } from '../shared/line-stream.ts';
import { noShapeCounts, shapeGauges } from '../shared/shape.ts';
import { type Cut, ExecLedger } from './ledger.ts';
import type { ExecOptions, ExecWorld } from './options.ts';

const stopGraceMs = 1000;
/** One that lived so long works. */
const settledMs = 3000;
/** What a program that ended left running may hold its output open for so long. */
const lingerMs = 5000;

export class ExecCollector implements Collector {
  readonly type = 'exec';
  readonly name: string;
  readonly #options: ExecOptions;
  readonly #world: ExecWorld;
  readonly #ledger: ExecLedger;
  readonly #output: Deposit;
  readonly #errors: Deposit;
  #child: ChildProcess | undefined;
  #streams: LineStream[] = [];
  readonly #counts = noShapeCounts();
  #pause: { readonly timer: Timer; readonly end: () => void } | undefined;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ExecOptions, world: ExecWorld) {
    const { name, command, resource } = options;
    this.name = name;
    this.#options = options;
    this.#world = world;
    this.#ledger = new ExecLedger(name, command[0], world.clock, world.log);
    const deposit = (stream: string) => {
      const attributes = { ...options.attributes, 'log.iostream': stream };
      return new Deposit({ collector: name, type: this.type, resource, attributes, format: 'text' }, world);
    };
    this.#output = deposit('stdout');
    this.#errors = deposit('stderr');
  }

  async start(): Promise<void> {
    this.#running = this.#runs();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pause?.end();
    await this.#child?.stop(stopGraceMs);
    for (const stream of this.#streams) stream.stop();
    await Promise.race([this.#running, this.#sleep(100)]);
    this.#output.close();
    this.#errors.close();
  }

  status(): CollectorStatus {
    const [output, errors] = [this.#output.read, this.#errors.read];
    const read = { records: output.records + errors.records, bytes: output.bytes + errors.bytes };
    const gauges = {
      running: this.#child ? 1 : 0,
      ...this.#ledger.gauges,
      ...shapeGauges(shapeOfLines(this.#options), this.#counts),
    };
    return { name: this.name, type: this.type, read, problems: this.#ledger.problems, sources: [], gauges };
  }

  async #runs(): Promise<void> {
    const { clock } = this.#world;
    const { run, intervalMs, retryDelayMsMin, retryDelayMsMax } = this.#options;
    let delayMs = retryDelayMsMin;
    while (!this.#stopped) {
      const began = clock.monotonic();
      await this.#once(run === 'always' ? delayMs : intervalMs);
      if (run === 'once' || this.#stopped) return;
      const tookMs = clock.monotonic() - began;
      if (run === 'every') {
        for (let missed = Math.floor(tookMs / intervalMs); missed > 0; missed--) this.#ledger.skipped();
        await this.#sleep(intervalMs - (tookMs % intervalMs));
        continue;
      }
      if (tookMs > retryDelayMsMax) delayMs = retryDelayMsMin;
      await this.#sleep(delayMs);
      delayMs = Math.min(2 * delayMs, retryDelayMsMax);
    }
  }

  /** One run, until the program is gone and its output is in the spool. */
  async #once(nextMs: number): Promise<void> {
    const { run, timeoutMs, outputBytesMax } = this.#options;
    const { clock } = this.#world;
    this.#ledger.began();
    const child = this.#spawn();
    this.#child = child;
    let cut: Cut | undefined;
    const end = (why: Cut) => {
      cut ??= why;
      void child.stop(stopGraceMs);
    };
    const late = timeoutMs === undefined ? undefined : clock.after(timeoutMs, () => end('timeout'));
    const settled = run === 'always' ? clock.after(settledMs, () => this.#ledger.works()) : undefined;
    const enough = (bytes: number) => {
      if (outputBytesMax === undefined || bytes <= outputBytesMax) return false;
      end('output');
      return true;
    };
    const ended = await this.#readToTheEnd(child, enough);
    for (const timer of [late, settled]) timer?.cancel();
    this.#child = undefined;
    if (this.#stopped) return;
    const again =
      run === 'once' ? 'it runs again when the agent starts' : `it runs again within ${Math.ceil(nextMs / 1000)} s`;
    this.#ledger.ended(ended, cut, run !== 'always', again);
  }

  #spawn(): ChildProcess {
    const { command, environment, folder, user, errors } = this.#options;
    const [program, ...args] = command;
    const onErrorLine =
      errors === 'records' ? undefined : (line: string) => this.#ledger.errorLine(line, errors === 'log');
    return this.#world.children.spawn({ program, arguments: args, environment, folder, user, onErrorLine });
  }

  async #readToTheEnd(child: ChildProcess, enough: (bytes: number) => boolean): Promise<ChildEnd> {
    const { clock } = this.#world;
    const output = new LineStream(this.#options, this.#output, clock, this.#counts);
    const errors = new LineStream(this.#options, this.#errors, clock, this.#counts);
    this.#streams = [output, errors];
    // An error in reading is as good as an end.
    const reading = Promise.all([
      output.run(child, enough).catch(() => {}),
      child.errors ? errors.run(child.errors).catch(() => {}) : undefined,
    ]);
    const ended = await child.ended;
    const linger = clock.after(lingerMs, () => void child.stop(0));
    await reading;
    linger.cancel();
    this.#streams = [];
    // Gives back what is left of it.
    await child.stop(0);
    return ended;
  }

  #sleep(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#world.clock.after(delayMs, resolve);
    this.#pause = { timer, end: resolve };
    return promise.finally(() => timer.cancel());
  }
}
