/** The command line as data, read from the program itself, so that man page and completions cannot drift from it. */
import type { Command as Commander } from 'commander';
import { describeProgram } from '../../agent/cli/program.ts';

export interface CommandFacts {
  /** `spool ls`; '' is the program itself. */
  readonly name: string;
  readonly description: string;
  /** `<folder>` */
  readonly arguments: readonly { readonly term: string; readonly description: string }[];
  readonly options: readonly OptionFacts[];
  readonly commands: readonly CommandFacts[];
}

export interface OptionFacts {
  /** `--config <path...>` */
  readonly flags: string;
  /** `--config` */
  readonly long: string;
  readonly description: string;
  /** It is followed by a value. */
  readonly takesValue: boolean;
  /** The value names a file or folder. */
  readonly takesPath: boolean;
}

/** What is hidden is left out. */
export function commandTree(): CommandFacts {
  return factsOf(describeProgram(), '');
}

function factsOf(command: Commander, name: string): CommandFacts {
  const help = command.createHelp();
  const visible = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  return {
    name,
    description: command.description(),
    arguments: command.registeredArguments.map((one) => ({
      term: help.argumentTerm(one),
      description: one.description,
    })),
    options: help.visibleOptions(command).flatMap(({ flags, long, description, required, optional }) => {
      if (!long || long === '--help') return [];
      const takesValue = required || optional;
      return [{ flags, long, description, takesValue, takesPath: /<(path|file|folder)/.test(flags) }];
    }),
    commands: visible.map((one) => factsOf(one, `${name} ${one.name()}`.trim())),
  };
}

/** The program's commands, the commands below them instead of those that only group. */
export function leaves(tree: CommandFacts): readonly CommandFacts[] {
  return tree.commands.flatMap((one) => (one.commands.length > 0 ? leaves(one) : [one]));
}
