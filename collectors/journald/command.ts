/** How journalctl is called. Pure. */
import type { JournaldOptions } from './options.ts';

/**
 * Everything from the entry with this cursor on, and what comes. The entry itself comes first, so it is known whether the journal
 * still has it. `--follow` alone passes over all boots but the one that runs; with `--merge` it does not. `--after-cursor` does not tell, and passes over one entry more where it is gone (systemd 252). Without `--no-tail`
 * only the last ten of what waits would come.
 */
export function followArguments(options: JournaldOptions, cursor: string | undefined): string[] {
  const from = cursor === undefined ? [] : [`--cursor=${cursor}`];
  return ['--output=export', '--all', '--follow', '--no-tail', '--merge', ...from, ...selection(options)];
}

/** The newest entry alone. */
export function newestArguments(options: JournaldOptions): string[] {
  return ['--output=export', '--all', '--lines=1', ...selection(options)];
}

/** True where entries are left out on purpose, so that numbers missing between two say nothing. */
export function isFiltered({ units, identifiers, priority, matches }: JournaldOptions): boolean {
  return units.length + identifiers.length + matches.length > 0 || priority !== undefined;
}

function selection(options: JournaldOptions): string[] {
  const { namespace, directory, units, identifiers, priority, matches } = options;
  return [
    ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
    ...(directory === undefined ? [] : [`--directory=${directory}`]),
    ...units.map((unit) => `--unit=${unit}`),
    ...identifiers.map((identifier) => `--identifier=${identifier}`),
    ...(priority === undefined ? [] : [`--priority=${priority}`]),
    ...matches,
  ];
}
