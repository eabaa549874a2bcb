/**
 * Where a source's records stand in the mirror folder, as paths relative to it. Pure. What it promises: no name, however
 * hostile, leads out of the folder or to another host's files; different names lead to different paths; and a name that a
 * file system can hold unchanged is unchanged.
 *
 * What cannot stand as it is, is written `~%XX` for each byte (hex, upper case): the components `.` and `..`, NUL and `/`
 * inside a component, a leading `@` or `.tailspool` at the top, surrogates that stand for no byte, and `~%` itself.
 */

import { isUtf8 } from 'node:buffer';
import { hash as digest } from 'node:crypto';
import type { Id, RecordFormat, SourceDescription, SourceNumber } from '../../spool/nouns.ts';

/** What file systems commonly take. */
export const componentBytesMax = 255;
/** Of a path below its host's folder; Linux takes 4096 in one call, the intent lists every path it touches. */
export const pathBytesMax = 1024;

/** The source's path below its host's folder, without the ending that its format gives it. */
export interface BaseName {
  readonly path: string;
  /** Files keep their own name for text; everything else ends in `.log`. */
  readonly kind: 'file' | 'other';
}

/** The folder name that a host asks for; the empty string (no host.name) has none. */
export function hostFolder(hostName: string): string {
  return fit(escapeTop(escapeComponent(hostName)));
}

/** The name for a spool whose host name belongs to another spool already. */
export function secondClaim(folder: string, spool: Id, attempt: number): string {
  return fit(folder, `~${attempt === 0 ? spool.slice(0, 8) : attempt === 1 ? spool : `${spool}-${attempt}`}`);
}

/** Where a described source belongs below its host's folder. */
export function baseName(description: SourceDescription): BaseName {
  const path = description.attributes['log.file.path'];
  if (path !== undefined && path !== '') return { path: filePath(path), kind: 'file' };
  const collector = fit(`@${escapeComponent(description.collector)}`);
  return { path: `${collector}/${fit(escapeComponent(peerOrUnit(description)), '', '.ndjson'.length)}`, kind: 'other' };
}

/** The path of one format of a source below its host's folder. */
export function formatPath(base: BaseName, format: RecordFormat): string {
  const ending = format === 'json' ? '.ndjson' : base.kind === 'file' ? '' : '.log';
  const slash = base.path.lastIndexOf('/') + 1;
  return base.path.slice(0, slash) + fit(base.path.slice(slash), ending);
}

/** Where records go whose source nobody described. */
export function unknownPath(spool: Id, source: SourceNumber, format: RecordFormat): string {
  return `@unknown/${spool}/${source}${format === 'json' ? '.ndjson' : '.log'}`;
}

/**
 * The place for a file that cannot stand at `path`. `blocked`: how many leading components are folders, the next one being
 * in the way; −1 where it is the file's own name that is taken.
 */
export function alternativePath(path: string, blocked: number): string {
  const parts = path.split('/');
  const at = blocked < 0 ? parts.length - 1 : blocked;
  parts[at] = fit(parts[at]!, at === parts.length - 1 ? '~file' : '~dir');
  return parts.join('/');
}

function peerOrUnit(description: SourceDescription): string {
  const { attributes } = description;
  const named =
    attributes['systemd.unit'] ??
    attributes['network.peer.address'] ??
    attributes['client.address'] ??
    attributes['log.iostream'];
  return named === undefined || named === '' ? 'records' : named;
}

function filePath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.length === 0) return '~%2F';
  const escaped = parts.map((part) => fit(escapeComponent(part)));
  escaped[0] = fit(escapeAt(escaped[0]!));
  const whole = escaped.join('/');
  if (Buffer.byteLength(whole) <= pathBytesMax) return whole;
  return `@long/${digest('sha256', path, 'hex').slice(0, 32)}/${escaped.at(-1)}`;
}

function escapeComponent(name: string): string {
  if (name === '.' || name === '..') return name.replaceAll('.', '~%2E');
  const plain = name.replaceAll('~%', '~%7E~%25').replaceAll('\0', '~%00').replaceAll('/', '~%2F');
  return plain.isWellFormed() ? plain : escapeSurrogates(plain);
}

/**
 * Lone surrogates: U+DC80 … U+DCFF stand for the bytes of a name that is not UTF-8 and are kept, unless together they
 * would make valid UTF-8 after all (then another string is the name's own). Others stand for nothing.
 */
function escapeSurrogates(name: string): string {
  let result = '';
  let bytes: number[] = [];
  const flush = () => {
    const keep = !holdsCharacter(bytes);
    for (const byte of bytes) result += keep ? String.fromCharCode(0xdc00 + byte) : percent(byte);
    bytes = [];
  };
  for (const character of name) {
    const code = character.codePointAt(0)!;
    if (code >= 0xdc80 && code <= 0xdcff) {
      bytes.push(code - 0xdc00);
      continue;
    }
    flush();
    const lone = code >= 0xd800 && code <= 0xdfff;
    result += lone ? percent(code >> 8) + percent(code & 0xff) : character;
  }
  flush();
  return result;
}

function holdsCharacter(bytes: readonly number[]): boolean {
  for (let at = 0; at < bytes.length; at++)
    for (let length = 2; length <= 4 && at + length <= bytes.length; length++)
      if (isUtf8(Uint8Array.from(bytes.slice(at, at + length)))) return true;
  return false;
}

/** The first component below a host: `@…` belongs to other sources than files. */
function escapeAt(component: string): string {
  return component.startsWith('@') ? `~%40${component.slice(1)}` : component;
}

/** The first component below the folder: `@unknown` and `.tailspool` are ours. */
function escapeTop(component: string): string {
  if (component.toLowerCase().startsWith('.tailspool')) return `~%2E${component.slice(1)}`;
  return escapeAt(component);
}

function percent(byte: number): string {
  return `~%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** `name` + `ending`, cut where it would be too long for a component, with a piece of its SHA-256 in place of the rest. */
function fit(name: string, ending = '', reserveBytes = 0): string {
  const room = componentBytesMax - reserveBytes - Buffer.byteLength(ending);
  if (nameBytes(name) <= room) return name + ending;
  const mark = `~${digest('sha256', name, 'hex').slice(0, 16)}`;
  let kept = '';
  let bytes = mark.length;
  for (const character of name) {
    bytes += nameBytes(character);
    if (bytes > room) break;
    kept += character;
  }
  return kept + mark + ending;
}

/** Bytes of the name on disk: a surrogate that stands for a byte takes one. */
function nameBytes(name: string): number {
  if (name.isWellFormed()) return Buffer.byteLength(name);
  let bytes = 0;
  for (const character of name) {
    const code = character.codePointAt(0)!;
    bytes += code >= 0xdc80 && code <= 0xdcff ? 1 : Buffer.byteLength(character);
  }
  return bytes;
}
