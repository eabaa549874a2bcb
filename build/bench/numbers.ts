/** Medians, percentiles, and numbers as people read them. Pure. */

export const mib = 2 ** 20;
export const gib = 2 ** 30;

/** NaN where there is none. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** Between two values it is interpolated. `percent` in 0 … 100; NaN where there are no values. */
export function percentile(values: readonly number[], percent: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const place = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}

/** `64MiB`, `1.5GiB` in bytes; throws with what was expected. */
export function parseSize(option: string, text: string): number {
  const found = /^(\d+(?:\.\d+)?)(KiB|MiB|GiB)$/.exec(text);
  if (found === null) throw new Error(`--${option} ${text}: a number with KiB, MiB or GiB, for example 256MiB`);
  const unit = { KiB: 1024, MiB: mib, GiB: gib }[found[2] as 'KiB' | 'MiB' | 'GiB'];
  return Math.round(Number(found[1]) * unit);
}

export function sizeText(bytes: number): string {
  const [unit, name] = bytes >= gib ? [gib, 'GiB'] : bytes >= mib ? [mib, 'MiB'] : [1024, 'KiB'];
  return `${Number((bytes / unit).toFixed(2))} ${name}`;
}

/** Three digits that matter, without exponents; `-` for what was not measured. */
export function shortNumber(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '-';
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return value.toFixed(0);
  return value.toFixed(size >= 10 ? 1 : size >= 0.1 || size === 0 ? 2 : 3);
}
