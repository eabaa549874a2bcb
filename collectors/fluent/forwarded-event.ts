/** From a forwarded record to an event; `docs/events.md` has the table. Pure. */
import type { Event, Value } from '../../spool/event.ts';
import type { ForwardedEntry } from './messages.ts';
import { timestampOf, toValue } from './values.ts';

/** The field that is the message, as the OpenTelemetry Collector's fluentforward receiver has it; the first that is there. */
const bodies = ['log', 'message'] as const;

/** `about`: attributes of every record of this message (the tag, the peer). */
export function forwardedEvent(entry: ForwardedEntry, about: Readonly<Record<string, Value>>): Event {
  const { record, metadata } = entry;
  const key = bodies.find((name) => Object.hasOwn(record, name));
  const attributes: Record<string, Value> = { ...about };
  for (const [name, value] of Object.entries(record)) {
    if (name !== key) attributes[Object.hasOwn(about, name) ? `fluent.record.${name}` : name] = toValue(value);
  }
  if (metadata && Object.keys(metadata).length > 0) attributes['fluent.metadata'] = toValue(metadata);
  const timestamp = timestampOf(entry.time);
  return { timestamp, attributes, body: key === undefined ? undefined : toValue(record[key]) };
}
