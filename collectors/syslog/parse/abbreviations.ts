/**
 * Abbreviations of time zones that mean one thing: those of RFC 2822 section 4.3 and others that no two zones share. What is not here
 * (`IST`, `BST` …) is read in the configured zone, as the device's own.
 */

const offsetHours: Readonly<Record<string, number>> = {
  UTC: 0,
  GMT: 0,
  UT: 0,
  EST: -5,
  EDT: -4,
  CST: -6,
  CDT: -5,
  MST: -7,
  MDT: -6,
  PST: -8,
  PDT: -7,
  AKST: -9,
  AKDT: -8,
  HST: -10,
  WET: 0,
  WEST: 1,
  CET: 1,
  CEST: 2,
  MEZ: 1,
  MESZ: 2,
  EET: 2,
  EEST: 3,
  MSK: 3,
  JST: 9,
  KST: 9,
  AEST: 10,
  AEDT: 11,
  NZST: 12,
  NZDT: 13,
};

const byCode = new Map(
  Object.entries(offsetHours).map(([name, hours]) => [codeOf(Buffer.from(name), 0, name.length), hours * 60]),
);

/** Minutes east of UTC; undefined where it is none of these. */
export function abbreviationOf(bytes: Uint8Array, from: number, to: number): number | undefined {
  return to - from > 4 ? undefined : byCode.get(codeOf(bytes, from, to));
}

function codeOf(bytes: Uint8Array, from: number, to: number): number {
  let code = 0;
  for (let i = from; i < to; i++) code = code * 256 + bytes[i]!;
  return code;
}
