/** `tailspool status`: what an agent is doing, asked through its socket, or read from disk when none runs. */
import { type Command, exitCodes, type StatusOptions } from './commands.ts';

export const statusCommand: Command<StatusOptions> = async (_options, context) => {
  context.err('tailspool: `status` is not there yet\n');
  return exitCodes.usage;
};
