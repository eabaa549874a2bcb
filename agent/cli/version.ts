/** `tailspool version`: which build, and which codec it found. Loads nothing else. */
import { chooseCodec } from '../host/codec.ts';
import { versionLine } from '../host/version.ts';
import { type Command, exitCodes } from './commands.ts';

export const versionCommand: Command<object> = async (_options, context) => {
  await context.out(versionText());
  return exitCodes.ok;
};

export function versionText(): string {
  const { codec, fallbackReason } = chooseCodec();
  const why = fallbackReason === undefined ? '' : ` (zstd-napi cannot be used: ${fallbackReason})`;
  return `tailspool ${versionLine}\ncodec ${codec.name}${why}\n`;
}
