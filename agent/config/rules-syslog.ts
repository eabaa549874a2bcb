/** What has to fit together in a syslog collector. Pure. */
import type { Finding, KeyPath } from './findings.ts';
import { error, warning } from './rule-findings.ts';
import { checkListeners, checkReach } from './rules-listen.ts';
import type { ConfigurationFile } from './schema.ts';

type SyslogFile = Extract<ConfigurationFile['collectors'][string], { type: 'syslog' }>;
type Listen = SyslogFile['listen'];

export function checkSyslog(path: KeyPath, syslog: SyslogFile): Finding[] {
  const { listen, socket_mode } = syslog;
  const wrong = checkListeners(path, syslog, '`udp`, `tcp`, `tls`, `unix`, `unixgram`');
  if (wrong.length > 0) return wrong;
  if (listen.unix !== undefined && listen.unix === listen.unixgram) {
    const at = [...path, 'listen', 'unixgram'];
    return [error(at, 'the two sockets have the same path', 'give each a path of its own')];
  }
  return [...checkReach(path, syslog), ...checkDevLog(path, listen, socket_mode)];
}

function checkDevLog(path: KeyPath, { unixgram, unix }: Listen, mode: number): Finding[] {
  if ((unixgram !== '/dev/log' && unix !== '/dev/log') || (mode & 0o002) !== 0) return [];
  const hint = 'write `socket_mode: "0666"`';
  return [warning([...path, 'socket_mode'], 'most programs may not write to `/dev/log` then', hint)];
}
