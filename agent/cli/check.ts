/** `tailspool check`: everything that is wrong with a configuration, and what will not work on this host. Changes nothing. */
import { configurationCode } from '../config/code.ts';
import { formatProblems } from '../config/problems.ts';
import { hostAbilities } from '../host/abilities.ts';
import { hostFiles } from '../host/files.ts';
import { type Command, type ConfigOptions, exitCodes } from './commands.ts';

export const checkCommand: Command<ConfigOptions> = async (options, context) => {
  const { loadConfiguration } = await configurationCode();
  const loaded = loadConfiguration(hostFiles, options.config, context.environment, {
    folders: true,
    abilities: hostAbilities,
  });
  const problems = loaded.kind === 'ok' ? loaded.warnings : loaded.problems;
  context.err(formatProblems(problems));
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  const counted = [counts(errors, 'error'), counts(warnings, 'warning')].filter((text) => text !== '').join(', ');
  if (loaded.kind === 'bad') {
    context.err(`${counted}\n`);
    return exitCodes.usage;
  }
  const { collectors, shippers } = loaded.configuration;
  const what = `${counts(collectors.length, 'collector')}, ${counts(shippers.length, 'shipper') || 'no shipper'}`;
  await context.out(`The configuration is sound: ${what}.${counted === '' ? '' : ` ${counted}.`}\n`);
  return exitCodes.ok;
};

function counts(count: number, what: string): string {
  return count === 0 ? '' : `${count} ${what}${count === 1 ? '' : 's'}`;
}
