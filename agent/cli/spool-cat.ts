/** `tailspool spool cat`: the records of a spool, as text. Works on a spool that is in use or not, and changes nothing. */
import { type Command, exitCodes, type SpoolOptions } from './commands.ts';

export const spoolCatCommand: Command<SpoolOptions> = async (_options, context) => {
  context.err('tailspool: `spool cat` is not there yet\n');
  return exitCodes.usage;
};
