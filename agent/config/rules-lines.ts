/** The rules between the keys that say how a collector's lines are read. Pure. */
import { encodedLineBytesMax } from '../../collectors/shared/encoded-lines.ts';
import type { Finding, KeyPath } from './findings.ts';
import { error } from './rule-findings.ts';
import type { LineKeys } from './schema-lines.ts';
import { formatSize } from './units.ts';

export function checkLines(path: KeyPath, keys: Partial<LineKeys> & { readonly max_line: number }): Finding[] {
  const { encoding, multiline, max_line } = keys;
  const findings: Finding[] = [];
  if (encoding !== undefined && max_line > encodedLineBytesMax) {
    const hint = `at most ${formatSize(encodedLineBytesMax)}`;
    findings.push(error([...path, 'max_line'], '`max_line` is too large for lines that are decoded', hint));
  }
  if (multiline && !multiline.start && !multiline.continue && multiline.traces.length === 0) {
    const hint = 'give `start`, `continue` or `traces`';
    findings.push(error([...path, 'multiline'], '`multiline` does not say which lines belong together', hint));
  }
  return findings;
}
