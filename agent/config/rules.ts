/** The rules between several keys, checked on what the schema let through. Pure; all findings at once. */
import type { Finding, KeyPath } from './findings.ts';
import { error, warning } from './rule-findings.ts';
import { checkDestination, isLoopback } from './rules-destination.ts';
import { checkLines } from './rules-lines.ts';
import { checkListeners, checkReach } from './rules-listen.ts';
import { checkSocket } from './rules-sockets.ts';
import { checkSyslog } from './rules-syslog.ts';
import type { ConfigurationFile } from './schema.ts';
import { plainKeyNames } from './schema-plain.ts';
import type { Address } from './types.ts';
import { formatSize } from './units.ts';

type Collectors = ConfigurationFile['collectors'];
type Shippers = ConfigurationFile['shippers'];
type BlocksFile = Extract<Collectors[string], { type: 'blocks' }>;
type ExecFile = Extract<Collectors[string], { type: 'exec' }>;
type WebFile = Extract<Collectors[string], { type: 'http' | 'otlp' }>;
type HttpFile = Extract<Shippers[string], { type: 'http' }>;

/** At least this many segments fit in a spool, so that retention can move in steps. */
export const segmentsMin = 4;

export function checkRules(file: ConfigurationFile): Finding[] {
  return [
    ...checkSpool(file),
    ...checkCollectors(file),
    ...checkShippers(file),
    ...checkFolders(file),
    ...checkPorts(file),
    ...checkAdmin(file),
  ];
}

function checkSpool({ spool, collectors }: ConfigurationFile): Finding[] {
  const { max_size: max, segment_size: segment } = spool;
  const findings: Finding[] = [];
  if (max !== undefined && segment !== undefined && segment * segmentsMin > max) {
    const fits = formatSize(Math.floor(max / segmentsMin));
    findings.push(
      error(
        ['spool', 'segment_size'],
        `\`segment_size\` must fit ${segmentsMin} times into \`max_size\``,
        `at most ${fits}`,
      ),
    );
  }
  if (max !== undefined && spool.retain_acked > max / 2) {
    const hint = `at most ${formatSize(Math.floor(max / 2))}, so that new records have room`;
    findings.push(error(['spool', 'retain_acked'], '`retain_acked` takes more than half of `max_size`', hint));
  }
  for (const [name, collector] of Object.entries(collectors)) {
    if (!('max_line' in collector) || max === undefined || collector.max_line * segmentsMin <= max) continue;
    const hint = `at most ${formatSize(Math.floor(max / segmentsMin))}, or a larger \`spool.max_size\``;
    findings.push(error(['collectors', name, 'max_line'], '`max_line` is too large for so small a spool', hint));
  }
  return findings;
}

function checkCollectors({ collectors }: ConfigurationFile): Finding[] {
  const names = Object.keys(collectors);
  if (names.length === 0) {
    return [error(['collectors'], 'there is no collector', 'name at least one below `collectors`')];
  }
  const each = Object.entries(collectors).flatMap(([name, collector]) => {
    switch (collector.type) {
      case 'blocks':
        return checkReceiver(['collectors', name], collector);
      case 'http':
      case 'otlp':
        return checkWeb(['collectors', name], collector);
      case 'exec':
        return [...checkExec(['collectors', name], collector), ...checkLines(['collectors', name], collector)];
      case 'stdin':
      case 'file':
      case 'containers':
        return checkLines(['collectors', name], collector);
      case 'tcp':
      case 'unix':
      case 'udp':
      case 'unixgram':
        return checkSocket(['collectors', name], collector);
      case 'syslog':
        return checkSyslog(['collectors', name], collector);
      case 'gelf': {
        const wrong = checkListeners(['collectors', name], collector, '`udp`, `tcp`, `tls`');
        return wrong.length > 0 ? wrong : checkReach(['collectors', name], collector);
      }
      default:
        return [];
    }
  });
  return [...each, ...checkStdin(collectors)];
}

function checkReceiver(path: KeyPath, blocks: BlocksFile): Finding[] {
  const lacks = [blocks.token_file === undefined ? '`token_file`' : '', blocks.tls === undefined ? '`tls`' : ''];
  return checkBeyondLoopback(path, blocks, lacks);
}

function checkExec(path: KeyPath, exec: ExecFile): Finding[] {
  if ((exec.command === undefined) === (exec.shell === undefined))
    return [error(path, 'exactly one of `command` and `shell` says what to run', 'give one of them')];
  const slow = exec.run === 'every' && exec.timeout !== undefined && exec.timeout > exec.interval;
  return slow
    ? [warning([...path, 'timeout'], 'a run may take longer than `interval`: then the next one is left out')]
    : [];
}

/** There is one standard input. */
function checkStdin(collectors: Collectors): Finding[] {
  const readers = Object.entries(collectors).filter(([, { type }]) => type === 'stdin');
  return readers
    .slice(1)
    .map(([name]) =>
      error(['collectors', name], `standard input is read by \`${readers[0]![0]}\` already`, 'take one out'),
    );
}

