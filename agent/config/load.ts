/**
 * Configuration files to a `Configuration`, or to every problem they have. Changes nothing anywhere and throws nothing for
 * what stands in a file.
 */
import type { Abilities } from '../ports.ts';
import { checkFolders, checkSecretFiles } from './host-checks.ts';
import { checkAbilities } from './host-lacks.ts';
import type { Environment } from './interpolate.ts';
import { mergeTrees } from './merge.ts';
import type { ConfigurationProblem } from './problems.ts';
import { type ConfigurationReader, readSources, type Source } from './sources.ts';
import { type MapTree, readTree } from './tree.ts';
import type { Configuration } from './types.ts';
import { type LookAround, validate } from './validate.ts';

export type Loaded =
  | { readonly kind: 'ok'; readonly configuration: Configuration; readonly warnings: readonly ConfigurationProblem[] }
  | { readonly kind: 'bad'; readonly problems: readonly ConfigurationProblem[] };

/**
 * Reads files, and folders of `*.yaml` and `*.yml` in the order of their names, and merges them. Files that it names and that
 * cannot be read are warnings; with `folders`, so are folders that cannot be looked into (which may wait for a hung mount), and with
 * `abilities` what this host lacks.
 */
export function loadConfiguration(
  files: ConfigurationReader,
  paths: readonly string[],
  environment: Environment,
  { folders = false, abilities }: { readonly folders?: boolean; readonly abilities?: Abilities } = {},
): Loaded {
  const read = readSources(files, paths);
  if (read.problems.length > 0) return { kind: 'bad', problems: read.problems };
  return parseConfiguration(read.sources, environment, (file) => [
    ...checkSecretFiles(file, files),
    ...(folders ? checkFolders(file, files) : []),
    ...(abilities ? checkAbilities(file, abilities) : []),
  ]);
}

/** The same for texts that are already there. */
export function parseConfiguration(
  sources: readonly Source[],
  environment: Environment,
  lookAround: LookAround = () => [],
): Loaded {
  const problems: ConfigurationProblem[] = [];
  const trees = sources.map(({ file, text }) => readTree(file, text, environment, problems));
  const readable = trees.filter((tree) => tree !== undefined);
  const merged = mergeTrees(readable, problems);
  // With a file missing, everything that it would have said would be reported as missing too.
  if (readable.length < trees.length) return { kind: 'bad', problems };
  return loadedFrom(merged, problems, lookAround);
}

/** The same for a tree that was made elsewhere (`receive` makes one from its options). */
export function loadedFrom(
  tree: MapTree,
  problems: readonly ConfigurationProblem[] = [],
  lookAround: LookAround = () => [],
): Loaded {
  const result = validate(tree, problems, lookAround);
  if (result.configuration === undefined) return { kind: 'bad', problems: result.problems };
  return { kind: 'ok', configuration: result.configuration, warnings: result.problems };
}
