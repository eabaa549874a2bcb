/**
 * Says each change once: a problem when it begins and when it is gone, a drop when its counter has moved. It compares one
 * status with the one before, so that the log can never disagree with what `status` and the metrics show.
 *
 * Shippers, the receiver and the spool log their own problems as they meet them; of theirs only what the watchdog found is
 * said here.
 */
import type { Tally } from '../../spool/nouns.ts';
import type { Log } from '../../spool/ports.ts';
import type { AgentStatus, ShownProblem } from '../status/status.ts';
import { noTally } from '../status/tallies.ts';
import { duration, size } from '../status/units.ts';

/** Beyond so many at once, the rest is one line: ten thousand unreadable files must not be ten thousand lines. */
const problemsSaidMax = 50;

export class Ledger {
  readonly #log: Log;
  #problems = new Map<string, ShownProblem>();
  #drops = new Map<string, Tally>();
  #begun = false;

  constructor(log: Log) {
    this.#log = log;
  }

  compare(status: AgentStatus): void {
    this.#compareProblems(status);
    this.#compareDrops(status);
    this.#begun = true;
  }

  #compareProblems(status: AgentStatus): void {
    const before = this.#problems;
    const now = new Map(toBeSaid(status).map((problem) => [keyOf(problem), problem]));
    const begun = [...now].filter(([key]) => !before.has(key)).map(([, problem]) => problem);
    const ended = [...before].filter(([key]) => !now.has(key)).map(([, problem]) => problem);
    for (const problem of begun.slice(0, problemsSaidMax)) this.#sayBegun(problem);
    for (const problem of ended.slice(0, problemsSaidMax)) this.#sayEnded(problem, status);
    const unsaid = Math.max(0, begun.length - problemsSaidMax) + Math.max(0, ended.length - problemsSaidMax);
    if (unsaid > 0) {
      const message = `${unsaid} more problems began or ended; \`tailspool status\` lists those there are now.`;
      this.#log.write({ severity: 'warn', event: 'problem.more', message });
    }
    this.#problems = now;
  }

  #sayBegun({ part, cause, subject, message, hint, red }: ShownProblem): void {
    this.#log.write({
      severity: red ? 'error' : 'warn',
      event: `problem.${cause}`,
      subject,
      message: `${part}: ${sentences(message, hint)}`,
      attributes: { part, red },
    });
  }

  #sayEnded({ part, cause, subject, since }: ShownProblem, { at }: AgentStatus): void {
    const message = `${part}: ${subject}: no longer ${cause.replaceAll('_', ' ')}, after ${duration(at - since)}.`;
    this.#log.write({ severity: 'info', event: `mended.${cause}`, subject, message, attributes: { part } });
  }

  #compareDrops(status: AgentStatus): void {
    const now = new Map(allDrops(status));
    for (const [key, tally] of now) {
      const before = this.#drops.get(key) ?? noTally;
      // What was dropped before this process is history: it stands in the counters, and was said then.
      if (this.#begun && tally.bytes > before.bytes) this.#sayDropped(key, tally, before);
    }
    this.#drops = now;
  }

  #sayDropped(key: string, now: Tally, before: Tally): void {
    const [collector, shipper, reason] = JSON.parse(key) as [string, string, string];
    const where = shipper ? `shipper ${shipper} will not deliver` : 'the spool never got';
    const message = `${where} ${size(now.bytes - before.bytes)} of collector ${collector}: ${reason.replaceAll('_', ' ')}.`;
    const attributes = { collector, shipper, bytes: now.bytes - before.bytes, records: now.records - before.records };
    this.#log.write({
      severity: 'warn',
      event: `dropped.${reason}`,
      subject: `${collector} ${shipper}`,
      message,
      attributes,
    });
  }
}

function toBeSaid({ problems, collectors }: AgentStatus): ShownProblem[] {
  const silent = collectors.filter(({ type }) => type === 'file').map(({ name }) => `collector ${name}`);
  return problems.filter(({ part, watched }) => watched || silent.includes(part));
}

function keyOf({ part, cause, subject }: ShownProblem): string {
  return JSON.stringify([part, cause, subject]);
}

function allDrops(status: AgentStatus): [string, Tally][] {
  const atTheDoor = status.collectors.map(({ name, totals }) => ({
    collector: name,
    shipper: '',
    dropped: totals.dropped,
  }));
  const behindIt = status.shippers.flatMap(({ name: shipper, totals }) =>
    Object.entries(totals.collectors).map(([collector, { dropped }]) => ({ collector, shipper, dropped })),
  );
  return [...atTheDoor, ...behindIt].flatMap(({ collector, shipper, dropped }) =>
    Object.entries(dropped).map(([reason, tally]): [string, Tally] => [
      JSON.stringify([collector, shipper, reason]),
      tally ?? noTally,
    ]),
  );
}

/** What happened and what to do, as sentences in one line: a message that ends without a stop gets one before the hint. */
function sentences(message: string, hint: string | undefined): string {
  if (!hint) return message;
  return `${/[.!?:;]$/.test(message) ? message : `${message}.`} ${hint.charAt(0).toUpperCase()}${hint.slice(1)}`;
}
