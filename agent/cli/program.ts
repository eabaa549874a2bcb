/**
 * The command line: reads the arguments, says what is wrong with them, and calls the command. What the commands do stands in
 * their own modules, which are loaded only when they are called.
 */
import { isAbsolute, resolve } from 'node:path';
import { Command as Commander, CommanderError, Option } from 'commander';
import {
  type Command,
  type CommandContext,
  type ConfigOptions,
  type ExitCode,
  exitCodes,
  type ReceiveOptions,
} from './commands.ts';

/** Words that will mean something, so that nobody builds on their being free. */
export const reservedWords = [
  'init',
  'install',
  'uninstall',
  'selftest',
  'test',
  'pipe',
  'grep',
  'why',
  'top',
  'tap',
  'replay',
  'audit',
  'dead',
  'schema',
  'reload',
] as const;

/** `args` without the program itself. Never throws for what stands in them. */
export async function runProgram(args: readonly string[], context: CommandContext): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok;
  const pending: string[] = [];
  const program = describe(context, pending, (ended) => {
    code = ended;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    code = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  }
  for (const text of pending) await context.out(text);
  return code;
}

type End = (code: ExitCode) => void;

function describe(context: CommandContext, pending: string[], end: End): Commander {
  const program = new Commander('tailspool')
    .description('Tails files into a crash-safe spool on disk and ships it, each record exactly once.')
    .usage('<command> [options]')
    .helpCommand('help [command]', 'what a command does')
    .exitOverride()
    .configureOutput({ writeOut: (text) => pending.push(text), writeErr: (text) => context.err(text) })
    .showHelpAfterError('(see `tailspool help`)')
    .addHelpText('after', '\nExit codes: 0 ok, 1 failed while running, 2 usage or configuration, 3 data_dir is held.');
  addAgentCommands(program, context, end);
  addStatus(program, context, end);
  addSpool(program, context, end);
  program
    .command('version')
    .description('which build this is, and its codec')
    .action(() => {
      return call(
        import('./version.ts').then((module) => module.versionCommand),
        {},
        context,
        end,
      );
    });
  for (const word of reservedWords) addReserved(program, word, context, end);
  return program;
}

function addAgentCommands(program: Commander, context: CommandContext, end: End): void {
  const config = () =>
    new Option('--config <path...>', 'a file, or a folder of *.yaml; several are merged').makeOptionMandatory();
  program
    .command('run')
    .description('the agent; runs until SIGTERM or SIGINT')
    .addOption(config())
    .action((options: ConfigOptions) =>
      call(
        import('./run.ts').then((module) => module.runCommand),
        options,
        context,
        end,
      ),
    );
  program
    .command('check')
    .description('says everything that is wrong with a configuration; changes nothing')
    .addOption(config())
    .action((options: ConfigOptions) =>
      call(
        import('./check.ts').then((module) => module.checkCommand),
        options,
        context,
        end,
      ),
    );
  program
    .command('receive')
    .description('the aggregator with defaults: takes what agents ship, and with --out writes it to files again')
    .requiredOption('--listen <host:port>', 'where to listen')
    .requiredOption('--data-dir <folder>', 'for the spool')
    .option('--out <folder>', 'write the files again below this folder')
    .option('--token-file <file>', 'the bearer token that agents must show')
    .option('--tls-cert <file>', 'certificate chain, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--tls-client-ca <file>', 'agents must show a certificate of this authority')
    .option('--admin <host:port>', 'serve metrics and health there')
    .option('--insecure', 'listen beyond loopback even without token and TLS')
    .action((options: ReceiveOptions) =>
      call(
        import('./receive.ts').then((module) => module.receiveCommand),
        options,
        context,
        end,
      ),
    );
}

function addStatus(program: Commander, context: CommandContext, end: End): void {
  program
    .command('status')
    .description('what an agent does and what troubles it; exit 1 when it is red')
    .option('--config <path...>', 'the configuration that the agent runs with')
    .addOption(new Option('--data-dir <folder>', 'its data_dir').conflicts('config'))
    .option('--json', 'as JSON', false)
    .action(async (options: { config?: string[]; dataDir?: string; json: boolean }) => {
      const { findDataDir } = await import('./data-dir.ts');
      const dataDir = await findDataDir(options, context);
      if (dataDir === undefined) return end(exitCodes.usage);
      return call(
        import('./status.ts').then((module) => module.statusCommand),
        { dataDir, json: options.json },
        context,
        end,
      );
    });
}

function addSpool(program: Commander, context: CommandContext, end: End): void {
  const spool = program.command('spool').description('look into a spool, running or not: ls, cat, verify');
  const directory = (given: string) => ({ directory: absolute(given, context) });
  spool
    .command('ls')
    .argument('<folder>', 'a data_dir, or its spool folder')
    .description('segments, blocks, cursors')
    .action((given: string) =>
      call(
        import('./spool-list.ts').then((module) => module.spoolListCommand),
        directory(given),
        context,
        end,
      ),
    );
  spool
    .command('cat')
    .argument('<folder>', 'a data_dir, or its spool folder')
    .description('the records, as text')
    .action((given: string) =>
      call(
        import('./spool-cat.ts').then((module) => module.spoolCatCommand),
        directory(given),
        context,
        end,
      ),
    );
  spool
    .command('verify')
    .argument('<folder>', 'a data_dir, or its spool folder')
    .description('checks every byte; exit 1 when something is damaged')
    .action((given: string) =>
      call(
        import('./spool-verify.ts').then((module) => module.spoolVerifyCommand),
        directory(given),
        context,
        end,
      ),
    );
}

function addReserved(program: Commander, word: string, context: CommandContext, end: End): void {
  program
    .command(word, { hidden: true })
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .argument('[anything...]')
    .action(() => {
      context.err(`tailspool: \`${word}\` comes later; it is not there yet\n`);
      end(exitCodes.usage);
    });
}

async function call<T>(command: Promise<Command<T>>, options: T, context: CommandContext, end: End): Promise<void> {
  end(await (await command)(options, context));
}

function absolute(path: string, { workingDirectory }: CommandContext): string {
  return isAbsolute(path) ? resolve(path) : resolve(workingDirectory, path);
}
