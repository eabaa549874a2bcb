/**
 * A configuration as a tree of maps, lists and texts, each knowing where it was written. Every value is text here: the
 * schema decides what it means, so `${PORT}` and `8600` are alike. Bounded: aliases cannot blow it up.
 */
import { type Alias, isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { type Environment, interpolate } from './interpolate.ts';
import { type ConfigurationProblem, formatPlace, type Place, quote } from './problems.ts';

export type Tree = MapTree | ListTree | TextTree | EmptyTree;

export interface MapTree {
  readonly kind: 'map';
  readonly place: Place;
  readonly entries: Map<string, Entry>;
}

export interface Entry {
  /** Where the key stands. */
  readonly place: Place;
  readonly value: Tree;
}

export interface ListTree {
  readonly kind: 'list';
  readonly place: Place;
  readonly items: readonly Tree[];
}

export interface TextTree {
  readonly kind: 'text';
  readonly place: Place;
  /** With its variables filled in. */
  readonly text: string;
  /** As it stands in the file; safe to show. */
  readonly written: string;
}

/** A key or an item without a value. */
export interface EmptyTree {
  readonly kind: 'empty';
  readonly place: Place;
}

/** Values in one file, aliases followed. */
export const valuesMax = 100_000;
export const depthMax = 32;

/** Reads one YAML document. Undefined where it is not YAML at all; every problem found is added to `problems`. */
export function readTree(
  file: string,
  text: string,
  environment: Environment,
  problems: ConfigurationProblem[],
): MapTree | undefined {
  const reader = new Reader(file, environment, problems);
  return reader.read(text);
}

/** One reading of one file. */
class Reader {
  readonly #file: string;
  readonly #environment: Environment;
  readonly #problems: ConfigurationProblem[];
  readonly #lines = new LineCounter();
  readonly #anchors = new Map<string, unknown>();
  #values = 0;

  constructor(file: string, environment: Environment, problems: ConfigurationProblem[]) {
    this.#file = file;
    this.#environment = environment;
    this.#problems = problems;
  }

  read(text: string): MapTree | undefined {
    const document = this.#parse(text);
    if (document === undefined) return undefined;
    const faults = [...document.errors, ...document.warnings];
    for (const fault of faults) this.#problem(this.#place(fault.pos[0]), firstLine(fault.message), hintFor(fault.code));
    if (faults.length > 0) return undefined;
    const place = { file: this.#file, line: 1, column: 1 };
    const tree = this.#tree(document.contents, 0, place);
    if (tree.kind === 'map') return tree;
    if (tree.kind === 'empty') return { kind: 'map', place, entries: new Map() };
    this.#problem(tree.place, 'the file must hold a map', 'for example `data_dir: /var/lib/tailspool`');
    return undefined;
  }

  /** The parser recurses, so hostile nesting ends in a RangeError; nothing that it throws may reach people as a stack trace. */
  #parse(text: string) {
    try {
      return parseDocument(text, {
        schema: 'failsafe',
        uniqueKeys: false,
        lineCounter: this.#lines,
        prettyErrors: false,
      });
    } catch (error) {
      const what = error instanceof RangeError ? 'is nested too deeply' : `is not YAML (${(error as Error).message})`;
      this.#problem({ file: this.#file, line: 0, column: 0 }, what);
      return undefined;
    }
  }

  #tree(node: unknown, depth: number, parent: Place): Tree {
    const place = this.#placeOf(node) ?? parent;
    this.#values++;
    if (this.#values > valuesMax || depth > depthMax) return this.#tooMuch(place, depth);
    if (isAlias(node)) return this.#alias(node, depth, place);
    if (hasTag(node)) return this.#tagged(node.tag, place);
    if (hasAnchor(node)) this.#anchors.set(node.anchor, node);
    if (isMap(node)) return this.#map(node, depth, place);
    if (isSeq(node))
      return { kind: 'list', place, items: node.items.map((item) => this.#tree(item, depth + 1, place)) };
    if (isScalar(node) && typeof node.value === 'string' && !isEmpty(node.type, node.value)) {
      return this.#text(node.value, place);
    }
    return { kind: 'empty', place };
  }

  #text(written: string, place: Place): TextTree {
    const filled = interpolate(written, this.#environment);
    if (filled.kind === 'ok') return { kind: 'text', place, text: filled.value, written };
    this.#problem(place, `${quote(written)} ${filled.message}`, filled.hint);
    return { kind: 'text', place, text: '', written };
  }

  #map(node: YAMLMap, depth: number, place: Place): MapTree {
    const entries = new Map<string, Entry>();
    for (const pair of node.items) {
      const key = this.#key(pair, place);
      if (key === undefined) continue;
      const earlier = entries.get(key.name);
      if (earlier !== undefined) this.#twice(key.name, key.place, earlier.place);
      else entries.set(key.name, { place: key.place, value: this.#tree(pair.value, depth + 1, key.place) });
      if (this.#values > valuesMax) break;
    }
    return { kind: 'map', place, entries };
  }

  #key(pair: Pair, parent: Place): { name: string; place: Place } | undefined {
    const place = this.#placeOf(pair.key) ?? parent;
    const name = isScalar(pair.key) ? pair.key.value : undefined;
    if (typeof name === 'string' && name !== '' && name !== '__proto__') return { name, place };
    this.#problem(place, 'a key must be a plain word');
    return undefined;
  }

  #twice(name: string, place: Place, earlier: Place): void {
    this.#problem(place, `${quote(name)} is given twice; the first stands at ${formatPlace(earlier)}`);
  }

  #alias(node: Alias, depth: number, place: Place): Tree {
    if (this.#anchors.has(node.source)) return this.#tree(this.#anchors.get(node.source), depth + 1, place);
    this.#problem(place, `\`*${node.source}\` names no anchor above it`);
    return { kind: 'empty', place };
  }

  #tagged(tag: string, place: Place): EmptyTree {
    this.#problem(place, `has a tag ${quote(tag)}`, 'take it out; the schema knows what a value is');
    return { kind: 'empty', place };
  }

  #tooMuch(place: Place, depth: number): EmptyTree {
    const deep = depth > depthMax;
    const message = deep ? `is nested deeper than ${depthMax} levels` : `holds more than ${valuesMax} values`;
    const told = this.#problems.some((problem) => problem.message.endsWith(message));
    if (!told) this.#problem(place, `the file ${message}`, 'aliases count as often as they are used');
    return { kind: 'empty', place };
  }

  #placeOf(node: unknown): Place | undefined {
    const range = (node as { range?: readonly number[] | null } | null | undefined)?.range;
    return range?.[0] === undefined ? undefined : this.#place(range[0]);
  }

  #place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line, column: col };
  }

  #problem(place: Place, message: string, hint?: string): void {
    this.#problems.push({ severity: 'error', place, message, hint });
  }
}

/** Tags that somebody wrote; the parser sets none by itself. */
function hasTag(node: unknown): node is { tag: string } {
  return typeof (node as { tag?: unknown } | null)?.tag === 'string';
}

function hasAnchor(node: unknown): node is { anchor: string } {
  return typeof (node as { anchor?: unknown } | null)?.anchor === 'string';
}

function isEmpty(type: string | undefined, value: string): boolean {
  return type === 'PLAIN' && /^(|~|null|Null|NULL)$/.test(value);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}

function hintFor(code: string): string | undefined {
  if (code === 'TAB_AS_INDENT') return 'indent with spaces';
  if (code === 'MULTIPLE_DOCS') return 'one file holds one document; take the `---` out';
  if (code === 'TAG_RESOLVE_FAILED') return 'take the `!…` tag out';
  return undefined;
}
