/**
 * What is wrong with a configuration, for people: where (file, line, column), what, and what to do. Values that came from
 * the environment are never shown.
 */

/** Line and column count from 1; both 0 where the whole file (or a command-line option) is meant. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface ConfigurationProblem {
  readonly severity: 'error' | 'warning';
  readonly place: Place;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** More than this are counted, not printed. */
export const problemsShownMax = 100;

/** One line per problem and one per hint, in the order of the files. Ends with a line feed unless there are none. */
export function formatProblems(problems: readonly ConfigurationProblem[]): string {
  const files = [...new Set(problems.map((problem) => problem.place.file))];
  const sorted = files.flatMap((file) => problems.filter(({ place }) => place.file === file).toSorted(byPlace));
  const lines = sorted.slice(0, problemsShownMax).flatMap(formatProblem);
  const more = sorted.length - problemsShownMax;
  if (more > 0) lines.push(`… and ${more} more`);
  return lines.map((line) => `${line}\n`).join('');
}

export function formatPlace(place: Place): string {
  return place.line === 0 ? place.file : `${place.file}:${place.line}:${place.column}`;
}

/** Shortens and makes visible what may stand in a terminal. */
export function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return `\`${visible(short)}\``;
}

function formatProblem(problem: ConfigurationProblem): string[] {
  const first = `${formatPlace(problem.place)}: ${problem.severity}: ${problem.message}`;
  return (problem.hint === undefined ? [first] : [first, `    hint: ${problem.hint}`]).map(visible);
}

function visible(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function byPlace(a: ConfigurationProblem, b: ConfigurationProblem): number {
  return a.place.line - b.place.line || a.place.column - b.place.column;
}
