/** Opens a spool for the commands that only look at it, and says so where there is none. */
import { findSpool, type Place } from '../../spool/inspect.ts';
import type { Host } from '../ports.ts';
import type { CommandContext, SpoolOptions } from './commands.ts';

export interface Looking {
  readonly host: Host;
  readonly place: Place;
}

/** Undefined where the folder is no spool, which is printed then. */
export async function lookInto({ directory }: SpoolOptions, context: CommandContext): Promise<Looking | undefined> {
  const host = await context.openHost({ write() {} });
  try {
    const place = findSpool(host.files, directory);
    if (place) return { host, place };
    context.err(`tailspool: ${directory} is neither a data_dir nor a spool folder\n`);
  } catch (error) {
    context.err(`tailspool: cannot look into ${directory}: ${(error as Error).message}\n`);
  }
  return undefined;
}
