/** Rounds become rows (medians; losses added up), and rows a table. Pure. */
import { type Comparison, type FigureName, type Figures, figureTitles, type Measured } from './figures.ts';
import { median, shortNumber } from './numbers.ts';

export interface Row {
  readonly way: string;
  readonly rounds: number;
  readonly figures: Figures;
  readonly lost: number | undefined;
  readonly duplicated: number | undefined;
}

const names = Object.keys(figureTitles) as FigureName[];

/** One row for each way, in the order in which they came first. */
export function summarise(measured: readonly Measured[], compare?: Comparison): Row[] {
  const ways = [...new Set(measured.map(({ way }) => way))];
  const rows = ways.map((way) =>
    rowOf(
      way,
      measured.filter((one) => one.way === way),
    ),
  );
  return compare === undefined ? rows : rows.map((row) => compared(row, compare, rows));
}

function rowOf(way: string, runs: readonly Measured[]): Row {
  const figures: Partial<Record<FigureName, number>> = {};
  for (const name of names) {
    const values = runs.flatMap((run) => run.figures[name] ?? []);
    if (values.length > 0) figures[name] = median(values);
  }
  return { way, rounds: runs.length, figures, lost: total(runs, 'lost'), duplicated: total(runs, 'duplicated') };
}

/** A loss in one round of five is a loss: no median. */
function total(runs: readonly Measured[], what: 'lost' | 'duplicated'): number | undefined {
  const counted = runs.flatMap((run) => run[what] ?? []);
  return counted.length === 0 ? undefined : counted.reduce((sum, value) => sum + value, 0);
}

function compared(row: Row, { with: base, figure, as }: Comparison, rows: readonly Row[]): Row {
  const value = row.figures[figure];
  const of = rows.find(({ way }) => way === base)?.figures[figure];
  if (value === undefined || of === undefined) return row;
  return { ...row, figures: { ...row.figures, [as]: value / of } };
}

/** Only the columns that some row has; lost and duplicated always. */
export function renderTable(rows: readonly Row[]): string[] {
  const shown = names.filter((name) => rows.some((row) => row.figures[name] !== undefined));
  const head = ['', ...shown.map((name) => figureTitles[name]), 'lost', 'dup'];
  const body = rows.map((row) => [
    row.way,
    ...shown.map((name) => shortNumber(row.figures[name])),
    shortNumber(row.lost),
    shortNumber(row.duplicated),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((cells) => cells[column]!.length)));
  return [head, ...body].map((cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}

/** The same for a page of documentation. */
export function renderMarkdown(rows: readonly Row[]): string[] {
  const shown = names.filter((name) => rows.some((row) => row.figures[name] !== undefined));
  const head = ['', ...shown.map((name) => figureTitles[name]), 'lost', 'dup'];
  const body = rows.map(({ way, figures, lost, duplicated }) => [
    `\`${way.replaceAll('|', '\\|')}\``,
    ...shown.map((name) => shortNumber(figures[name])),
    shortNumber(lost),
    shortNumber(duplicated),
  ]);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...body.map(line)];
}
