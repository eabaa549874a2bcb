/** Several files to one: sections merge; within a section, and among keys that are no section, a name may be given once. */
import { type ConfigurationProblem, formatPlace, quote } from './problems.ts';
import type { Entry, MapTree } from './tree.ts';

/** The first tree's place stands for the whole. */
export function mergeTrees(trees: readonly MapTree[], problems: ConfigurationProblem[]): MapTree {
  const entries = new Map<string, Entry>();
  for (const tree of trees) {
    for (const [name, entry] of tree.entries) {
      const earlier = entries.get(name);
      entries.set(name, earlier === undefined ? entry : mergeSection(name, earlier, entry, problems));
    }
  }
  const place = trees[0]?.place ?? { file: 'configuration', line: 0, column: 0 };
  return { kind: 'map', place, entries };
}

function mergeSection(name: string, earlier: Entry, later: Entry, problems: ConfigurationProblem[]): Entry {
  if (later.value.kind === 'empty') return earlier;
  if (earlier.value.kind === 'empty') return later;
  if (earlier.value.kind !== 'map' || later.value.kind !== 'map') {
    problems.push(twice(name, earlier, later));
    return earlier;
  }
  const entries = new Map(earlier.value.entries);
  for (const [key, entry] of later.value.entries) {
    const first = entries.get(key);
    if (first === undefined) entries.set(key, entry);
    else problems.push(twice(`${name}.${key}`, first, entry));
  }
  return { place: earlier.place, value: { kind: 'map', place: earlier.value.place, entries } };
}

function twice(name: string, first: Entry, second: Entry): ConfigurationProblem {
  const message = `${quote(name)} is given twice; the first stands at ${formatPlace(first.place)}`;
  return { severity: 'error', place: second.place, message, hint: 'take one of them out, or give it another name' };
}
