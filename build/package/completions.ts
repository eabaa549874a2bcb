/** Completion for bash, zsh and fish: commands, options, and files where one is meant. */
import { type CommandFacts, commandTree } from './command-tree.ts';

export interface Completions {
  readonly bash: string;
  readonly zsh: string;
  readonly fish: string;
}

export function completions(tree: CommandFacts = commandTree()): Completions {
  const all = flatten(tree);
  return { bash: bash(all), zsh: zsh(all), fish: fish(all) };
}

/** Each command by its whole name, groups too. */
function flatten(tree: CommandFacts): readonly CommandFacts[] {
  return [tree, ...tree.commands.flatMap(flatten)];
}

function words({ commands, options }: CommandFacts): string {
  return [...commands.map(({ name }) => name.split(' ').at(-1)!), ...options.map(({ long }) => long)].join(' ');
}

function bash(all: readonly CommandFacts[]): string {
  const cases = all.map((one) => `    '${one.name}') words='${words(one)}' ;;`).join('\n');
  const groups = all.filter(({ commands }) => commands.length > 0).map(({ name }) => `'${name}'`);
  const paths = [...new Set(all.flatMap(({ options }) => options.filter(({ takesPath }) => takesPath)))];
  const pathOptions = [...new Set(paths.map(({ long }) => long))].join('|');
  return `# bash completion for tailspool
_tailspool() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command='' words='' word
  case $before in ${pathOptions}) compopt -o filenames; COMPREPLY=($(compgen -f -- "$current")); return ;; esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $command in ${groups.join('|')}) [[ $word == -* ]] || command="\${command:+$command }$word" ;; esac
  done
  case $command in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ \${#COMPREPLY[@]} -eq 0 && $current != -* ]]; then compopt -o filenames; COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -F _tailspool tailspool
`;
}

function zsh(all: readonly CommandFacts[]): string {
  const quote = (text: string) => text.replaceAll("'", "'\\''").replaceAll(':', '\\:').replaceAll(/[[\]]/g, '');
  const groups = all.filter(({ commands }) => commands.length > 0);
  const listed = (one: CommandFacts) => {
    return one.commands.map(({ name, description }) => `'${name.split(' ').at(-1)}:${quote(description)}'`).join(' ');
  };
  const described = groups.map((one) => `    '${one.name}') list=(${listed(one)}); _describe command list ;;`);
  const cases = all.flatMap((one) => {
    if (one.commands.length > 0) return [];
    const options = one.options.map(({ long, description, takesValue, takesPath }) => {
      const value = takesPath ? ':path:_files' : takesValue ? ':value: ' : '';
      return `'${long}[${quote(description)}]${value}'`;
    });
    return [`    '${one.name}') _arguments -s ${[...options, "'*:file:_files'"].join(' ')} ;;`];
  });
  return `#compdef tailspool
local command='' word list
for word in "\${(@)words[2,CURRENT-1]}"; do
  case $command in ${groups.map(({ name }) => `'${name}'`).join('|')}) [[ $word == -* ]] || command="\${command:+$command }$word" ;; esac
done
case $command in
${[...described, ...cases].join('\n')}
esac
`;
}

function fish(all: readonly CommandFacts[]): string {
  const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = all.flatMap((one) => {
    const seen = one.name.split(' ').filter((word) => word !== '');
    const below = one.commands.map(({ name }) => name.split(' ').at(-1)!);
    const conditions = seen.map((word) => `__fish_seen_subcommand_from ${word}`);
    if (below.length > 0) conditions.push(`not __fish_seen_subcommand_from ${below.join(' ')}`);
    const when = `complete -c tailspool -n ${quote(conditions.join('; and ') || 'true')}`;
    return [
      ...one.commands.map(({ description }, index) => `${when} -f -a ${below[index]} -d ${quote(description)}`),
      ...one.options.map(({ long, description, takesValue, takesPath }) => {
        const value = takesPath ? ' -r -F' : takesValue ? ' -x' : ' -f';
        return `${when} -l ${long.slice(2)}${value} -d ${quote(description)}`;
      }),
    ];
  });
  return `# fish completion for tailspool\n${lines.join('\n')}\n`;
}
