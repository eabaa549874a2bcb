/**
 * All that the commands need but `version`. The executable keeps it apart from `main.ts`, so that what does not need it starts
 * without it (`build/executable/bundle.ts`). Each part is loaded when it is asked for.
 */
import type { CommandContext, ExitCode } from './cli/commands.ts';

export async function runProgram(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  return (await import('./cli/program.ts')).runProgram(args, context);
}

export const openHost: CommandContext['openHost'] = async (log, dataDir) =>
  (await import('./host/host.ts')).openHost(log, dataDir);
