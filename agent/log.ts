/**
 * The agent's own log, to standard error: JSON in the terms of the OpenTelemetry log data model, or text for people. It never
 * waits for whoever reads it: what does not fit the buffer is dropped, counted, and the count is told.
 */
import type { Clock, Log, LogEntry } from '../spool/ports.ts';
import type { LineWriter } from './host/line-writer.ts';
import { Fold, type Print } from './log/fold.ts';
import { textLine } from './log/text.ts';

export interface LogOptions {
  readonly level: LogEntry['severity'];
  readonly format: 'json' | 'text';
  readonly colors: boolean;
  readonly clock: Clock;
  /** What `tailspool version` prints. */
  readonly version: string;
  readonly writer: LineWriter;
}

/** https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber */
const severities = {
  debug: { severity_number: 5, severity_text: 'DEBUG' },
  info: { severity_number: 9, severity_text: 'INFO' },
  warn: { severity_number: 13, severity_text: 'WARN' },
  error: { severity_number: 17, severity_text: 'ERROR' },
} as const;

const ranks = ['debug', 'info', 'warn', 'error'] as const;

export function openLog(options: LogOptions): OwnLog {
  return new OwnLog(options);
}

export class OwnLog implements Log {
  readonly #options: LogOptions;
  readonly #fold: Fold;
  readonly #print: Print;
  /** Whether the newest line was taken. */
  #taken = true;
  #dropped = 0;
  #droppedTold = 0;

  constructor(options: LogOptions) {
    this.#options = options;
    const write = (line: string) => {
      this.#taken = options.writer.write(line);
    };
    this.#print = options.format === 'json' ? jsonPrinter(options, write) : textPrinter(options, write);
    this.#fold = new Fold(options.clock, (entry, repeats) => this.#tell(entry, repeats));
  }

  /** Entries that found the buffer full. */
  get dropped(): number {
    return this.#dropped;
  }

  write(entry: LogEntry): void {
    if (ranks.indexOf(entry.severity) < ranks.indexOf(this.#options.level)) return;
    // Whoever asks for them wants to follow what happens, step by step.
    if (entry.severity === 'debug') this.#tell(entry, 0);
    else this.#fold.add(entry);
  }

  /** Prints the counts that wait and writes everything out, for at most `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.#fold.flush();
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(timeoutMs, resolve);
      void this.#options.writer.flush().then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #tell(entry: LogEntry, repeats: number): void {
    if (this.#dropped > this.#droppedTold) this.#tellDropped(this.#dropped - this.#droppedTold);
    this.#print(entry, repeats);
    if (!this.#taken) this.#dropped++;
  }

  #tellDropped(lost: number): void {
    const message = `${lost} entries of this log were dropped: whoever reads it was too slow`;
    this.#print({ severity: 'warn', event: 'log.dropped', message }, 0);
    if (this.#taken) this.#droppedTold += lost;
  }
}

function textPrinter({ clock, colors }: LogOptions, write: (line: string) => void): Print {
  return (entry, repeats) => write(`${textLine(entry, repeats, clock.now(), colors)}\n`);
}

function jsonPrinter({ clock, version }: LogOptions, write: (line: string) => void): Print {
  const resource = { 'service.name': 'tailspool', 'service.version': version };
  return ({ severity, event, subject, message, attributes }, repeats) => {
    const more = { ...(subject !== undefined && { subject }), ...(repeats > 0 && { repeats }) };
    const line = {
      ...severities[severity],
      timestamp: new Date(clock.now()).toISOString(),
      resource,
      event_name: event,
      attributes: { ...attributes, ...more },
      body: message,
    };
    write(`${JSON.stringify(line)}\n`);
  };
}
