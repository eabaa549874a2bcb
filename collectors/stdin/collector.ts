/**
 * Reads the agent's own standard input: `command | tailspool run`. Nothing acknowledges there, so what stands in the pipe is lost
 * when the agent is killed; what was read and is durable is not. At its end everything is made durable, and `ended` resolves.
 */
import type { Attributes, Intake } from '../../spool/nouns.ts';
import type { Clock, Log, Problem } from '../../spool/ports.ts';
import type { Collector, CollectorStatus, StandardInput } from '../ports.ts';
import { Deposit } from '../shared/deposit.ts';
import { LineStream, type LineStreamOptions, shapeOfLines } from '../shared/line-stream.ts';
import { noShapeCounts, type Shape, shapeGauges } from '../shared/shape.ts';

export interface StdinOptions extends LineStreamOptions {
  readonly name: string;
  readonly attributes: Attributes;
  readonly resource: Attributes;
}

export interface StdinWorld {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly log: Log;
  readonly input: StandardInput;
}

export class StdinCollector implements Collector {
  readonly type = 'stdin';
  readonly name: string;
  readonly ended: Promise<void>;
  readonly #world: StdinWorld;
  readonly #deposit: Deposit;
  readonly #lines: LineStream;
  readonly #shape: Shape | undefined;
  readonly #counts = noShapeCounts();
  readonly #end = Promise.withResolvers<void>();
  #state: 'reading' | 'ended' | 'stopped' = 'reading';
  #problem: Problem | undefined;

  constructor(options: StdinOptions, world: StdinWorld) {
    const { name, resource } = options;
    this.name = name;
    this.#world = world;
    const attributes = { ...options.attributes, 'log.iostream': 'stdin' };
    this.#deposit = new Deposit({ collector: name, type: this.type, resource, attributes, format: 'text' }, world);
    this.#lines = new LineStream(options, this.#deposit, world.clock, this.#counts);
    this.#shape = shapeOfLines(options);
    this.ended = this.#end.promise;
  }

  async start(): Promise<void> {
    void this.#read();
  }

  async stop(): Promise<void> {
    const reading = this.#state === 'reading';
    if (reading) this.#state = 'stopped';
    this.#world.input.stop();
    if (reading) this.#lines.stop();
    this.#deposit.close();
  }

  status(): CollectorStatus {
    const gauges = {
      at_end: this.#state === 'ended' ? 1 : 0,
      held_bytes: this.#lines.heldBytes,
      ...shapeGauges(this.#shape, this.#counts),
    };
    const problems = this.#problem ? [this.#problem] : [];
    return { name: this.name, type: this.type, read: this.#deposit.read, problems, sources: [], gauges };
  }

  async #read(): Promise<void> {
    try {
      await this.#lines.run(this.#world.input);
    } catch (error) {
      this.#failed(error);
    }
    // The spool closes before: then it was a stop.
    const durable = await this.#deposit.flush().then(
      () => true,
      () => false,
    );
    if (this.#state !== 'reading' || !durable) return;
    this.#state = 'ended';
    const message = `standard input is at its end; ${this.#lines.bytes} bytes came`;
    this.#world.log.write({ severity: 'info', event: 'stdin.ended', subject: this.name, message });
    if (!this.#problem) this.#end.resolve();
  }

  #failed(error: unknown): void {
    const { clock, log } = this.#world;
    const message = `standard input cannot be read: ${(error as Error).message}`;
    const hint = 'run it as `command | tailspool run …` or `tailspool run … < file`';
    this.#problem = { cause: 'unreadable', subject: this.name, message, since: clock.now(), hint, red: true };
    log.write({ severity: 'error', event: 'stdin.unreadable', subject: this.name, message });
  }
}
