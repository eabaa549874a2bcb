/**
 * Sizes, durations and addresses as people write them in the configuration. Strict: what is not understood entirely is an
 * error that says what would be. Nothing is rounded.
 */
import type { Address } from './types.ts';

export type Parsed<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'bad'; readonly message: string; readonly hint?: string };

const sizeUnits: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  TB: 1000 ** 4,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

const durationUnitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Bytes: `4096`, `64KiB`, `1MB`, `10GiB`. Whole numbers only; the unit's letters as shown. */
export function parseSize(text: string): Parsed<number> {
  const match = /^(\d{1,16})([A-Za-z]*)$/.exec(text);
  if (match === null) return bad('is not a size', 'write whole bytes or a unit: `4096`, `64KiB`, `1MB`, `10GiB`');
  const [, digits = '', unit = ''] = match;
  const factor = unit === '' ? 1 : ownUnit(sizeUnits, unit);
  if (factor === undefined) return bad(`has an unknown unit \`${unit}\``, sizeUnitHint(digits, unit));
  return whole(Number(digits) * factor, 'is too large a size');
}

/** Milliseconds: `100ms`, `5s`, `10m`, `1h`, `3d`; only `0` may stand without a unit. */
export function parseDuration(text: string): Parsed<number> {
  const match = /^(\d{1,16})([A-Za-z]*)$/.exec(text);
  if (match === null)
    return bad('is not a duration', 'write a whole number and a unit: `100ms`, `5s`, `10m`, `1h`, `3d`');
  const [, digits = '', unit = ''] = match;
  if (unit === '' && Number(digits) !== 0) {
    return bad(
      'has no unit',
      `write \`${digits}ms\`, \`${digits}s\`, \`${digits}m\`, \`${digits}h\` or \`${digits}d\``,
    );
  }
  const factor = unit === '' ? 1 : ownUnit(durationUnitsMs, unit);
  if (factor === undefined) return bad(`has an unknown unit \`${unit}\``, 'the units are `ms`, `s`, `m`, `h`, `d`');
  return whole(Number(digits) * factor, 'is too long a duration');
}

/** `HOST:PORT`; an IPv6 address stands in brackets. Port 0 lets the system choose. */
export function parseAddress(text: string): Parsed<Address> {
  const match = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([\w.-]+)):(\d{1,5})$/.exec(text);
  if (match === null)
    return bad('is not HOST:PORT', 'for example `127.0.0.1:8600`, `[::1]:8600`, `0.0.0.0:8600` for all');
  const port = Number(match[3]);
  if (port > 65_535) return bad(`has a port above 65535`);
  return { kind: 'ok', value: { host: match[1] ?? match[2] ?? '', port } };
}

/** A size the shortest exact way: `64KiB`, `10GiB`, `1500`. */
export function formatSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB']) {
    const factor = sizeUnits[unit]!;
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return String(bytes);
}

/** A duration the shortest exact way: `1h`, `90s`, `100ms`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const factor = durationUnitsMs[unit]!;
    if (ms >= factor && ms % factor === 0) return `${ms / factor}${unit}`;
  }
  return ms === 0 ? '0' : `${ms}ms`;
}

export function bad(message: string, hint?: string): { kind: 'bad'; message: string; hint?: string } {
  return hint === undefined ? { kind: 'bad', message } : { kind: 'bad', message, hint };
}

function ownUnit(units: Readonly<Record<string, number>>, unit: string): number | undefined {
  return Object.hasOwn(units, unit) ? units[unit] : undefined;
}

function sizeUnitHint(digits: string, unit: string): string {
  const same = Object.keys(sizeUnits).filter((known) => known.toLowerCase() === unit.toLowerCase());
  const short = Object.keys(sizeUnits).filter(
    (known) => known[0]?.toLowerCase() === unit.toLowerCase() && known !== 'B',
  );
  const meant = same.length > 0 ? same : short;
  const all = 'the units are `B`, `KB`, `MB`, `GB`, `TB` (1000) and `KiB`, `MiB`, `GiB`, `TiB` (1024)';
  return meant.length === 0 ? all : `did you mean ${meant.map((known) => `\`${digits}${known}\``).join(' or ')}?`;
}

function whole(value: number, message: string): Parsed<number> {
  return Number.isSafeInteger(value) ? { kind: 'ok', value } : bad(message);
}
