/** What has to fit together in a syslog collector. Pure. */
import type { Finding, KeyPath } from './findings.ts';
import { error, warning } from './rule-findings.ts';
import { isLoopback } from './rules-destination.ts';
import type { ConfigurationFile } from './schema.ts';

type SyslogFile = Extract<ConfigurationFile['collectors'][string], { type: 'syslog' }>;
type Listen = SyslogFile['listen'];

export function checkSyslog(path: KeyPath, { listen, tls, socket_mode }: SyslogFile): Finding[] {
  const at = [...path, 'listen'];
  if (Object.values(listen).every((each) => each === undefined)) {
    return [error(at, 'it listens nowhere', 'name one of `udp`, `tcp`, `tls`, `unix`, `unixgram`')];
  }
  if (listen.tls !== undefined && tls === undefined) {
    return [error([...at, 'tls'], 'TLS needs a certificate', 'give `tls: { cert: …, key: … }` beside `listen`')];
  }
  if (listen.tls === undefined && tls !== undefined) {
    return [error([...path, 'tls'], 'nothing listens with TLS', 'name an address at `listen.tls`, or take this out')];
  }
  if (listen.unix !== undefined && listen.unix === listen.unixgram) {
    return [error([...at, 'unixgram'], 'the two sockets have the same path', 'give each a path of its own')];
  }
  return [...checkReach(at, listen), ...checkDevLog(path, listen, socket_mode)];
}

function checkReach(path: KeyPath, { udp, tcp }: Listen): Finding[] {
  return Object.entries({ udp, tcp }).flatMap(([key, address]) => {
    if (address === undefined || isLoopback(address.host)) return [];
    const message = 'anybody who reaches this address can write records, and read on the way what others send';
    return [warning([...path, key], message, 'listen on 127.0.0.1, or see to it that the network is trusted')];
  });
}

function checkDevLog(path: KeyPath, { unixgram, unix }: Listen, mode: number): Finding[] {
  if ((unixgram !== '/dev/log' && unix !== '/dev/log') || (mode & 0o002) !== 0) return [];
  const hint = 'write `socket_mode: "0666"`';
  return [warning([...path, 'socket_mode'], 'most programs may not write to `/dev/log` then', hint)];
}
