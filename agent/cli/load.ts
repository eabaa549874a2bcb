/** Loads the configuration for a command and prints what is wrong with it. */
import { type Loaded, loadConfiguration } from '../config/load.ts';
import { formatProblems } from '../config/problems.ts';
import type { Configuration } from '../config/types.ts';
import { hostFiles } from '../host/files.ts';
import type { CommandContext } from './commands.ts';

/** Undefined when it has errors, which are printed then; warnings are printed too. */
export function loadFor(paths: readonly string[], context: CommandContext): Configuration | undefined {
  return tell(loadConfiguration(hostFiles, paths, context.environment), context);
}

export function tell(loaded: Loaded, context: CommandContext): Configuration | undefined {
  const problems = loaded.kind === 'ok' ? loaded.warnings : loaded.problems;
  if (problems.length > 0) context.err(formatProblems(problems));
  return loaded.kind === 'ok' ? loaded.configuration : undefined;
}
