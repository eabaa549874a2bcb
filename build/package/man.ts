/** The man page: commands and options from the program itself, the rest as a service's user needs it. */
import { type CommandFacts, commandTree, leaves } from './command-tree.ts';

/** In man(7)'s roff. */
export function manPage(version: string, tree: CommandFacts = commandTree()): string {
  return [
    `.TH TAILSPOOL 1 "" "Tailspool ${roff(version)}"`,
    section('NAME', 'tailspool \\- log agent with a crash-safe spool on disk'),
    section('SYNOPSIS', ...leaves(tree).flatMap((one) => ['.br', `.B tailspool ${roff(usage(one))}`])),
    section('DESCRIPTION', ...description.map((text) => `.PP\n${roff(text)}`)),
    section('COMMANDS', ...leaves(tree).map(commandText)),
    section('EXIT STATUS', ...terms(exits)),
    section('SIGNALS', ...terms(signals)),
    section('FILES', ...terms(files)),
    section('ENVIRONMENT', ...terms(environment)),
    section('EXAMPLES', ...terms(examples)),
    '',
  ].join('\n');
}

const description = [
  'Tails files into a spool of ordinary zstd files on the local disk and ships it over HTTP, each line exactly once: a kill, a power cut or a lost reply neither loses nor repeats one. The receiving side is the same program.',
  'As installed by its package it keeps what is written to /var/log in a ring of 1 GiB and sends nothing; /etc/tailspool/tailspool.yaml says how to change that.',
];

const exits = {
  '0': 'all went well',
  '1': 'failed while running; `spool verify` found damage; `status` is red',
  '2': 'the command line or the configuration is wrong; nothing was started or changed',
  '3': 'data_dir is held by another process, or was written by a newer version',
};

const signals = {
  'SIGTERM, SIGINT': 'stop within 5 seconds; loses nothing',
  SIGHUP: 'says that reloading the configuration comes later, and goes on',
};

const files = {
  '/etc/tailspool/tailspool.yaml': 'the configuration',
  '/var/lib/tailspool': 'data_dir: spool, cursors, what was damaged, the control socket (admin.sock)',
  '/usr/share/doc/tailspool/configuration.md': 'every key of the configuration',
};

const environment = {
  NO_COLOR: 'no colours on a terminal',
  'NOTIFY_SOCKET, WATCHDOG_USEC': 'set by systemd; see sd_notify(3)',
  NODE_OPTIONS: 'is ignored',
};

const examples = {
  'tailspool check --config /etc/tailspool/tailspool.yaml': 'every mistake at once, with line and column',
  'tailspool status': 'what runs, what waits, what is wrong',
  'zstdcat /var/lib/tailspool/spool/*.zst | grep ERROR': 'the records of the spool, with tools that any host has',
};

function section(name: string, ...lines: readonly string[]): string {
  return [`.SH ${name}`, ...lines].join('\n');
}

function terms(all: Readonly<Record<string, string>>): string[] {
  return Object.entries(all).map(([term, text]) => `.TP\n.B ${roff(term)}\n${roff(text)}`);
}

function usage({ name, arguments: taken, options }: CommandFacts): string {
  return [name, ...(options.length > 0 ? ['[options]'] : []), ...taken.map(({ term }) => term)].join(' ');
}

function commandText(one: CommandFacts): string {
  const options = one.options.map(({ flags, description }) => `.TP\n.B ${roff(flags)}\n${roff(description)}`);
  return [`.SS ${roff(usage(one))}`, roff(one.description), ...options].join('\n');
}

/** A dot or quote at a line's start would be a request; a minus has to be copied as one. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^(?=[.'])/gm, '\\&');
}
