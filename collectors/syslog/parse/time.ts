/**
 * Finds a time at a place in a message, in any form that devices send, and writes it as RFC 3339 in UTC with the digits of a second that
 * it had. Forms: ISO 8601 (also with a space, slashes, or as `2024:05:06-07:08:09`), `May  6 07:08:09` with a year and a zone before or
 * behind, a day of the week before it, Cisco's `*` and `.` for a clock that is not set.
 */

import { abbreviationOf } from './abbreviations.ts';
import { civilOf, dayMinutes, daysOf, isDay } from './calendar.ts';
import { codes, digits, endOfDigits, isDigit, isLetter, skipSpaces, startsWith } from './characters.ts';
import { headBytesMax, type Message, type TimeHead } from './message.ts';
import type { Zone } from './zone.ts';

/** A fraction is kept to nanoseconds. */
const fractionDigitsMax = 9;
/** No zone was said. */
const unknown = Number.NaN;

/** What was read of a time; one object, used again. */
const read = {
  year: 0,
  month: 0,
  day: 0,
  hour: 0,
  minute: 0,
  second: 0,
  fraction: 0,
  fractionEnd: 0,
  zone: unknown,
  /** Where the seconds end, and the year as it was known there. */
  seconds: 0,
  yearBefore: 0,
};
const civil = { year: 0, month: 0, day: 0 };

/** Puts the time that begins at `at` into the message; gives where it ends, or −1 where none stands there. */
export function takeTime(bytes: Uint8Array, at: number, to: number, zone: Zone, message: Message): number {
  const again = takeSame(bytes, at, to, zone, message);
  if (again !== -1) return again;
  const end = scan(bytes, at, to);
  if (end === -1 || !write(bytes, zone, message)) return -1;
  remember(bytes, at, zone, message.timeHead);
  return end;
}

/** The time of the message before, with the digits behind its seconds that this one has; −1 where it is not the same. */
function takeSame(bytes: Uint8Array, at: number, to: number, zone: Zone, message: Message): number {
  const { timeHead: head } = message;
  const seconds = at + head.length;
  if (head.length === 0 || seconds > to || head.generation !== zone.generation) return -1;
  // From behind: that is where it changes first.
  for (let i = head.length - 1; i >= 0; i--) if (bytes[at + i] !== head.bytes[i]) return -1;
  read.year = head.yearBefore;
  read.zone = unknown;
  const end = behindSeconds(bytes, seconds, to);
  if (read.year !== head.year || !Object.is(read.zone, head.zone)) return -1;
  message.timeLength = writeFraction(bytes, message.time, 19);
  return end;
}

function remember(bytes: Uint8Array, at: number, zone: Zone, head: TimeHead): void {
  const length = read.seconds - at;
  head.length = length > headBytesMax ? 0 : length;
  for (let i = 0; i < head.length; i++) head.bytes[i] = bytes[at + i]!;
  head.yearBefore = read.yearBefore;
  head.year = read.year;
  head.zone = read.zone;
  head.generation = zone.generation;
}

/** The same for a time that is a count of seconds since 1970 with a fraction (Meraki). */
export function takeEpoch(bytes: Uint8Array, at: number, to: number, message: Message): number {
  const end = endOfDigits(bytes, at, to);
  if (end - at < 9 || end - at > 11) return -1;
  const seconds = digits(bytes, at, to, end - at);
  const minutes = Math.floor(seconds / 60);
  read.second = seconds - minutes * 60;
  message.timeHead.length = 0;
  const done = fractionAt(bytes, end, to);
  writeMinutes(bytes, minutes, message);
  return done;
}

function scan(bytes: Uint8Array, at: number, to: number): number {
  read.year = 0;
  read.zone = unknown;
  let start = at;
  if (bytes[start] === 0x2a || bytes[start] === codes.dot) start++;
  return isDigit(bytes[start]) ? scanYearFirst(bytes, start, to) : scanMonthFirst(bytes, start, to);
}

function scanYearFirst(bytes: Uint8Array, at: number, to: number): number {
  read.year = digits(bytes, at, to, 4);
  if (read.year < 0) return -1;
  const between = bytes[at + 4];
  if (between === codes.space) return scanMonthFirst(bytes, skipSpaces(bytes, at + 4, to), to);
  if ((between !== codes.minus && between !== codes.slash && between !== codes.colon) || bytes[at + 7] !== between)
    return -1;
  read.month = digits(bytes, at + 5, to, 2);
  read.day = digits(bytes, at + 8, to, 2);
  const separator = bytes[at + 10];
  if (separator === undefined) return -1;
  if ((separator | 0x20) !== 0x74 && separator !== codes.space && separator !== codes.minus) return -1;
  return clock(bytes, at + 11, to) ? behindSeconds(bytes, read.seconds, to) : -1;
}

