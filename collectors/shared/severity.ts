/** Severities of syslog (RFC 5424 section 6.2.1), as the journal and GELF have them too, in the terms of events. Pure. */
export interface Severity {
  readonly severityNumber: number;
  readonly severityText: string;
}

/** By the number, 0 to 7; the names are those that journalctl prints. docs/events.md has the table. */
const severities: readonly Severity[] = [
  { severityNumber: 21, severityText: 'emerg' },
  { severityNumber: 19, severityText: 'alert' },
  { severityNumber: 18, severityText: 'crit' },
  { severityNumber: 17, severityText: 'err' },
  { severityNumber: 13, severityText: 'warning' },
  { severityNumber: 10, severityText: 'notice' },
  { severityNumber: 9, severityText: 'info' },
  { severityNumber: 5, severityText: 'debug' },
];

/** undefined for what is no such number. */
export function severityOf(level: unknown): Severity | undefined {
  return typeof level === 'number' ? severities[level] : undefined;
}
