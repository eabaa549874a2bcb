/** One merged tree against the schema and the rules: all problems at once, or the finished configuration. */
import * as z from 'zod';
import { explainIssue, type Finding, type KeyPath, locate } from './findings.ts';
import { type ConfigurationProblem, formatPlace } from './problems.ts';
import { resolve } from './resolve.ts';
import { checkRules } from './rules.ts';
import { type ConfigurationFile, configurationSchema } from './schema.ts';
import type { MapTree, Tree } from './tree.ts';
import type { Configuration } from './types.ts';

export interface Validated {
  /** Undefined where `problems` holds an error. */
  readonly configuration: Configuration | undefined;
  readonly problems: readonly ConfigurationProblem[];
}

/** More to find out about a configuration that follows the schema. */
export type LookAround = (file: ConfigurationFile) => readonly Finding[];

/** `known` are problems found while reading; what they caused is not reported again. */
export function validate(tree: MapTree, known: readonly ConfigurationProblem[], lookAround: LookAround): Validated {
  const plain = withoutEmptySections(plainMap(tree));
  const parsed = configurationSchema.safeParse(plain);
  const issues = parsed.success ? [] : parsed.error.issues;
  const findings = issues.flatMap((issue) => explainIssue(issue, configurationSchema, tree));
  const rulesOn = parsed.success ? parsed : configurationSchema.safeParse(withoutFaults(plain, issues));
  const ruled = rulesOn.success ? [...checkRules(rulesOn.data), ...lookAround(rulesOn.data)] : [];
  const independent = ruled.filter((finding) => !findings.some((other) => related(finding.path, other.path)));
  const problems = [...known, ...notKnown([...findings, ...independent], tree, known)];
  const failed = problems.some(({ severity }) => severity === 'error') || !parsed.success;
  return { configuration: failed ? undefined : resolve(parsed.data), problems };
}

/** `spool:` with nothing below it (all commented out) is as if it were not there. */
function withoutEmptySections(plain: PlainMap): PlainMap {
  for (const [name, section] of Object.entries(configurationSchema.shape)) {
    if (section instanceof z.ZodPrefault && plain[name] === null) delete plain[name];
  }
  return plain;
}

function notKnown(findings: readonly Finding[], tree: MapTree, known: readonly ConfigurationProblem[]) {
  const places = new Set(known.map(({ place }) => formatPlace(place)));
  return findings.map((finding) => locate(finding, tree)).filter(({ place }) => !places.has(formatPlace(place)));
}

/** One is about the collector, shipper or key of a section that the other is about. */
function related(a: KeyPath, b: KeyPath): boolean {
  const length = Math.min(a.length, b.length, 2);
  return a.slice(0, length).every((part, index) => part === b[index]);
}

type PlainMap = Record<string, unknown>;

function plainMap(tree: MapTree): PlainMap {
  const plain: PlainMap = {};
  for (const [name, { value }] of tree.entries) plain[name] = plainValue(value);
  return plain;
}

function plainValue(tree: Tree): unknown {
  if (tree.kind === 'map') return plainMap(tree);
  if (tree.kind === 'list') return tree.items.map(plainValue);
  return tree.kind === 'text' ? tree.text : null;
}

/** What remains when everything that has an issue is taken out, so that the rules can look at the rest. */
function withoutFaults(plain: PlainMap, issues: readonly z.core.$ZodIssue[]): PlainMap {
  const rest = structuredClone(plain);
  for (const issue of issues) {
    const [section, name] = issue.path.map(String);
    if (section === undefined) for (const key of issue.code === 'unrecognized_keys' ? issue.keys : []) delete rest[key];
    else if (name !== undefined && isMap(rest[section])) delete rest[section][name];
    else if (issue.code === 'unrecognized_keys' && isMap(rest[section]))
      for (const key of issue.keys) delete rest[section][key];
    else delete rest[section];
  }
  // Required, and nothing that the rules compare it with lies in it.
  return { data_dir: '/data_dir is not known', collectors: {}, ...rest };
}

function isMap(value: unknown): value is PlainMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
