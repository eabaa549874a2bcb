/**
 * File names as strings (PEP 383 "surrogateescape"): a byte b that is not part of valid UTF-8 stands as the lone surrogate
 * U+DC00+b. Every name has exactly one string, and that string leads back to exactly its bytes.
 */
import { isUtf8 } from 'node:buffer';

/** The string of a name's bytes. */
export function nameFromBytes(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let name = '';
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    if (length === 0) name += String.fromCharCode(0xdc00 + bytes[at++]!);
    else {
      name += bytes.toString('utf8', at, at + length);
      at += length;
    }
  }
  return name;
}

/** A path as `node:fs` takes it: the string itself where it is well formed, else its bytes. Throws EILSEQ where no file can be named so. */
export function pathForHost(path: string): string | Buffer {
  return path.isWellFormed() ? path : bytesFromName(path);
}

/** The bytes of a name. Throws EILSEQ on a lone surrogate that stands for no byte. */
export function bytesFromName(name: string): Buffer {
  const parts: Buffer[] = [];
  for (const character of name) {
    const code = character.codePointAt(0)!;
    if (code < 0xd800 || code > 0xdfff) parts.push(Buffer.from(character));
    else if (code >= 0xdc80 && code <= 0xdcff) parts.push(Buffer.of(code - 0xdc00));
    else throw Object.assign(new Error(`no file name has U+${code.toString(16)} in it`), { code: 'EILSEQ' });
  }
  return Buffer.concat(parts);
}

/** Bytes of the valid UTF-8 character that begins at `at`; 0 where none does. */
function characterLength(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    if (isUtf8(bytes.subarray(at, at + length))) return length;
  }
  return 0;
}
