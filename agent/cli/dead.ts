/**
 * `tailspool dead ls|cat|retry|drop`: the records that an endpoint refused for good. `ls` and `cat` read the disk, whether an agent
 * runs or not; `retry` and `drop` ask the running agent, whose letters they are.
 */

import type { RetryReport } from '../../shippers/ports.ts';
import { deadPlaces, lettersIn } from '../dead/look.ts';
import type { Host } from '../ports.ts';
import { ago, count, size } from '../status/units.ts';
import { askAdmin } from './ask-admin.ts';
import {
  type Command,
  type CommandContext,
  type DeadListOptions,
  type DeadOptions,
  type ExitCode,
  exitCodes,
} from './commands.ts';

const answerMsMax = 60_000;
const reasonsShownMax = 10;
const writeBytesMin = 64 * 1024;

export const deadListCommand: Command<DeadListOptions> = async (options, context) => {
  const host = await context.openHost({ write() {} });
  const places = placesFor(options, host, context);
  if (!places) return exitCodes.runtime;
  const lists = places.map((place) => {
    const list = new List(place.shipper);
    for (const found of lettersIn(host.files, host.codec, place)) {
      if (found.kind === 'letter') list.add(found.stored.letter, found.line.length);
      else list.unreadable.push(`${found.where} cannot be read: ${found.why}`);
    }
    return list;
  });
  for (const { shipper, unreadable } of lists)
    for (const line of unreadable) context.err(`tailspool: dead letters of ${shipper}: ${line}\n`);
  const now = host.clock.now();
  const text = options.json
    ? JSON.stringify(lists.map((list) => list.json()))
    : lists.map((list) => list.text(now)).join('\n');
  await context.out(text === '' ? 'no dead letters\n' : `${text}\n`);
  return lists.some(({ unreadable }) => unreadable.length > 0) ? exitCodes.runtime : exitCodes.ok;
};

export const deadCatCommand: Command<DeadOptions> = async (options, context) => {
  const host = await context.openHost({ write() {} });
  const places = placesFor(options, host, context);
  if (!places) return exitCodes.runtime;
  let code: ExitCode = exitCodes.ok;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  const flush = async () => {
    if (waiting.length > 0) await context.out(Buffer.concat(waiting));
    waiting = [];
    waitingBytes = 0;
  };
  for (const place of places) {
    for (const found of lettersIn(host.files, host.codec, place)) {
      if (found.kind === 'unreadable') {
        context.err(`tailspool: dead letters of ${place.shipper}: ${found.where} cannot be read: ${found.why}\n`);
        code = exitCodes.runtime;
        continue;
      }
      waiting.push(Uint8Array.from(found.line), lineEnd);
      waitingBytes += found.line.length;
      if (waitingBytes >= writeBytesMin) await flush();
    }
  }
  await flush();
  return code;
};

const lineEnd = Buffer.from('\n');

export const deadRetryCommand: Command<DeadOptions> = async (options, context) => {
  const host = await context.openHost({ write() {} });
  const places = placesFor(options, host, context);
  if (!places) return exitCodes.runtime;
  let code: ExitCode = exitCodes.ok;
  for (const { shipper } of places) {
    const report = await retry(options.dataDir, shipper, host, context);
    if (!report) return exitCodes.runtime;
    const { delivered, refused, held, stopped } = report;
    const ended = stopped === undefined ? '' : `; stopped: ${stopped}`;
    await context.out(
      `${shipper}: ${delivered} delivered, ${refused} refused again, ${count(held, 'dead letter')} left${ended}\n`,
    );
    if (held > 0) code = exitCodes.runtime;
  }
  if (places.length === 0) await context.out('no dead letters\n');
  return code;
};

export const deadDropCommand: Command<DeadOptions> = async (options, context) => {
  const host = await context.openHost({ write() {} });
  const places = placesFor(options, host, context);
  if (!places) return exitCodes.runtime;
  for (const { shipper } of places) {
    const answer = await ask<{ dropped: number }>(
      options.dataDir,
      `/dead/drop?shipper=${encodeURIComponent(shipper)}`,
      host,
      context,
    );
    if (!answer) return exitCodes.runtime;
    await context.out(`${shipper}: ${count(answer.dropped, 'dead letter')} dropped\n`);
  }
  if (places.length === 0) await context.out('no dead letters\n');
  return exitCodes.ok;
};

