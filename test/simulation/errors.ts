/** Errors as Node's file system throws them, and the end of a simulated machine. */
import { constants } from 'node:os';

export function systemError(code: string, call: string, path: string): NodeJS.ErrnoException {
  const errno = (constants.errno as Readonly<Record<string, number>>)[code];
  const error: NodeJS.ErrnoException = new Error(`${code}: simulated, ${call} '${path}'`);
  return Object.assign(error, { code, syscall: call, path, ...(errno === undefined ? {} : { errno: -errno }) });
}

/** The machine has lost its power (or the process was killed): this and every later operation throws it. */
export class Crash extends Error {
  readonly code = 'CRASH';

  constructor(where: string) {
    super(`the simulated machine stopped ${where}`);
    this.name = 'Crash';
  }
}
