/** The proleptic Gregorian calendar as plain arithmetic (no `Date` on the hot path). Months count from 1. */

const daysOfMonths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

export const dayMinutes = 1440;

/** Whether there is such a day; a year of 0 stands for any. */
export function isDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1 || day > daysOfMonths[month - 1]!) return false;
  return month !== 2 || day !== 29 || year === 0 || isLeap(year);
}

/** Days since 1970-01-01, for years from 0 on. */
export function daysOf(year: number, month: number, day: number): number {
  // Years are counted from March, so that a leap day is a year's last.
  const years = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return years * 365 + Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400) + dayOfYear - 719_468;
}

export interface CivilDay {
  year: number;
  month: number;
  day: number;
}

/** The day that is so many days after 1970-01-01, put into `into`. */
export function civilOf(days: number, into: CivilDay): void {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  into.day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  into.month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  into.year = yearOfEra + era * 400 + (into.month <= 2 ? 1 : 0);
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}
