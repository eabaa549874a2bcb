/** What each command of the command line takes: names, options, and which of them are required. */
import { resolve } from 'node:path';
import { type Command as Commander, Option } from 'commander';
import {
  type CommandContext,
  type ConfigOptions,
  type DeadListOptions,
  type ExitCode,
  exitCodes,
  type ReceiveOptions,
  type SpoolCatOptions,
  type SpoolOptions,
} from './commands.ts';

export interface Line {
  readonly context: CommandContext;
  /** Says how the command ended. */
  end(code: ExitCode): void;
}

/** Words that will mean something, so that nobody builds on their being free. */
const reservedWords = [
  ...['init', 'install', 'uninstall', 'test', 'pipe', 'grep', 'why', 'top', 'tap', 'replay', 'audit'],
  'reload',
];

export function addRun(program: Commander, { context, end }: Line): void {
  program
    .command('run')
    .description('the agent; runs until SIGTERM or SIGINT')
    .addOption(configOption())
    .action(async (options: ConfigOptions, command: Commander) => {
      need(command, ['config']);
      const { runCommand } = await import('./run.ts');
      end(await runCommand(options, context));
    });
}

export function addReceive(program: Commander, { context, end }: Line): void {
  program
    .command('receive')
    .description('the aggregator with defaults: takes what agents ship, and with --out writes it to files again')
    .option('--listen <host:port>', 'where to listen (required)')
    .option('--data-dir <folder>', 'for the spool (required)')
    .option('--out <folder>', 'write the files again below this folder')
    .option('--token-file <file>', 'the bearer token that agents must show')
    .option('--tls-cert <file>', 'certificate chain, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--tls-client-ca <file>', 'agents must show a certificate of this authority')
    .option('--admin <host:port>', 'serve metrics and health there')
    .option('--insecure', 'listen beyond loopback even without token and TLS')
    .action(async (options: ReceiveOptions, command: Commander) => {
      need(command, ['listen', 'dataDir']);
      const { receiveCommand } = await import('./receive.ts');
      end(await receiveCommand(options, context));
    });
}

export function addCheck(program: Commander, { context, end }: Line): void {
  program
    .command('check')
    .description('says everything that is wrong with a configuration; changes nothing')
    .addOption(configOption())
    .action(async (options: ConfigOptions, command: Commander) => {
      need(command, ['config']);
      const { checkCommand } = await import('./check.ts');
      end(await checkCommand(options, context));
    });
}

export function addStatus(program: Commander, { context, end }: Line): void {
  program
    .command('status')
    .description('what an agent does and what troubles it; exit 1 when it is red')
    .option('--config <path...>', 'the configuration that the agent runs with')
    .addOption(new Option('--data-dir <folder>', 'its data_dir').conflicts('config'))
    .option('--json', 'as JSON', false)
    .action(async (options: { config?: string[]; dataDir?: string; json: boolean }) => {
      const [{ findDataDir }, { statusCommand }] = await Promise.all([import('./data-dir.ts'), import('./status.ts')]);
      const dataDir = await findDataDir(options, context);
      end(dataDir === undefined ? exitCodes.usage : await statusCommand({ dataDir, json: options.json }, context));
    });
}

export function addSpool(program: Commander, { context, end }: Line): void {
  const spool = program.command('spool').description('look into a spool, running or not: ls, cat, verify');
  const looking = (name: string, description: string) =>
    spool.command(name).description(description).argument('<folder>', 'a data_dir, or its spool folder');
  const directory = (folder: string): SpoolOptions => ({ directory: resolve(context.workingDirectory, folder) });
  looking('ls', 'segments, sources, cursors')
    .option('--json', 'as JSON', false)
    .action(async (folder: string, options: { json: boolean }) => {
      const { spoolListCommand } = await import('./spool-list.ts');
      end(await spoolListCommand({ ...directory(folder), ...options }, context));
    });
  looking('cat', 'the records, byte for byte')
    .option('--path <path>', 'only of the file that had this path (log.file.path)')
    .option('--source <number>', 'only of the source with this number, see `ls`')
    .option('--origin <id>', 'only what came from the spool whose id begins so, see `ls`')
    .action(async (folder: string, options: Omit<SpoolCatOptions, 'directory'>) => {
      const { spoolCatCommand } = await import('./spool-cat.ts');
      end(await spoolCatCommand({ ...directory(folder), ...options }, context));
    });
  looking('verify', 'checks every byte; exit 1 when something is damaged').action(async (folder: string) => {
    const { spoolVerifyCommand } = await import('./spool-verify.ts');
    end(await spoolVerifyCommand(directory(folder), context));
  });
}

