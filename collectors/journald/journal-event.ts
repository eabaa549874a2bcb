/** From a journal entry to an event; `docs/events.md` has the table. Pure. */
import type { Event, Value } from '../../spool/event.ts';
import { severityOf } from '../shared/severity.ts';
import { rfc3339 } from '../shared/timestamp.ts';
import type { Entry } from './export-parser.ts';

/** The journal's own bookkeeping: the place of an entry among its files. */
const place: ReadonlySet<string> = new Set(['__CURSOR', '__SEQNUM', '__SEQNUM_ID']);

/** Attributes of what made the entry, and of the entry, by field. `#`: a whole number where it is one. */
const resourceNames: Readonly<Record<string, string>> = {
  _HOSTNAME: 'host.name',
  _MACHINE_ID: 'host.id',
  CONTAINER_ID_FULL: 'container.id',
  CONTAINER_NAME: 'container.name',
  IMAGE_NAME: 'container.image.name',
};
const attributeNames: Readonly<Record<string, string>> = {
  _SYSTEMD_UNIT: 'systemd.unit',
  _PID: '#process.pid',
  _COMM: 'process.executable.name',
  _EXE: 'process.executable.path',
  _CMDLINE: 'process.command_line',
  _UID: '#process.user.id',
  TID: '#thread.id',
  CODE_FILE: 'code.file.path',
  CODE_LINE: '#code.line.number',
  CODE_FUNC: 'code.function.name',
};

export function journalEvent({ fields, cut }: Entry): Event {
  const resource: Record<string, Value> = {};
  const attributes: Record<string, Value> = {};
  const timestamp = timeOf(fields.get('__REALTIME_TIMESTAMP'));
  const severity = severityIn(fields.get('PRIORITY'));
  for (const [name, value] of fields) {
    if (name === 'MESSAGE' || place.has(name)) continue;
    if (name === '__REALTIME_TIMESTAMP' && timestamp !== undefined) continue;
    if (name === 'PRIORITY' && severity !== undefined) continue;
    const known = resourceNames[name];
    if (known !== undefined) resource[known] = value;
    else set(attributes, attributeNames[name] ?? `journald.${name}`, value);
  }
  if (cut && cut.fields.size > 0) attributes['journald.cut'] = Object.fromEntries(cut.fields);
  if (cut && cut.more > 0) attributes['journald.cut_more'] = cut.more;
  return { timestamp, ...severity, resource, attributes, body: fields.get('MESSAGE') };
}

function set(attributes: Record<string, Value>, name: string, value: Value): void {
  if (!name.startsWith('#')) attributes[name] = value;
  else attributes[name.slice(1)] = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
}

function severityIn(priority: Value | undefined) {
  return typeof priority === 'string' && /^[0-7]$/.test(priority) ? severityOf(Number(priority)) : undefined;
}

/** Microseconds since 1970. */
function timeOf(value: Value | undefined): string | undefined {
  if (typeof value !== 'string' || !/^\d{7,17}$/.test(value)) return undefined;
  return rfc3339(Number(value.slice(0, -6)), value.slice(-6));
}
