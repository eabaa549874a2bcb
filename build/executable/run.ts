/** Runs the tools that a build needs. What they print is shown only when they fail. */
import { execFile, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

/** What it printed to standard output. Throws with everything it printed where it failed or is not there. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): string {
  const { error, status, signal, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    ...options,
  });
  if (error !== undefined) throw missing(program, error);
  if (status !== 0)
    throw new Error(`${program} ${args.join(' ')} failed (${signal ?? `exit ${status}`}):\n${stdout}${stderr}`);
  return stdout;
}

/** The same beside others. */
export function runBeside(
  program: string,
  args: readonly string[],
  options: Omit<RunOptions, 'input'> = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args], { maxBuffer: 16 * 1024 * 1024, ...options }, (error, stdout, stderr) => {
      if (error === null) resolve();
      else if ((error as NodeJS.ErrnoException).code === 'ENOENT') reject(missing(program, error));
      else reject(new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`));
    });
  });
}

/** A folder for what is dear to make and can be made again; also where several checkouts share their packages. */
export function cacheFolder(): string {
  const folder = `${fs.realpathSync(`${root}/node_modules`)}/.cache/tailspool`;
  fs.mkdirSync(folder, { recursive: true });
  return folder;
}

function missing(program: string, cause: Error): Error {
  return new Error(`${program} cannot be run (${cause.message}); is it installed?`, { cause });
}