function scanMonthFirst(bytes: Uint8Array, at: number, to: number): number {
  let next = at;
  let month = monthAt(bytes, next, to);
  if (month === 0 && isDayOfWeek(bytes, next, to)) {
    next = skipSpaces(bytes, next + 3, to);
    month = monthAt(bytes, next, to);
  }
  if (month === 0) return -1;
  read.month = month;
  next = skipSpaces(bytes, endOfLetters(bytes, next + 3, Math.min(to, next + 9)), to);
  const dayEnd = endOfDigits(bytes, next, Math.min(to, next + 3));
  if (dayEnd === next || dayEnd - next > 2 || bytes[dayEnd] !== codes.space) return -1;
  read.day = digits(bytes, next, to, dayEnd - next);
  next = skipSpaces(bytes, dayEnd, to);
  if (bytes[next + 4] === codes.space && read.year === 0) {
    const year = digits(bytes, next, to, 4);
    if (year >= 0) {
      read.year = year;
      next = skipSpaces(bytes, next + 4, to);
    }
  }
  return clock(bytes, next, to) ? behindSeconds(bytes, read.seconds, to) : -1;
}

/** `hh:mm:ss` and a fraction; some devices write the hour with one digit. */
function clock(bytes: Uint8Array, at: number, to: number): boolean {
  const from = bytes[at + 1] === codes.colon ? at - 1 : at;
  read.hour = from === at ? digits(bytes, at, to, 2) : digits(bytes, at, to, 1);
  read.minute = digits(bytes, from + 3, to, 2);
  read.second = digits(bytes, from + 6, to, 2);
  read.seconds = from + 8;
  read.yearBefore = read.year;
  if (bytes[from + 2] !== codes.colon || bytes[from + 5] !== codes.colon) return false;
  if (read.hour < 0 || read.hour > 23 || read.minute < 0 || read.minute > 59) return false;
  return read.second >= 0 && read.second <= 60;
}

function fractionAt(bytes: Uint8Array, at: number, to: number): number {
  read.fraction = at;
  read.fractionEnd = at;
  if ((bytes[at] !== codes.dot && bytes[at] !== codes.comma) || !isDigit(bytes[at + 1]) || at + 1 >= to) return at;
  read.fraction = at + 1;
  read.fractionEnd = endOfDigits(bytes, at + 1, to);
  return read.fractionEnd;
}

/** A fraction; a zone, a year, both or none, in any order that is sent. */
function behindSeconds(bytes: Uint8Array, at: number, to: number): number {
  let end = zoneAfter(bytes, fractionAt(bytes, at, to), to);
  if (read.year === 0 && bytes[end] === codes.space && end + 5 <= to) {
    const year = digits(bytes, end + 1, to, 4);
    const next = bytes[end + 5];
    const ends = end + 5 === to || next === codes.space || next === codes.colon;
    if (year >= 1970 && year < 2200 && ends) {
      read.year = year;
      end += 5;
      if (Number.isNaN(read.zone)) end = zoneAfter(bytes, end, to);
    }
  }
  return end;
}

function zoneAfter(bytes: Uint8Array, at: number, to: number): number {
  if (at >= to || bytes[at] !== codes.space) return offset(bytes, at, to);
  const start = at + 1;
  if (bytes[start] === codes.plus || bytes[start] === codes.minus) {
    const end = offset(bytes, start, to);
    return end === start ? at : end;
  }
  const letters = endOfLetters(bytes, start, Math.min(to, start + 6));
  if (letters === start) return at;
  const next = bytes[letters];
  // TZ-6, as in RFC 3164 section 5.4.
  if (letters - start === 2 && (next === codes.minus || next === codes.plus) && bytes[start] === 0x54) {
    const end = endOfDigits(bytes, letters + 1, Math.min(to, letters + 3));
    if (end === letters + 1 || (end < to && bytes[end] !== codes.space)) return at;
    const hours = digits(bytes, letters + 1, to, end - letters - 1);
    if (hours > 14) return at;
    read.zone = (next === codes.minus ? -60 : 60) * hours;
    return end;
  }
  if (letters < to && next !== codes.space && next !== codes.colon) return at;
  const known = abbreviationOf(bytes, start, letters);
  if (known !== undefined) read.zone = known;
  if (known !== undefined) return letters;
  // One that nobody else knows is the configured zone's, where nothing else can stand (Cisco).
  return startsWith(bytes, letters, to, ': %') ? letters : at;
}

