/**
 * The kinds of values that a configuration key may have. Each reads the text of one YAML value, checks it entirely, and tells
 * the documentation what it takes (`about`).
 */
import * as z from 'zod';
import { encodingOf } from '../../collectors/shared/encodings.ts';
import { compilePattern } from '../host/patterns.ts';
import { bad, formatDuration, formatSize, type Parsed, parseAddress, parseDuration, parseSize } from './units.ts';

/** What the documentation says of a kind of value. */
export interface FieldMeta {
  readonly type: string;
  readonly unit?: string;
  readonly range?: string;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Bytes. */
export function size({ min, max }: Bounds) {
  const range = `${formatSize(min)} – ${formatSize(max)}`;
  return field({ type: 'size', unit: 'bytes', range }, (text) => bounded(parseSize(text), min, max, range));
}

/** Bytes per second; `/s` may follow the size. */
export function rate({ min, max }: Bounds) {
  const range = `${formatSize(min)} – ${formatSize(max)}`;
  return field({ type: 'size', unit: 'bytes per second', range }, (text) =>
    bounded(parseSize(text.replace(/\/s$/, '')), min, max, range),
  );
}

/** Milliseconds. */
export function duration({ min, max }: Bounds) {
  const range = `${formatDuration(min)} – ${formatDuration(max)}`;
  return field({ type: 'duration', unit: 'milliseconds', range }, (text) =>
    bounded(parseDuration(text), min, max, range),
  );
}

export function count({ min, max }: Bounds) {
  const range = `${min} – ${max}`;
  return field({ type: 'number', range }, (text) => {
    const parsed: Parsed<number> = /^\d{1,15}$/.test(text)
      ? { kind: 'ok', value: Number(text) }
      : bad('is not a whole number');
    return bounded(parsed, min, max, range);
  });
}

export function flag() {
  return field({ type: 'true or false' }, (text): Parsed<boolean> => {
    if (/^(true|True|TRUE)$/.test(text)) return { kind: 'ok', value: true };
    if (/^(false|False|FALSE)$/.test(text)) return { kind: 'ok', value: false };
    return bad('is not a yes-or-no value', 'write `true` or `false`');
  });
}

/** An absolute path, without `.` and `..`. */
export function path() {
  return field({ type: 'absolute path' }, (text) => absolute(text, 'an absolute path'));
}

/** A glob pattern whose folder is absolute. */
export function glob() {
  return field({ type: 'absolute glob' }, (text) => absolute(text, 'an absolute pattern'));
}

export function address() {
  return field({ type: 'HOST:PORT' }, parseAddress);
}

/** Permissions of a file in octal digits. */
export function fileMode() {
  return field({ type: 'octal mode' }, (value): Parsed<number> => {
    if (/^0?[0-7]{3}$/.test(value)) return { kind: 'ok', value: Number.parseInt(value, 8) };
    return bad('is no mode', 'write three octal digits, for example `0660`');
  });
}

/** A name of the IANA time zone database. */
export function timezone() {
  return field({ type: 'time zone' }, (value): Parsed<string> => {
    try {
      return { kind: 'ok', value: new Intl.DateTimeFormat('en-US', { timeZone: value }).resolvedOptions().timeZone };
    } catch {
      return bad('is no time zone', 'write a name such as `Europe/Berlin` or `UTC`');
    }
  });
}

/** Any text that is not empty. */
export function text(charactersMax = 4096) {
  return field({ type: 'text' }, (value): Parsed<string> => {
    if (value === '') return bad('is empty');
    return value.length > charactersMax ? bad(`is longer than ${charactersMax} characters`) : { kind: 'ok', value };
  });
}

/** A header's name (RFC 9110 section 5.1), in lower case; those that frame the request are ours. */
export function headerName() {
  return field({ type: 'header name' }, (value): Parsed<string> => {
    const name = value.toLowerCase();
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,256}$/.test(name)) return bad('is no name of a header');
    return framing.has(name) ? bad('is set by Tailspool itself', 'take it out') : { kind: 'ok', value: name };
  });
}

const framing: ReadonlySet<string> = new Set([
  ...['connection', 'content-encoding', 'content-length', 'expect', 'host', 'idempotency-key'],
  ...['keep-alive', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

/** A header's value: visible ASCII and blanks. */
export function headerText() {
  return field({ type: 'text' }, (value): Parsed<string> => {
    return /^[\x20-\x7e\t]{0,4096}$/.test(value) ? { kind: 'ok', value } : bad('cannot stand in a header');
  });
}

/** What journalctl takes as a match on a field, or `+` between two groups of them. */
export function journalMatch() {
  return field({ type: 'FIELD=value' }, (value): Parsed<string> => {
    if (value === '+' || /^[A-Z0-9_]{1,64}=[^\0]{0,4096}$/.test(value)) return { kind: 'ok', value };
    return bad('is no match on a field', 'write FIELD=value, for example `_TRANSPORT=kernel`');
  });
}

/** A regular expression that takes linear time, whatever it is matched with. */
export function pattern() {
  return field({ type: 'regular expression' }, (value): Parsed<RegExp> => {
    const compiled = compilePattern(value);
    return compiled.kind === 'bad' ? bad(compiled.message, compiled.hint) : { kind: 'ok', value: compiled.pattern };
  });
}

/** A label of the WHATWG Encoding standard that this platform can decode. */
export function encoding() {
  return field({ type: 'encoding' }, (value): Parsed<string> => {
    const name = encodingOf(value);
    return name === undefined
      ? bad('is no encoding that is known here', 'for example `utf-16`, `latin1`, `shift_jis`')
      : { kind: 'ok', value: name };
  });
}

/** http: or https:, with nothing secret in it. */
export function url() {
  return field({ type: 'URL' }, parseUrl);
}

function field<T>(meta: FieldMeta, parse: (text: string) => Parsed<T>) {
  return z
    .string()
    .transform((value, context): T => {
      const parsed = parse(value);
      if (parsed.kind === 'ok') return parsed.value;
      context.addIssue({ code: 'custom', message: parsed.message, params: { hint: parsed.hint } });
      return z.NEVER;
    })
    .meta({ field: meta });
}

function bounded(parsed: Parsed<number>, min: number, max: number, range: string): Parsed<number> {
  if (parsed.kind === 'bad' || (parsed.value >= min && parsed.value <= max)) return parsed;
  return bad(parsed.value < min ? 'is too small' : 'is too large', `allowed: ${range}`);
}

function absolute(value: string, what: string): Parsed<string> {
  if (value.includes('\0')) return bad('holds a NUL byte');
  if (!value.startsWith('/')) return bad(`is not ${what}`, 'begin it with `/`');
  if (value.length > 4096) return bad('is longer than 4096 characters');
  if (value.split('/').some((part) => part === '.' || part === '..'))
    return bad('has `.` or `..` in it', 'write it out');
  const clean = value.replace(/\/{2,}/g, '/');
  return { kind: 'ok', value: clean.length > 1 ? clean.replace(/\/$/, '') : clean };
}

function parseUrl(value: string): Parsed<string> {
  if (!URL.canParse(value)) return bad('is not a URL', 'for example `https://aggregator:8600/v1/blocks`');
  const parsed = new URL(value);
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') return bad('is neither http: nor https:');
  if (parsed.username !== '' || parsed.password !== '') {
    return bad('has a user or password in it', 'put them in `auth`, with the secret in a file');
  }
  if (parsed.hash !== '') return bad('has a `#` part', 'take it out');
  return { kind: 'ok', value: parsed.href };
}
