/** Loads the configuration for a command. */
import { configurationCode } from '../config/code.ts';
import type { Loaded } from '../config/load.ts';
import { formatProblems } from '../config/problems.ts';
import { hostFiles } from '../host/files.ts';
import type { CommandContext } from './commands.ts';

type Sound = Extract<Loaded, { kind: 'ok' }>;

/** Undefined when it has errors, which are printed then. Warnings are the caller's to tell. */
export async function loadFor(paths: readonly string[], context: CommandContext): Promise<Sound | undefined> {
  const { loadConfiguration } = await configurationCode();
  return soundOrTold(loadConfiguration(hostFiles, paths, context.environment), context);
}

export function soundOrTold(loaded: Loaded, context: CommandContext): Sound | undefined {
  if (loaded.kind === 'ok') return loaded;
  context.err(formatProblems(loaded.problems));
  return undefined;
}
