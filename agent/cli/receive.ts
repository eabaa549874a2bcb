/**
 * `tailspool receive`: exactly the configuration that it stands for. The options become a configuration tree whose places are
 * the options' names, and go the same way as a file.
 */
import { resolve } from 'node:path';
import { configurationCode } from '../config/code.ts';
import type { Place } from '../config/problems.ts';
import type { Entry, MapTree, Tree } from '../config/tree.ts';
import { hostFiles } from '../host/files.ts';
import { type Command, type CommandContext, exitCodes, type ReceiveOptions } from './commands.ts';
import { soundOrTold } from './load.ts';
import { runAgent } from './run-agent.ts';

export const receiveCommand: Command<ReceiveOptions> = async (options, context) => {
  const { loadedFrom, checkSecretFiles } = await configurationCode();
  const loaded = soundOrTold(
    loadedFrom(receiveTree(options, context), [], (file) => checkSecretFiles(file, hostFiles)),
    context,
  );
  return loaded === undefined ? exitCodes.usage : runAgent(loaded, context);
};

/** What stands in `docs/configuration.md` as the configuration of `receive`. */
export function receiveTree(options: ReceiveOptions, context: Pick<CommandContext, 'workingDirectory'>): MapTree {
  const path = (option: string, given: string | undefined) => {
    return given === undefined ? undefined : text(option, resolve(context.workingDirectory, given));
  };
  const tls = map('--tls-cert', {
    cert: path('--tls-cert', options.tlsCert),
    key: path('--tls-key', options.tlsKey),
    client_ca: path('--tls-client-ca', options.tlsClientCa),
  });
  const edge = map('--listen', {
    type: text('receive', 'blocks'),
    listen: text('--listen', options.listen),
    token_file: path('--token-file', options.tokenFile),
    tls: tls.entries.size === 0 ? undefined : tls,
    insecure: options.insecure === true ? text('--insecure', 'true') : undefined,
  });
  const out = path('--out', options.out);
  const mirror = map('--out', { type: text('receive', 'mirror'), path: out });
  return map('receive', {
    data_dir: path('--data-dir', options.dataDir),
    collectors: map('receive', { edge }),
    shippers: out === undefined ? undefined : map('--out', { mirror }),
    admin: options.admin === undefined ? undefined : map('--admin', { listen: text('--admin', options.admin) }),
  });
}

function map(option: string, values: Readonly<Record<string, Tree | undefined>>): MapTree {
  const entries = new Map<string, Entry>();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) entries.set(name, { place: value.place, value });
  }
  return { kind: 'map', place: place(option), entries };
}

function text(option: string, value: string): Tree {
  return { kind: 'text', place: place(option), text: value, written: value };
}

function place(option: string): Place {
  return { file: `tailspool receive: ${option}`.replace(/: receive$/, ''), line: 0, column: 0 };
}