interface DeadGiven {
  readonly config?: string[];
  readonly dataDir?: string;
  readonly shipper?: string;
  readonly json?: boolean;
}

export function addDead(program: Commander, { context, end }: Line): void {
  const dead = program.command('dead').description('records that an endpoint refused for good: ls, cat, retry, drop');
  const add = (name: string, description: string) =>
    dead
      .command(name)
      .description(description)
      .option('--config <path...>', 'the configuration that the agent runs with')
      .addOption(new Option('--data-dir <folder>', 'its data_dir').conflicts('config'))
      .option('--shipper <name>', 'only of this shipper');
  const run = async (given: DeadGiven, call: (options: DeadListOptions) => Promise<ExitCode>) => {
    const { findDataDir } = await import('./data-dir.ts');
    const dataDir = await findDataDir(given, context);
    const { shipper, json = false } = given;
    end(dataDir === undefined ? exitCodes.usage : await call({ dataDir, json, ...(shipper && { shipper }) }));
  };
  const commands = () => import('./dead.ts');
  add('ls', 'how many, how old, and why they were refused')
    .option('--json', 'as JSON', false)
    .action(async (given: DeadGiven) => run(given, async (o) => (await commands()).deadListCommand(o, context)));
  add('cat', 'the letters, one JSON object a line').action(async (given: DeadGiven) =>
    run(given, async (options) => (await commands()).deadCatCommand(options, context)),
  );
  add('retry', 'has the running agent send them again; exit 1 when some are left').action(async (given: DeadGiven) =>
    run(given, async (options) => (await commands()).deadRetryCommand(options, context)),
  );
  add('drop', 'has the running agent give them up, counted (--shipper is required)').action(
    async (given: DeadGiven, command: Commander) => {
      need(command, ['shipper']);
      await run(given, async (options) => (await commands()).deadDropCommand(options, context));
    },
  );
}

export function addSchema(program: Commander, { context, end }: Line): void {
  program
    .command('schema')
    .description('the JSON Schema of the configuration, for editors')
    .action(async () => {
      const { schemaCommand } = await import('./schema.ts');
      end(await schemaCommand({}, context));
    });
}

export function addVersion(program: Commander, { context, end }: Line): void {
  program
    .command('version')
    .description('which build this is, and its codec')
    .action(async () => {
      const { versionCommand } = await import('./version.ts');
      end(await versionCommand({}, context));
    });
}

export function addSelftest(program: Commander, { context, end }: Line): void {
  program
    .command('selftest')
    .description('tries each part that is built in on this host; exit 1 where one cannot be used')
    .action(async () => {
      const { selftestCommand } = await import('./selftest.ts');
      end(await selftestCommand({}, context));
    });
}

export function addReserved(program: Commander, { context, end }: Line): void {
  for (const word of reservedWords) {
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
}

function configOption(): Option {
  return new Option('--config <path...>', 'a file, or a folder of *.yaml; several are merged (required)');
}

/** Ends with a usage error that names all that is missing. Commander's own check would hide an unknown option behind it. */
function need(command: Commander, names: readonly string[]): void {
  const missing = command.options.filter((option) => {
    return names.includes(option.attributeName()) && command.getOptionValue(option.attributeName()) === undefined;
  });
  if (missing.length > 0) command.error(`error: required: ${missing.map(({ flags }) => flags).join(', ')}`);
}
