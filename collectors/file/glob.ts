/**
 * Include, exclude and rotated patterns over absolute paths (picomatch: `*`, `?`, `[…]`, `{a,b}`, `**`), and which directories
 * have to be walked for them, so that nothing is listed that cannot match. Pure.
 */
import picomatch from 'picomatch';

export interface Patterns {
  /** Directories that hold all matches; none lies inside another's walk twice. */
  readonly bases: readonly string[];
  matches(path: string): boolean;
  /** False where nothing below `directory` can match. */
  mayHold(directory: string): boolean;
  /** The same, by name: where only a `**` (or braces with a slash) leads to it, false. Links to directories are followed there only. */
  mayHoldByName(directory: string): boolean;
}

const options = { dot: true, nonegate: true } as const;

export function compilePatterns(include: readonly string[], exclude: readonly string[] = []): Patterns {
  const wanted = include.map((pattern) => picomatch(singleSlashes(pattern), options));
  const unwanted = exclude.map((pattern) => picomatch(singleSlashes(pattern), options));
  const walks = include.map((pattern) => walkOf(singleSlashes(pattern)));
  return {
    bases: [...new Set(walks.map((walk) => walk.base))],
    matches: (path) => wanted.some((match) => match(path)) && !unwanted.some((match) => match(path)),
    mayHold: (directory) => walks.some((walk) => walk.mayHold(directory)),
    mayHoldByName: (directory) =>
      walks.some((walk) => partsOf(directory).length <= walk.named && walk.mayHold(directory)),
  };
}

interface Walk {
  readonly base: string;
  /** So many segments, from the start, name one directory each. */
  readonly named: number;
  readonly mayHold: (directory: string) => boolean;
}

/** Cuts a pattern at its first segment that is not literal, and that at each segment that may span several. */
function walkOf(pattern: string): Walk {
  const segments = splitSegments(pattern);
  const names = segments.slice(0, -1);
  const literal = names.findIndex((segment) => picomatch.scan(segment).isGlob);
  const base = names.slice(0, literal === -1 ? names.length : literal).map(unescaped);
  const deep = names.findIndex((segment) => segment.includes('**') || segment.includes('/'));
  const steps = (deep === -1 ? names : names.slice(0, deep)).map((segment) => picomatch(segment, options));
  return {
    base: `/${base.join('/')}`,
    named: steps.length,
    mayHold(directory) {
      const parts = partsOf(directory);
      if (deep === -1 && parts.length > names.length) return false;
      return parts.every((part, at) => at >= steps.length || steps[at]!(part));
    },
  };
}

function partsOf(directory: string): string[] {
  return directory === '/' ? [] : directory.slice(1).split('/');
}

/** Splits at slashes outside of braces and brackets; `/{a/b,c}/*` has two segments. */
function splitSegments(pattern: string): string[] {
  const segments: string[] = [];
  let depth = 0;
  let current = '';
  for (const character of pattern.replace(/^\/+/, '')) {
    if ('{(['.includes(character)) depth++;
    if ('})]'.includes(character)) depth = Math.max(0, depth - 1);
    if (character === '/' && depth === 0) {
      segments.push(current);
      current = '';
    } else current += character;
  }
  segments.push(current);
  return segments;
}

/** As the system takes them: several slashes are one. */
function singleSlashes(pattern: string): string {
  return pattern.replace(/\/{2,}/g, '/');
}

function unescaped(segment: string): string {
  return segment.replace(/\\(.)/g, '$1');
}
