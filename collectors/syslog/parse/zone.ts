/**
 * What a clock on a wall means: the offset from UTC of a time that has no zone, in the configured one, and the year of a time that has no
 * year. Offsets are looked up once for each hour of the wall clock; the table is bounded.
 */
import type { UnixMs } from '../../../spool/ports.ts';
import { dayMinutes, daysOf, isDay } from './calendar.ts';

/** Hours whose offset is remembered. */
const hoursMax = 256;
/** A time without a year is taken for the newest one that is no more than this after its receipt. */
export const aheadMinutesMax = 7 * dayMinutes;
/** 29 February may be eight years away (1896 to 1904). */
const yearsBackMax = 8;

export class Zone {
  /** Minutes east of UTC at a moment (minutes since 1970). */
  readonly #offsetAt: (utcMinutes: number) => number;
  /** Changes where the same text may mean another time. */
  generation = 0;
  #receivedMinutes = 0;
  #receivedHour = Number.NaN;
  readonly #offsets = new Map<number, number>();

  /** An IANA name; undefined: the host's. Throws a RangeError for a name that nobody knows. */
  constructor(name: string | undefined) {
    this.#offsetAt = name === undefined ? hostOffset : name === 'UTC' ? () => 0 : offsetIn(name);
  }

  /** When the messages that come next were received. */
  received(now: UnixMs): void {
    this.#receivedMinutes = Math.floor(now / 60_000);
    const hour = Math.floor(this.#receivedMinutes / 60);
    if (hour === this.#receivedHour) return;
    this.#receivedHour = hour;
    this.generation++;
    this.#offsets.clear();
  }

  /** UTC of a time on the wall, both in minutes since 1970. */
  utcOf(wallMinutes: number): number {
    const hour = Math.floor(wallMinutes / 60);
    let offset = this.#offsets.get(hour);
    if (offset === undefined) {
      offset = this.#offsetOf(wallMinutes);
      if (this.#offsets.size >= hoursMax) this.#offsets.clear();
      this.#offsets.set(hour, offset);
    }
    return wallMinutes - offset;
  }

  /** The year of such a day and minute of the day, judged by when it was received; 0 where no year has it. */
  yearOf(month: number, day: number, minuteOfDay: number): number {
    const newest = this.#receivedMinutes + aheadMinutesMax;
    const last = Math.floor(newest / (365.2425 * dayMinutes)) + 1971;
    for (let year = last; year >= last - yearsBackMax - 1; year--)
      if (isDay(year, month, day) && daysOf(year, month, day) * dayMinutes + minuteOfDay <= newest) return year;
    return 0;
  }

  /** Of a time that was there twice (clocks set back) the one nearer to the receipt; of one that was not, as before the change. */
  #offsetOf(wallMinutes: number): number {
    const before = this.#offsetAt(wallMinutes - dayMinutes);
    const after = this.#offsetAt(wallMinutes + dayMinutes);
    if (before === after) return before;
    const early = this.#offsetAt(wallMinutes - before) === before;
    const late = this.#offsetAt(wallMinutes - after) === after;
    if (early && late) return this.#nearer(wallMinutes, before, after);
    return late ? after : before;
  }

  #nearer(wallMinutes: number, one: number, other: number): number {
    const distance = (offset: number) => Math.abs(wallMinutes - offset - this.#receivedMinutes);
    return distance(one) <= distance(other) ? one : other;
  }
}

function hostOffset(utcMinutes: number): number {
  return -new Date(utcMinutes * 60_000).getTimezoneOffset();
}

function offsetIn(timeZone: string): (utcMinutes: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  return (utcMinutes) => {
    const parts = new Map(format.formatToParts(utcMinutes * 60_000).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
    const wall = daysOf(part('year'), part('month'), part('day')) * dayMinutes + part('hour') * 60 + part('minute');
    return wall - utcMinutes;
  };
}