function checkWeb(path: KeyPath, web: WebFile): Finding[] {
  const known = web.token_file !== undefined || web.basic !== undefined || web.tls?.client_ca !== undefined;
  const lacks = [known ? '' : '`token_file`, `basic` or `tls.client_ca`', web.tls === undefined ? '`tls`' : ''];
  const findings = checkBeyondLoopback(path, web, lacks);
  if (web.memory_max >= web.body_max * 4) return findings;
  const hint = `at least ${formatSize(web.body_max * 4)}, or a smaller \`body_max\``;
  return [
    ...findings,
    error([...path, 'memory_max'], 'half of it, which one client may take, does not hold two bodies', hint),
  ];
}

function checkBeyondLoopback(path: KeyPath, one: BlocksFile | WebFile, lacks: readonly string[]): Finding[] {
  if (isLoopback(one.listen.host) || one.insecure) return [];
  const missing = lacks.filter((lack) => lack !== '');
  if (missing.length === 0) return [];
  const hint = 'give them, listen on 127.0.0.1, or say `insecure: true` (`--insecure`) if the network is trusted';
  return [error([...path, 'listen'], `listening beyond loopback needs ${missing.join(' and ')}`, hint)];
}

function checkShippers({ shippers }: ConfigurationFile): Finding[] {
  if (Object.keys(shippers).length === 0) {
    const message = 'there is no shipper: records stay in the spool, and the oldest go when it is full';
    return [warning(['shippers'], message, 'name one below `shippers`, unless that is what you want')];
  }
  return Object.entries(shippers).flatMap(([name, shipper]) => {
    return shipper.type === 'http' ? checkHttp(['shippers', name], shipper) : [];
  });
}

function checkHttp(path: KeyPath, http: HttpFile): Finding[] {
  const findings = http.protocol === 'plain' ? checkPlain(path, http) : [];
  for (const key of http.protocol === 'native' ? plainKeyNames : []) {
    if (http[key] !== undefined)
      findings.push(error([...path, key], `\`${key}\` belongs to \`protocol: plain\` only`, 'take it out'));
  }
  return [...findings, ...checkDestination(path, http)];
}

function checkPlain(path: KeyPath, { headers = {}, header_files: files = {}, auth }: HttpFile): Finding[] {
  const findings: Finding[] = [];
  for (const name of Object.keys(files)) {
    if (name in headers)
      findings.push(
        error([...path, 'header_files', name], `\`${name}\` stands in \`headers\` already`, 'take one out'),
      );
  }
  for (const [key, given] of Object.entries({ headers, header_files: files })) {
    if (auth !== undefined && 'authorization' in given)
      findings.push(error([...path, key, 'authorization'], '`auth` sets this header already', 'take one of them out'));
  }
  return findings;
}

/** data_dir and the mirrors' folders must not lie in one another. */
function checkFolders({ data_dir, shippers }: ConfigurationFile): Finding[] {
  const folders: { path: KeyPath; folder: string; what: string }[] = [
    { path: ['data_dir'], folder: data_dir, what: '`data_dir`' },
  ];
  const findings: Finding[] = [];
  for (const [name, shipper] of Object.entries(shippers)) {
    if (shipper.type !== 'mirror') continue;
    const path = ['shippers', name, 'path'];
    const other = folders.find(({ folder }) => within(folder, shipper.path) || within(shipper.path, folder));
    if (other !== undefined) {
      findings.push(
        error(path, `the mirror's folder and ${other.what} lie in one another`, 'give each a folder of its own'),
      );
    }
    folders.push({ path, folder: shipper.path, what: `that of \`${name}\`` });
  }
  return findings;
}

function checkPorts({ collectors, admin }: ConfigurationFile): Finding[] {
  const taken = new Map<string, string>();
  const findings: Finding[] = [];
  const claim = (path: KeyPath, address: Address, protocol = 'tcp') => {
    const key = `${address.host}:${address.port}`;
    const holder = taken.get(`${protocol} ${key}`);
    if (holder !== undefined)
      findings.push(error(path, `${key} is already taken by \`${holder}\``, 'choose another port'));
    else if (address.port !== 0) taken.set(`${protocol} ${key}`, path.join('.'));
  };
  for (const [name, collector] of Object.entries(collectors)) {
    for (const [path, address, protocol] of addressesOf(collector))
      claim(['collectors', name, ...path], address, protocol);
  }
  if (admin.listen !== undefined) claim(['admin', 'listen'], admin.listen);
  return findings;
}

/** Ports that a collector takes. */
function addressesOf(collector: Collectors[string]): (readonly [KeyPath, Address, 'tcp' | 'udp'])[] {
  if (!('listen' in collector)) return [];
  if (collector.type !== 'syslog' && collector.type !== 'gelf')
    return [[['listen'], collector.listen, collector.type === 'udp' ? 'udp' : 'tcp']];
  const { udp, tcp, tls } = collector.listen;
  return Object.entries({ udp, tcp, tls }).flatMap(([key, address]) =>
    address === undefined ? [] : [[['listen', key], address, key === 'udp' ? 'udp' : 'tcp'] as const],
  );
}

function checkAdmin({ admin }: ConfigurationFile): Finding[] {
  if (admin.listen === undefined || isLoopback(admin.listen.host)) return [];
  const message = 'anybody who reaches this address can read metrics, names of files and of hosts';
  return [warning(['admin', 'listen'], message, 'listen on 127.0.0.1, or see to it that the network is trusted')];
}

function within(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
}
