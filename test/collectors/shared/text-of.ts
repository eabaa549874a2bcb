/** What events of lines stand for, as the bytes of their source. */
import type { Event, Value } from '../../../collectors/shared/event.ts';

/** The text that events stand for. */
export function textOf(records: readonly string[]): Buffer {
  const parts = records.map((line) => {
    const { body, attributes } = JSON.parse(line) as Event;
    const isOpen = attributes?.['tailspool.unterminated'] === true;
    return Buffer.concat([bytesOf(body), Buffer.from(isOpen ? '' : '\n')]);
  });
  return Buffer.concat(parts);
}

function bytesOf(body: Value | undefined): Buffer {
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.from((body as { bytes: string }).bytes, 'base64');
}