/** `Z`, `±hh:mm`, `±hhmm` or `±hh` directly at `at`; `at` itself where none is there. */
function offset(bytes: Uint8Array, at: number, to: number): number {
  if (at >= to) return at;
  const sign = bytes[at];
  if (sign === 0x5a || sign === 0x7a) {
    if (at + 1 < to && isLetter(bytes[at + 1])) return at;
    read.zone = 0;
    return at + 1;
  }
  if (sign !== codes.plus && sign !== codes.minus) return at;
  const hours = digits(bytes, at + 1, to, 2);
  if (hours < 0 || hours > 23) return at;
  const colon = bytes[at + 3] === codes.colon ? 1 : 0;
  let minutes = digits(bytes, at + 3 + colon, to, 2);
  const end = minutes < 0 ? at + 3 : at + 5 + colon;
  if (minutes > 59) return at;
  minutes = Math.max(0, minutes);
  read.zone = (sign === codes.minus ? -1 : 1) * (hours * 60 + minutes);
  return end;
}

function write(bytes: Uint8Array, zone: Zone, message: Message): boolean {
  const { month, day, hour, minute } = read;
  if (!isDay(read.year, month, day)) return false;
  const minuteOfDay = hour * 60 + minute;
  const year = read.year === 0 ? zone.yearOf(month, day, minuteOfDay) : read.year;
  if (year === 0) return false;
  const wall = daysOf(year, month, day) * dayMinutes + minuteOfDay;
  const utc = Number.isNaN(read.zone) ? zone.utcOf(wall) : wall - read.zone;
  return writeMinutes(bytes, utc, message);
}

/** Minutes since 1970, and the seconds that were read. False for what RFC 3339 has no form for (years before 0 and after 9999). */
function writeMinutes(bytes: Uint8Array, minutes: number, message: Message): boolean {
  const days = Math.floor(minutes / dayMinutes);
  const minuteOfDay = minutes - days * dayMinutes;
  if (days !== message.timeDays && !writeDay(days, message)) return false;
  const { time } = message;
  const hour = Math.floor(minuteOfDay / 60);
  time[10] = 0x54;
  two(time, 11, hour);
  time[13] = codes.colon;
  two(time, 14, minuteOfDay - hour * 60);
  time[16] = codes.colon;
  two(time, 17, read.second);
  message.timeLength = writeFraction(bytes, time, 19);
  return true;
}

/** Messages of one day follow each other: it is written once for all of them. */
function writeDay(days: number, message: Message): boolean {
  const { time } = message;
  civilOf(days, civil);
  if (civil.year < 0 || civil.year > 9999) return false;
  message.timeDays = days;
  two(time, 0, Math.floor(civil.year / 100));
  two(time, 2, civil.year % 100);
  time[4] = codes.minus;
  two(time, 5, civil.month);
  time[7] = codes.minus;
  two(time, 8, civil.day);
  return true;
}

function writeFraction(bytes: Uint8Array, time: Uint8Array, at: number): number {
  let end = at;
  const to = Math.min(read.fractionEnd, read.fraction + fractionDigitsMax);
  if (to > read.fraction) time[end++] = codes.dot;
  for (let i = read.fraction; i < to; i++) time[end++] = bytes[i]!;
  time[end++] = 0x5a;
  return end;
}

function two(time: Uint8Array, at: number, value: number): void {
  const tens = Math.floor(value / 10);
  time[at] = codes.zero + tens;
  time[at + 1] = codes.zero + value - tens * 10;
}

/** 1 to 12 for the English name's first three letters in any case, else 0. */
function monthAt(bytes: Uint8Array, at: number, to: number): number {
  if (at + 4 > to) return 0;
  return months.get(threeLetters(bytes, at)) ?? 0;
}

function isDayOfWeek(bytes: Uint8Array, at: number, to: number): boolean {
  return at + 4 < to && daysOfWeek.has(threeLetters(bytes, at)) && bytes[at + 3] === codes.space;
}

function threeLetters(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! | 0x20) << 16) | ((bytes[at + 1]! | 0x20) << 8) | (bytes[at + 2]! | 0x20);
}

function codeOf(name: string): number {
  return (name.charCodeAt(0) << 16) | (name.charCodeAt(1) << 8) | name.charCodeAt(2);
}

const months = new Map(
  'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ').map((name, index) => [codeOf(name), index + 1]),
);
const daysOfWeek = new Set('mon tue wed thu fri sat sun'.split(' ').map(codeOf));

function endOfLetters(bytes: Uint8Array, at: number, to: number): number {
  let end = at;
  while (end < to && isLetter(bytes[end])) end++;
  return end;
}
