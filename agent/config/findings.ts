/** Turns what the schema and the rules found into problems with a place, and says what somebody may have meant. */
import type * as z from 'zod';
import { nearest } from './nearest.ts';
import { type ConfigurationProblem, type Place, quote } from './problems.ts';
import { keysOf, schemaAt } from './schema-walk.ts';
import type { MapTree, Tree } from './tree.ts';

export type KeyPath = readonly (string | number)[];

/** Something wrong at a path of the configuration, not yet tied to a file. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly path: KeyPath;
  /** Where to point: at the value (if it is there) or at its key. */
  readonly at: 'value' | 'key';
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Ties a finding to the place in the files where its path, or the last part of it that exists, was written. */
export function locate(finding: Finding, tree: MapTree): ConfigurationProblem {
  const { severity, message, hint } = finding;
  return { severity, place: placeAt(tree, finding.path, finding.at), message, hint };
}

/** All that one zod issue has to say. `schema` and `tree` are the roots that were checked. */
export function explainIssue(issue: z.core.$ZodIssue, schema: z.ZodType, tree: MapTree): Finding[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key, schema, tree));
  if (issue.code === 'invalid_key')
    return [error(path, 'key', `${show(path)}: ${issue.issues[0]?.message ?? 'bad name'}`)];
  const found = treeAt(tree, path);
  if (found === undefined) return [missing(path, issue)];
  if (found.kind === 'empty')
    return [error(path, 'key', `${show(path)} has no value`, 'give it one, or take the key out')];
  if (issue.code === 'invalid_union' || issue.code === 'invalid_value') return [notOneOf(path, found, choices(issue))];
  if (issue.code === 'invalid_type') return [wrongShape(path, found, issue.expected)];
  if (issue.code === 'too_small') return [error(path, 'value', `${show(path)} needs at least one entry`)];
  const hint = issue.code === 'custom' ? (issue.params?.hint as string | undefined) : undefined;
  return [error(path, 'value', `${show(path)}: ${written(found)}${issue.message}`, hint)];
}

/** `collectors.nginx.include[0]`, in backquotes. */
export function show(path: KeyPath): string {
  const text = path.reduce<string>((soFar, part) => {
    if (typeof part === 'number') return `${soFar}[${part}]`;
    return soFar === '' ? part : `${soFar}.${part}`;
  }, '');
  return quote(text === '' ? 'configuration' : text);
}

export function treeAt(tree: Tree, path: KeyPath): Tree | undefined {
  let at: Tree | undefined = tree;
  for (const part of path) {
    if (at?.kind === 'map') at = at.entries.get(String(part))?.value;
    else if (at?.kind === 'list' && typeof part === 'number') at = at.items[part];
    else return undefined;
  }
  return at;
}

function placeAt(tree: MapTree, path: KeyPath, at: 'value' | 'key'): Place {
  let place = tree.place;
  let node: Tree | undefined = tree;
  for (const [depth, part] of path.entries()) {
    const entry: { place: Place; value: Tree } | undefined =
      node.kind === 'map' ? node.entries.get(String(part)) : undefined;
    const item: Tree | undefined = node.kind === 'list' && typeof part === 'number' ? node.items[part] : entry?.value;
    if (item === undefined) return place;
    const pointAtValue = at === 'value' && depth === path.length - 1 && item.kind !== 'map';
    place = pointAtValue ? item.place : (entry?.place ?? item.place);
    node = item;
  }
  return place;
}

function error(path: KeyPath, at: 'value' | 'key', message: string, hint?: string): Finding {
  return { severity: 'error', path, at, message, hint };
}

function unknownKey(path: KeyPath, key: string, schema: z.ZodType, tree: MapTree): Finding {
  const known = keysOf(schemaAt(schema, path, tree));
  const meant = nearest(key, known);
  const where = path.length === 0 ? '' : ` in ${show(path)}`;
  const hint = meant === undefined ? `known here: ${known.join(', ')}` : `did you mean \`${meant}\`?`;
  return error([...path, key], 'key', `unknown key ${quote(key)}${where}`, hint);
}

function missing(path: KeyPath, issue: z.core.$ZodIssue): Finding {
  const options = choices(issue);
  const hint = options.length === 0 ? 'it has no default' : `one of: ${options.join(', ')}`;
  return error(path, 'key', `${show(path)} is missing`, hint);
}

function notOneOf(path: KeyPath, found: Tree, options: readonly string[]): Finding {
  if (found.kind !== 'text') return wrongShape(path, found, 'string');
  const meant = nearest(found.text, options);
  const all = `one of: ${options.join(', ')}`;
  const hint = meant === undefined ? all : `did you mean \`${meant}\`? (${all})`;
  return error(path, 'value', `${show(path)}: ${written(found)}is not known`, hint);
}

function wrongShape(path: KeyPath, found: Tree, expected: string): Finding {
  const hints: Record<string, string> = {
    array: 'write `[one, two]`, or one `- entry` a line',
    object: 'indent its keys below it',
    record: 'indent its entries below it',
  };
  const wanted = expected === 'array' ? 'a list' : expected === 'string' ? 'a single value' : 'a map';
  const given = { map: 'a map', list: 'a list', text: 'a single value', empty: 'nothing' }[found.kind];
  return error(path, 'value', `${show(path)} must be ${wanted}, not ${given}`, hints[expected]);
}

/** What was written, for a message; never what a variable held, and no password of a URL. */
function written(found: Tree): string {
  if (found.kind !== 'text') return '';
  return `${quote(found.written.replace(/\/\/[^/]*@/, '//…@'))} `;
}

function choices(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  if (issue.code === 'invalid_union' && 'options' in issue) return (issue.options ?? []).map(String);
  return [];
}
