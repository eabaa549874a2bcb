/** The bytes that syslog's grammars are made of, and how far a run of them goes. */

export const codes = {
  tab: 0x09,
  space: 0x20,
  quote: 0x22,
  percent: 0x25,
  plus: 0x2b,
  comma: 0x2c,
  minus: 0x2d,
  dot: 0x2e,
  slash: 0x2f,
  zero: 0x30,
  nine: 0x39,
  colon: 0x3a,
  less: 0x3c,
  equals: 0x3d,
  greater: 0x3e,
  bracket: 0x5b,
  backslash: 0x5c,
  bracketEnd: 0x5d,
} as const;

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= codes.zero && byte <= codes.nine;
}

/** Upper or lower case. */
export function isLetter(byte: number | undefined): boolean {
  return byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
}

/** The end of the characters from `at` on that are no space. */
export function endOfWord(bytes: Uint8Array, at: number, to: number): number {
  let end = at;
  while (end < to && bytes[end] !== codes.space) end++;
  return end;
}

export function skipSpaces(bytes: Uint8Array, at: number, to: number): number {
  let next = at;
  while (next < to && (bytes[next] === codes.space || bytes[next] === codes.tab)) next++;
  return next;
}

export function endOfDigits(bytes: Uint8Array, at: number, to: number): number {
  let end = at;
  while (end < to && isDigit(bytes[end])) end++;
  return end;
}

/** The number of `count` digits at `at`; −1 where they are not all there. */
export function digits(bytes: Uint8Array, at: number, to: number, count: number): number {
  if (at + count > to) return -1;
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = bytes[i]! - codes.zero;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** The text stands at `at`, letter for letter (ASCII). */
export function startsWith(bytes: Uint8Array, at: number, to: number, text: string): boolean {
  if (at + text.length > to) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Behind the byte order mark of UTF-8 that stands at `at`, if one does. */
export function skipByteOrderMark(bytes: Uint8Array, at: number, to: number): number {
  return at + 3 <= to && bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf ? at + 3 : at;
}
