/** What an executable asks of the host it runs on: shared libraries, and the newest version of each interface in them. */
import { run } from './run.ts';

export interface Needs {
  readonly libraries: readonly string[];
  /** The newest of each kind, for example `GLIBC` → `2.28`. */
  readonly versions: ReadonlyMap<string, string>;
}

/** Over several files together. Reads ELF of any machine. */
export function needsOf(files: readonly string[]): Needs {
  const printed = files.map((file) => run('readelf', ['--wide', '--dynamic', '--version-info', file])).join('\n');
  const libraries = new Set([...printed.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name!));
  const versions = new Map<string, string>();
  // Only what is needed: a file's own version definitions have no such line.
  for (const [, kind, version] of printed.matchAll(/Name: (GLIBC|GLIBCXX|CXXABI)_([0-9.]+)\s+Flags/g)) {
    if (isNewer(version!, versions.get(kind!) ?? '0')) versions.set(kind!, version!);
  }
  return { libraries: [...libraries].sort(), versions };
}

/** `needs GLIBC 2.28, GLIBCXX 3.4.21`. */
export function sayNeeds({ versions }: Needs): string {
  return `needs ${[...versions].map(([kind, version]) => `${kind} ${version}`).join(', ')}`;
}

/** Whether `a` is above `b`, part by part. */
export function isNewer(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let part = 0; part < Math.max(left!.length, right!.length); part++) {
    const difference = (left![part] ?? 0) - (right![part] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
