/** `tailspool run`: the agent as its configuration says. */
import { type Command, type ConfigOptions, exitCodes } from './commands.ts';
import { loadFor } from './load.ts';
import { runAgent } from './run-agent.ts';

export const runCommand: Command<ConfigOptions> = async (options, context) => {
  const loaded = await loadFor(options.config, context);
  return loaded === undefined ? exitCodes.usage : runAgent(loaded, context);
};
