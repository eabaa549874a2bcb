/** What the receiver has to tell of itself: counts, notices and problems. One method per event, so that they cannot drift. */
import type { Clock, Log, Problem, UnixMs } from '../../spool/ports.ts';
import type { Batch } from '../../spool/wire.ts';
import { forPeople } from '../../spool/wire-answer.ts';
import type { CollectorStatus, SourceStatus } from '../ports.ts';
import type { Notice } from './admit.ts';
import { receiverLimits } from './limits.ts';
import type { Streams } from './streams.ts';
import type { Piece } from './take.ts';

export interface Snapshot {
  readonly type: string;
  readonly streams: Streams;
  readonly connections: number;
  readonly memoryBytes: number;
  readonly memoryBytesPeak: number;
}

/** Answers that mean that somebody is hostile, broken, or wrongly configured; worth a line in the log. */
const suspicious: ReadonlySet<string> = new Set([
  'bad_request',
  'unauthorized',
  'too_large',
  'too_slow',
  'unknown_version',
]);
const sourcesShownMax = 1000;

export class Ledger {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #answers: Record<string, number> = {};
  #records = 0;
  #bytes = 0;
  #blocks = 0;
  #gaps = 0;
  #wireBytes = 0;
  #restored = 0;
  #copied = 0;
  #forgotten = 0;
  #failures = 0;
  #lastAt = new Map<number, UnixMs>();
  #notices: Problem[] = [];
  #binding: Problem | undefined;
  #tokens: Problem | undefined;

  constructor(name: string, clock: Clock, log: Log) {
    this.#name = name;
    this.#clock = clock;
    this.#log = log;
  }

