/** `tailspool spool verify`: is every byte of a spool sound. Works on a spool that is in use or not, and changes nothing. */
import { type Command, exitCodes, type SpoolOptions } from './commands.ts';

export const spoolVerifyCommand: Command<SpoolOptions> = async (_options, context) => {
  context.err('tailspool: `spool verify` is not there yet\n');
  return exitCodes.usage;
};
