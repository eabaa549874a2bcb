/** `tailspool run`: the agent as its configuration says. */
import { type Command, type ConfigOptions, exitCodes } from './commands.ts';
import { loadFor } from './load.ts';
import { runAgent } from './run-agent.ts';

export const runCommand: Command<ConfigOptions> = async (options, context) => {
  const configuration = loadFor(options.config, context);
  return configuration === undefined ? exitCodes.usage : runAgent(configuration, context);
};
