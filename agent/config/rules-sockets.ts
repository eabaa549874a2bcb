/** What has to fit together in the collectors of plain sockets. Pure. */
import type { Finding, KeyPath } from './findings.ts';
import { error, warning } from './rule-findings.ts';
import { isLoopback } from './rules-destination.ts';
import { checkLines } from './rules-lines.ts';
import type { ConfigurationFile } from './schema.ts';
import { formatSize } from './units.ts';

type CollectorFile = ConfigurationFile['collectors'][string];
export type SocketFile = Extract<CollectorFile, { type: 'tcp' | 'unix' | 'udp' | 'unixgram' }>;

/** What connections may take together before it is worth a word. */
const memoryBytesMax = 256 * 1024 * 1024;

export function checkSocket(path: KeyPath, one: SocketFile): Finding[] {
  const streamed = 'framing' in one ? [...checkStream(path, one), ...checkGroups(path, one)] : [];
  return [...checkReach(path, one), ...checkDevLog(path, one), ...streamed];
}

function checkGroups(path: KeyPath, one: Extract<SocketFile, { framing: unknown }>): Finding[] {
  if (one.multiline === undefined) return [];
  const wrong = checkLines(path, { multiline: one.multiline, max_line: one.max_message });
  if (one.format === 'json') return wrong;
  const hint = 'leave `format` out, or `multiline`';
  return [
    ...wrong,
    error([...path, 'multiline'], '`multiline` makes records of several lines, and `format: text` lines', hint),
  ];
}

function checkReach(path: KeyPath, one: SocketFile): Finding[] {
  if (!('listen' in one) || isLoopback(one.listen.host)) return [];
  if (one.type === 'tcp' && one.tls?.client_ca !== undefined) return [];
  const message = 'anybody who reaches this address can write records, and read on the way what others send';
  const known = one.type === 'tcp' ? 'give `tls` with a `client_ca`, ' : '';
  return [
    warning([...path, 'listen'], message, `${known}listen on 127.0.0.1, or see to it that the network is trusted`),
  ];
}

function checkDevLog(path: KeyPath, one: SocketFile): Finding[] {
  if (!('path' in one) || one.path !== '/dev/log' || (one.mode & 0o002) !== 0) return [];
  return [warning([...path, 'mode'], 'most programs may not write to `/dev/log` then', 'write `mode: "0666"`')];
}

function checkStream(path: KeyPath, one: Extract<SocketFile, { framing: string }>): Finding[] {
  const findings: Finding[] = [];
  if (one.format === 'text' && one.framing !== 'newline') {
    const hint = 'take `format: json`, or `framing: newline`';
    findings.push(error([...path, 'format'], '`text` has lines only: these records may hold line feeds', hint));
  }
  const bytes = one.max_message * one.connections_max;
  if (bytes > memoryBytesMax) {
    const message = `${one.connections_max} connections may take ${formatSize(one.max_message)} of memory each`;
    findings.push(warning([...path, 'max_message'], message, 'take a smaller `max_message` or `connections_max`'));
  }
  return findings;
}
