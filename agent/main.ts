/**
 * The process: hands the arguments to the command line and ends with its exit code. `version` is answered before anything of
 * the application is loaded. Nothing here waits at the top level: the executable is bundled as CommonJS.
 */
import { writeSync } from 'node:fs';
import type { CommandContext, ExitCode } from './cli/commands.ts';
import { endProcess } from './host/exit.ts';
import { type Signals, takeSignals } from './host/signals.ts';

// Syncs of the spool, name look-ups and calls to slow mounts share these threads, and a few that hang must not stop the
// syncs. Read by libuv when the first of them is needed.
process.env.UV_THREADPOOL_SIZE ??= '16';

const args = process.argv.slice(2);

// First of all, for the commands that run until a signal; for the others signals do what the system says.
let signals: Signals | undefined = args[0] === 'run' || args[0] === 'receive' ? takeSignals() : undefined;

const asksVersion = args[0] === 'version' || args[0] === '--version' || args[0] === '-V';
// Standard output as a stream takes longer to make than all that `version` does.
if (!asksVersion) {
  process.stdout.on('error', failedToWrite);
  // Nobody is left to tell it to.
  process.stderr.on('error', () => {});
}
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

main().then(endProcess, fail);

async function main(): Promise<ExitCode> {
  if (asksVersion) {
    const { versionText } = await import('./cli/version.ts');
    try {
      writeSync(1, versionText());
    } catch (error) {
      failedToWrite(error as NodeJS.ErrnoException);
    }
    return 0;
  }
  const { runProgram } = await import('./application.ts');
  return runProgram(args, context());
}

function failedToWrite(error: NodeJS.ErrnoException): void {
  // Whoever reads our output has seen enough (`| head`), or there is nobody.
  if (error.code === 'EPIPE' || error.code === 'EBADF') endProcess(0);
  fail(error);
}

function fail(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`tailspool: this should not have happened, please report it:\n${text}\n`);
  endProcess(1);
}

function context(): CommandContext {
  return {
    out,
    err: (text) => void process.stderr.write(text),
    terminal: {
      outIsTerminal: process.stdout.isTTY === true,
      errIsTerminal: process.stderr.isTTY === true,
      columns: process.stdout.columns ?? 80,
      errColors: process.stderr.isTTY === true && (process.env.NO_COLOR ?? '') === '',
    },
    environment: process.env,
    workingDirectory: process.cwd(),
    onSignal: (handle) => {
      signals ??= takeSignals();
      return signals.onSignal(handle);
    },
    openHost: async (log, dataDir) => (await import('./application.ts')).openHost(log, dataDir),
  };
}

function out(data: string | Uint8Array): Promise<void> {
  // A failed write reaches the 'error' listener above, which ends the process.
  return new Promise((resolve) => process.stdout.write(data, () => resolve()));
}
