/** Loads the configuration for a command. */
import { type Loaded, loadConfiguration } from '../config/load.ts';
import { formatProblems } from '../config/problems.ts';
import { hostFiles } from '../host/files.ts';
import type { CommandContext } from './commands.ts';

type Sound = Extract<Loaded, { kind: 'ok' }>;

/** Undefined when it has errors, which are printed then. Warnings are the caller's to tell. */
export function loadFor(paths: readonly string[], context: CommandContext): Sound | undefined {
  return soundOrTold(loadConfiguration(hostFiles, paths, context.environment), context);
}

export function soundOrTold(loaded: Loaded, context: CommandContext): Sound | undefined {
  if (loaded.kind === 'ok') return loaded;
  context.err(formatProblems(loaded.problems));
  return undefined;
}