  answered(word: string, peer: string, body: string | Uint8Array | undefined): void {
    this.#answers[word] = (this.#answers[word] ?? 0) + 1;
    if (!suspicious.has(word)) return;
    const why = typeof body === 'string' ? (/"message":"([^"]*)/.exec(body)?.[1] ?? '') : '';
    const message = `The receiver refused a request of ${hostOf(peer)} (${word}): ${forPeople(why)}`;
    this.#log.write({ severity: 'warn', event: `receiver.${word}`, subject: hostOf(peer), message });
  }

  /** In the same turn as the spool, also where the rest of the batch is refused. */
  tookPiece(piece: Piece): void {
    this.#records += piece.records;
    this.#bytes += piece.bytes;
    if (piece.kind === 'gap') {
      this.#gaps++;
      return;
    }
    this.#blocks++;
    this.#lastAt.set(piece.source, this.#clock.now());
  }

  tookBody(wireBytes: number): void {
    this.#wireBytes += wireBytes;
  }

  met(batch: Batch, notices: readonly Notice[]): void {
    for (const notice of notices) this.#notice(batch, notice);
  }

  /** `rowsTotal`: forgotten since the process began. */
  forgot(rowsTotal: number): void {
    const rows = rowsTotal - this.#forgotten;
    if (rows <= 0) return;
    this.#forgotten = rowsTotal;
    const message = `Forgot ${rows} streams of agents that have gone on under newer epochs, or were not seen for long.`;
    this.#log.write({ severity: 'info', event: 'receiver.forgot', subject: this.#name, message });
  }

  failed(peer: string, why: string): void {
    this.#failures++;
    const message = `A request of ${hostOf(peer)} could not be finished: ${forPeople(why)}`;
    this.#log.write({ severity: 'warn', event: 'receiver.failed', subject: hostOf(peer), message });
  }

  bound(at: { readonly host: string; readonly port: number }): void {
    this.#binding = undefined;
    const message = `Receiving blocks at ${at.host}:${at.port}.`;
    this.#log.write({ severity: 'info', event: 'receiver.listening', subject: this.#name, message });
  }

  notBound(where: string, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    const message = `The receiver cannot listen at ${where}: ${forPeople(why)}`;
    const since = this.#binding?.since ?? this.#clock.now();
    const hint =
      'Free the port or choose another; certificate files have to be readable. It is tried again every second.';
    this.#binding = { cause: 'cannot_listen', subject: where, message, since, hint, red: true };
    this.#log.write({ severity: 'error', event: 'receiver.cannot_listen', subject: where, message });
  }

  /** Nobody gets in until the token file can be read again. */
  tokensUnreadable(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    const message = `The receiver cannot read its tokens, so it takes nothing: ${forPeople(why)}`;
    const hint = 'Make the token file readable, with a token on a line of its own.';
    const since = this.#tokens?.since ?? this.#clock.now();
    if (!this.#tokens)
      this.#log.write({ severity: 'error', event: 'receiver.no_tokens', subject: this.#name, message });
    this.#tokens = { cause: 'no_tokens', subject: this.#name, message, since, hint, red: true };
  }

  tokensReadable(): void {
    this.#tokens = undefined;
  }

  status(now: Snapshot): CollectorStatus {
    this.#notices = this.#notices.filter((notice) => this.#clock.now() - notice.since < receiverLimits.noticeMsMax);
    const gauges: Record<string, number> = {
      connections: now.connections,
      streams: now.streams.size,
      streams_forgotten: now.streams.forgotten,
      memory_bytes: now.memoryBytes,
      memory_bytes_peak: now.memoryBytesPeak,
      blocks: this.#blocks,
      gaps_declared: this.#gaps,
      wire_bytes: this.#wireBytes,
      restored_agents: this.#restored,
      copied_data_dirs: this.#copied,
      failures: this.#failures,
    };
    for (const [word, count] of Object.entries(this.#answers)) gauges[`answers_${word}`] = count;
    return {
      name: this.#name,
      type: now.type,
      read: { records: this.#records, bytes: this.#bytes },
      problems: [this.#binding, this.#tokens, ...this.#notices].filter((problem) => problem !== undefined),
      sources: this.#sources(now.streams),
      gauges,
    };
  }

  #sources(streams: Streams): SourceStatus[] {
    const shown: SourceStatus[] = [];
    for (const row of streams.all()) {
      if (shown.length >= sourcesShownMax) break;
      if (row.collector !== this.#name) continue;
      const name = `${row.spool.slice(0, 8)}:${row.epoch.slice(0, 8)}${row.stream ? `:${row.stream}` : ''}`;
      const lastReadAt = this.#lastAt.get(row.number);
      const place = { offset: row.held, size: row.held, lagBytes: 0 };
      shown.push({ name, source: row.number, ...place, lastReadAt, state: 'following' });
    }
    this.#lastAt = new Map([...this.#lastAt].filter(([number]) => shown.some((each) => each.source === number)));
    return shown;
  }

  #notice(batch: Batch, notice: Notice): void {
    const agent = batch.spool.slice(0, 8);
    const [message, hint] = this.#describe(agent, notice);
    const cause = notice.kind === 'restored' ? 'restored_agent' : 'copied_data_dir';
    this.#notices = this.#notices.filter((other) => other.cause !== cause || other.subject !== agent);
    this.#notices.push({ cause, subject: agent, message, hint, since: this.#clock.now(), red: false });
    this.#notices = this.#notices.slice(-receiverLimits.noticesMax);
    this.#log.write({ severity: 'warn', event: `receiver.${cause}`, subject: agent, message });
  }

  #describe(agent: string, notice: Notice): [message: string, hint: string] {
    if (notice.kind === 'restored') {
      this.#restored++;
      return [
        `Agent ${agent} branched off at ${notice.branchedAt}, though ${notice.held} of its epoch ${notice.parent.slice(0, 8)} is held: what it sends from there on is taken as new.`,
        'Its data_dir is an older copy, or its disk lost what it had confirmed. Records between the two positions may be here twice.',
      ];
    }
    this.#copied++;
    return [
      `Agent ${agent} continues its epoch ${notice.parent.slice(0, 8)} a second time: two agents run on copies of one data_dir. Both are taken.`,
      'Give each host a data_dir of its own; a new one gets its own id.',
    ];
  }
}

/** Without the port, which changes with every connection. */
function hostOf(peer: string): string {
  return peer.replace(/:\d+$/, '');
}
