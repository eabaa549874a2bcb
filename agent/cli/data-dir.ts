/** Which data_dir a command means. */
import { resolve } from 'node:path';
import type { CommandContext } from './commands.ts';

/** Where packages put it; used when neither a configuration nor a folder is named. */
export const usualDataDir = '/var/lib/tailspool';

/** Undefined when the configuration is wrong, which is printed then. */
export async function findDataDir(
  given: { readonly config?: readonly string[]; readonly dataDir?: string },
  context: CommandContext,
): Promise<string | undefined> {
  if (given.dataDir !== undefined) return resolve(context.workingDirectory, given.dataDir);
  if (given.config === undefined) return usualDataDir;
  const { loadFor } = await import('./load.ts');
  return (await loadFor(given.config, context))?.configuration.dataDir;
}
