/** What a sound configuration needs of this host and does not find there. Pure: what the host has is told by `Abilities`. Warnings: it may come. */
import type { Abilities } from '../ports.ts';
import type { Finding, KeyPath } from './findings.ts';
import { warning } from './rule-findings.ts';
import type { ConfigurationFile } from './schema.ts';

type Collector = ConfigurationFile['collectors'][string];

interface Listens {
  readonly path: KeyPath;
  readonly way: 'stream' | 'udp' | 'unixgram';
  readonly port: number | undefined;
}

export function checkAbilities(file: ConfigurationFile, abilities: Abilities): Finding[] {
  const collectors = Object.entries(file.collectors);
  const listening = collectors.flatMap(([name, one]) => listensOf(['collectors', name], one));
  const admin = file.admin.listen && addressed(['admin', 'listen'], 'stream', file.admin.listen);
  return [
    ...collectors.flatMap(([name, one]) => checkPrograms(['collectors', name], one, abilities)),
    ...checkDatagrams(listening, file.data_dir, abilities),
    ...checkPorts(admin ? [...listening, admin] : listening, abilities),
  ];
}

function checkPrograms(path: KeyPath, one: Collector, abilities: Abilities): Finding[] {
  const [key, program] = programOf(one);
  const why = program === undefined ? undefined : abilities.programMissing(program);
  if (why === undefined) return [];
  const hint = one.type === 'journald' ? 'it comes with systemd; nothing is collected without it' : undefined;
  return [warning([...path, ...key], `\`${program}\` cannot be started: ${why}`, hint)];
}

function programOf(one: Collector): [KeyPath, string | undefined] {
  if (one.type === 'journald') return [['journalctl'], one.journalctl];
  if (one.type === 'exec') return [['command', 0], one.command?.[0]];
  return [[], undefined];
}

function checkDatagrams(listening: readonly Listens[], dataDir: string, abilities: Abilities): Finding[] {
  const datagrams = listening.filter(({ way }) => way !== 'stream');
  const why = datagrams.length > 0 ? abilities.datagramsMissing(dataDir) : undefined;
  if (why === undefined) return [];
  const hint =
    'let one of /dev/shm, /tmp, /var/tmp, /run or the data_dir be mounted without noexec; from the sources, run `npm run native`';
  return datagrams.map(({ path, way }) => {
    const costs =
      way === 'udp'
        ? 'datagrams are received through Node’s sockets, which costs more'
        : 'there are no unix datagram sockets without it';
    return warning(path, `the native part cannot be loaded (${why}): ${costs}`, hint);
  });
}

function checkPorts(listening: readonly Listens[], abilities: Abilities): Finding[] {
  const first = abilities.unprivilegedPort();
  return listening.flatMap(({ path, port }) => {
    if (port === undefined || port === 0 || port >= first) return [];
    const message = `port ${port} cannot be bound by this user: ports below ${first} need CAP_NET_BIND_SERVICE`;
    return [warning(path, message, 'docs/install.md has the systemd drop-in; or take a higher port')];
  });
}

/** Where a collector listens, whatever its keys are called. */
function listensOf(path: KeyPath, one: Collector): Listens[] {
  const way = one.type === 'udp' || one.type === 'unixgram' ? one.type : 'stream';
  if (one.type === 'unixgram') return [{ path: [...path, 'path'], way, port: undefined }];
  if (!('listen' in one)) return [];
  const at = [...path, 'listen'];
  if ('port' in one.listen) return [addressed(at, way, one.listen)];
  return Object.entries(one.listen).flatMap(([key, where]) => {
    if (where === undefined) return [];
    const each = key === 'udp' || key === 'unixgram' ? key : 'stream';
    return typeof where === 'object' && 'port' in where
      ? [addressed([...at, key], each, where)]
      : [{ path: [...at, key], way: each, port: undefined }];
  });
}

function addressed(path: KeyPath, way: Listens['way'], { port }: { readonly port: number }): Listens {
  return { path, way, port };
}
