/**
 * Names that rotation gives: which file a rotated name belonged to, whether it is compressed, and which of two is older.
 * Known forms, each with an optional `.gz` or `.zst`: `app.log.1`, `app.log-20260131`, `app.log.2026-01-31T10`, `app.log.old`,
 * `app.log~`, `app.1.log`, `app-20260131.log`. Pure.
 */
export type Compression = 'gzip' | 'zstd';

export interface RotatedName {
  /** The name before rotation. */
  readonly original: string;
  readonly compression: Compression | undefined;
  /** For names of one original with equal times: higher is older. */
  readonly age: number;
}

const compressions: readonly (readonly [string, Compression])[] = [
  ['.gz', 'gzip'],
  ['.zst', 'zstd'],
];

const suffix = /^(.+?)([._-](?:\d[\d._:TZ+-]*|old|bak|orig|prev|rotated)|~)$/i;
const infix = /^(.+?)([._-]\d[\d._:TZ+-]*)(\.[A-Za-z][A-Za-z0-9]*)$/;

/** How a file is compressed, by its name. */
export function compressionOf(name: string): Compression | undefined {
  return compressions.find(([ending]) => name.endsWith(ending))?.[1];
}

/** The originals that `name` may be a rotated form of; the likeliest first, none for an ordinary name. */
export function rotatedNames(name: string): RotatedName[] {
  const compressed = compressions.find(([ending]) => name.endsWith(ending));
  const compression = compressed?.[1];
  const plain = compressed ? name.slice(0, -compressed[0].length) : name;
  const found: RotatedName[] = [];
  const bySuffix = suffix.exec(plain);
  if (bySuffix) found.push({ original: bySuffix[1]!, compression, age: ageOf(bySuffix[2]!) });
  const byInfix = infix.exec(plain);
  if (byInfix) found.push({ original: byInfix[1]! + byInfix[3]!, compression, age: ageOf(byInfix[2]!) });
  if (compression) found.push({ original: plain, compression, age: 0 });
  return found;
}

/** Counters (`.3`) grow with age, dates shrink. */
function ageOf(mark: string): number {
  const digits = mark.replace(/\D/g, '');
  if (digits === '') return 1;
  const number = Number(digits.slice(0, 15));
  return digits.length >= 6 ? -number : number;
}

/** The directory of an absolute path. */
export function directoryOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at <= 0 ? '/' : path.slice(0, at);
}

/** The last component of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function join(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}
