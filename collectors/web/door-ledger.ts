/** What a door has to tell: counts of answers and problems. One method per event, so that they cannot drift. */
import type { Clock, Log, Problem } from '../../spool/ports.ts';
import { forPeople } from '../../spool/wire-answer.ts';
import type { Reason, Refusal } from './refusal.ts';

/** Answers that mean that somebody is hostile, broken, or wrongly configured; worth a line in the log. */
const suspicious: ReadonlySet<Reason> = new Set([
  'bad_request',
  'unauthorized',
  'not_found',
  'too_large',
  'too_slow',
  'unsupported',
]);

export class DoorLedger {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #answers: Record<string, number> = { taken: 0 };
  #failures = 0;
  #binding: Problem | undefined;
  #secrets: Problem | undefined;

  constructor(name: string, clock: Clock, log: Log) {
    this.#name = name;
    this.#clock = clock;
    this.#log = log;
  }

  get gauges(): Readonly<Record<string, number>> {
    const answers = Object.entries(this.#answers).map(([word, count]) => [`answers_${word}`, count]);
    return { ...Object.fromEntries(answers), failures: this.#failures };
  }

  get problems(): readonly Problem[] {
    return [this.#binding, this.#secrets].filter((problem) => problem !== undefined);
  }

  took(): void {
    this.#answers.taken!++;
  }

  refused({ reason, message }: Refusal, client: string): void {
    this.#answers[reason] = (this.#answers[reason] ?? 0) + 1;
    if (!suspicious.has(reason)) return;
    const told = `${this.#name} refused a request of ${client} (${reason}): ${forPeople(message)}`;
    this.#log.write({ severity: 'warn', event: `web.${reason}`, subject: `${this.#name} ${client}`, message: told });
  }

  failed(client: string, why: string): void {
    this.#failures++;
    const message = `A request of ${client} to ${this.#name} could not be finished: ${forPeople(why)}`;
    this.#log.write({ severity: 'warn', event: 'web.failed', subject: `${this.#name} ${client}`, message });
  }

  bound(at: { readonly host: string; readonly port: number }): void {
    this.#binding = undefined;
    const message = `${this.#name} listens at ${at.host}:${at.port}.`;
    this.#log.write({ severity: 'info', event: 'web.listening', subject: this.#name, message });
  }

  notBound(where: string, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    const message = `${this.#name} cannot listen at ${where}: ${forPeople(why)}`;
    const since = this.#binding?.since ?? this.#clock.now();
    const hint =
      'Free the port or choose another; certificate files have to be readable. It is tried again every second.';
    this.#binding = { cause: 'cannot_listen', subject: where, message, since, hint, red: true };
    this.#log.write({ severity: 'error', event: 'web.cannot_listen', subject: where, message });
  }

  /** Nobody gets in until the files can be read again. */
  secretsUnreadable(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    const message = `${this.#name} cannot read its tokens or passwords, so it takes nothing: ${forPeople(why)}`;
    const hint = 'Make the file readable, with a token or password on a line of its own.';
    const since = this.#secrets?.since ?? this.#clock.now();
    if (!this.#secrets) this.#log.write({ severity: 'error', event: 'web.no_secrets', subject: this.#name, message });
    this.#secrets = { cause: 'no_tokens', subject: this.#name, message, since, hint, red: true };
  }

  secretsReadable(): void {
    this.#secrets = undefined;
  }
}
