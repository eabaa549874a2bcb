/** What this host and this user can do, as `tailspool check` asks: programs, the native part for datagrams, low ports. */
import * as fs from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Abilities } from '../ports.ts';
import { loadDatagramBinding } from './addon.ts';

const unprivilegedPortFile = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
const unprivilegedPortUsual = 1024;
/** Of the set of capabilities, as linux/capability.h numbers them. */
const netBindService = 10n;

export const hostAbilities: Abilities = {
  programMissing: (program) => programMissing(program, process.env.PATH ?? ''),
  datagramsMissing(dataDir) {
    try {
      loadDatagramBinding([dataDir]);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  },
  unprivilegedPort: () => unprivilegedPort(readText('/proc/self/status'), readText(unprivilegedPortFile)),
};

/** Exported for its test. `path`: as in the environment. */
export function programMissing(program: string, path: string): string | undefined {
  if (program.includes('/')) return notExecutable(program);
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  if (folders.some((folder) => notExecutable(join(folder, program)) === undefined)) return undefined;
  return 'no folder of PATH has it';
}

/** Exported for its test. What cannot be read is no reason for a warning. */
export function unprivilegedPort(status: string | undefined, setting: string | undefined): number {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? '')?.[1];
  if (effective === undefined || (BigInt(`0x${effective}`) >> netBindService) & 1n) return 0;
  return Number.parseInt(setting ?? '', 10) || (setting?.trim() === '0' ? 0 : unprivilegedPortUsual);
}

function notExecutable(path: string): string | undefined {
  try {
    fs.accessSync(path, fs.constants.X_OK);
    return fs.statSync(path).isFile() ? undefined : 'it is not a file';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file';
    return code === 'EACCES' ? 'this user may not execute it' : (error as Error).message;
  }
}

function readText(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
