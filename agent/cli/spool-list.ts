/** `tailspool spool ls`: what segments, blocks and cursors a spool has. Works on a spool that is in use or not, and changes nothing. */
import { type Command, exitCodes, type SpoolOptions } from './commands.ts';

export const spoolListCommand: Command<SpoolOptions> = async (_options, context) => {
  context.err('tailspool: `spool ls` is not there yet\n');
  return exitCodes.usage;
};
