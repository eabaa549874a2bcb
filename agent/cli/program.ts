/**
 * The command line: reads the arguments, says what is wrong with them, and calls the command. What a command takes stands in
 * `arguments.ts`, what it does in its own module, which is loaded only when it is called.
 */
import { Command as Commander, CommanderError } from 'commander';
import {
  addCheck,
  addDead,
  addReceive,
  addReserved,
  addRun,
  addSchema,
  addSelftest,
  addSpool,
  addStatus,
  addVersion,
} from './arguments.ts';
import { type CommandContext, type ExitCode, exitCodes } from './commands.ts';

/** `args` without the program itself. Never throws for what stands in them. */
export async function runProgram(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  const help: string[] = [];
  let code: ExitCode = exitCodes.ok;
  const program = describe(help, context, (ended) => {
    code = ended;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    code = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  for (const text of help) await context.out(text);
  return code;
}

/** The command line as it is, to be looked at (man page, completions); nothing can be run with it. */
export function describeProgram(): Commander {
  return describe([], {} as CommandContext, () => {});
}

function describe(help: string[], context: CommandContext, end: (code: ExitCode) => void): Commander {
  const program = new Commander('tailspool')
    .description('Tails files into a crash-safe spool on disk and ships it, each record exactly once.')
    .usage('<command> [options]')
    .helpCommand('help [command]', 'what a command does')
    .exitOverride()
    .configureOutput({ writeOut: (text) => help.push(text), writeErr: (text) => context.err(text) })
    .showHelpAfterError('(see `tailspool help`)')
    .addHelpText('after', '\nExit codes: 0 ok, 1 failed while running, 2 usage or configuration, 3 data_dir is held.');
  const all = [
    addRun,
    addReceive,
    addCheck,
    addStatus,
    addSpool,
    addDead,
    addSchema,
    addVersion,
    addSelftest,
    addReserved,
  ];
  for (const add of all) {
    add(program, { context, end });
  }
  return program;
}