/** Call after call, until each letter that was there at the beginning was tried. */
async function retry(
  dataDir: string,
  shipper: string,
  host: Host,
  context: CommandContext,
): Promise<RetryReport | undefined> {
  let until = '';
  let delivered = 0;
  let refused = 0;
  for (;;) {
    const report = await ask<RetryReport>(
      dataDir,
      `/dead/retry?shipper=${encodeURIComponent(shipper)}${until}`,
      host,
      context,
    );
    if (!report) return undefined;
    delivered += report.delivered;
    refused += report.refused;
    if (report.done || report.stopped !== undefined) return { ...report, delivered, refused };
    until = `&until=${report.until}`;
  }
}

async function ask<T>(dataDir: string, target: string, host: Host, context: CommandContext): Promise<T | undefined> {
  const asked = await askAdmin(dataDir, host, { method: 'POST', target, answerMsMax });
  if (asked.kind === 'answered' && asked.status === 200) return JSON.parse(asked.text) as T;
  context.err(`tailspool: ${reasonOf(asked, dataDir)}\n`);
  return undefined;
}

function reasonOf(asked: Awaited<ReturnType<typeof askAdmin>>, dataDir: string): string {
  switch (asked.kind) {
    case 'nobody':
      return `no agent runs in ${dataDir}; start it: dead letters are retried and dropped by it`;
    case 'failed':
      return asked.message;
    case 'answered':
      return `the agent in ${dataDir} answered ${asked.status}: ${messageIn(asked.text)}`;
    default:
      return asked satisfies never;
  }
}

function messageIn(text: string): string {
  try {
    return String((JSON.parse(text) as { message?: unknown }).message ?? text);
  } catch {
    // Not our JSON: shown as it is.
    return text.trim();
  }
}

/** Undefined where they cannot be looked at, or a shipper is named that has none; which is printed then. */
function placesFor({ dataDir, shipper }: DeadOptions, { files }: Host, context: CommandContext) {
  try {
    files.stat(dataDir);
    const places = deadPlaces(files, dataDir).filter((place) => shipper === undefined || place.shipper === shipper);
    if (places.length > 0 || shipper === undefined) return places;
    context.err(`tailspool: no shipper named ${shipper} has dead letters in ${dataDir}\n`);
  } catch (error) {
    context.err(`tailspool: ${dataDir} cannot be looked at: ${(error as Error).message}\n`);
  }
  return undefined;
}

/** What `ls` says of one shipper's letters. Bounded: beyond some hundred reasons the others are one. */
class List {
  readonly shipper: string;
  readonly unreadable: string[] = [];
  readonly #reasons = new Map<string, number>();
  #letters = 0;
  #bytes = 0;
  #oldest: number | undefined;
  #newest: number | undefined;

  constructor(shipper: string) {
    this.shipper = shipper;
  }

  add(
    { refusedAt, status, reason }: { readonly refusedAt: number; readonly status: number; readonly reason: string },
    bytes: number,
  ): void {
    this.#letters++;
    this.#bytes += bytes + 1;
    this.#oldest = Math.min(this.#oldest ?? refusedAt, refusedAt);
    this.#newest = Math.max(this.#newest ?? refusedAt, refusedAt);
    const key = `${status} ${reason}`.trim();
    const known = this.#reasons.has(key) || this.#reasons.size < 200 ? key : 'others';
    this.#reasons.set(known, (this.#reasons.get(known) ?? 0) + 1);
  }

  json(): unknown {
    const reasons = this.#byCount().map(([reason, letters]) => ({ reason, letters }));
    const { shipper } = this;
    return { shipper, letters: this.#letters, bytes: this.#bytes, oldest: this.#oldest, newest: this.#newest, reasons };
  }

  text(now: number): string {
    const head = `${this.shipper}: ${count(this.#letters, 'dead letter')}, ${size(this.#bytes)}`;
    if (this.#oldest === undefined || this.#newest === undefined) return head;
    const reasons = this.#byCount().map(([reason, letters]) => `  ${letters} × ${reason}`);
    const more = reasons.length - reasonsShownMax;
    return [
      `${head}; refused ${ago(now - this.#oldest)} (the oldest) to ${ago(now - this.#newest)}`,
      ...reasons.slice(0, reasonsShownMax),
      ...(more > 0 ? [`  … and ${more} more reasons`] : []),
    ].join('\n');
  }

  #byCount(): [string, number][] {
    return [...this.#reasons].sort(([, a], [, b]) => b - a);
  }
}
