/** A log entry as one line for people. */
import { styleText } from 'node:util';
import type { LogEntry, UnixMs } from '../../spool/ports.ts';

const styles = { debug: 'dim', info: 'green', warn: 'yellow', error: 'red' } as const;

/** `12:00:01 warn  the receiver refuses our token (shipper central)`, without a line feed. */
export function textLine(entry: LogEntry, repeats: number, at: UnixMs, colors: boolean): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string) => {
    return colors ? styleText(style, text, { validateStream: false }) : text;
  };
  const time = new Date(at).toISOString().slice(11, 19);
  const severity = paint(styles[entry.severity], entry.severity.padEnd(5));
  const details = Object.entries(entry.attributes ?? {}).map(([name, value]) => `${name}=${value}`);
  const more = repeats > 0 ? [`and ${repeats} more`] : [];
  const tail = [...more, ...details].join(' ');
  const message = `${oneLine(entry.message)}${tail === '' ? '' : ` ${paint('dim', `(${oneLine(tail)})`)}`}`;
  return `${paint('dim', time)} ${severity} ${message}`;
}

/** Names of files and answers of servers must not steer a terminal or begin a line of their own. */
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
