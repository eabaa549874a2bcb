/**
 * Programs that send syslog, that send the lines they are given: util-linux's `logger`, rsyslog (omfwd) and syslog-ng, as the system or
 * Debian's packages have them.
 */
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { findPeers, type PeerProgram } from '../../build/bench/ways/peer-programs.ts';
import { rsyslogArguments, syslogNgArguments } from '../../build/bench/ways/peer-settings.ts';
import { type RunningPeer, startPeer } from '../../build/bench/ways/peers.ts';
import { unpackedEnvironment, unpackedFolder, unpackPackages } from '../../build/debian-packages.ts';

/** What a client sends to. */
export interface Target {
  /** A port of 127.0.0.1, or the path of a unix socket. */
  readonly at: number | string;
  /** Certificate of the authority, where it is TLS. */
  readonly caFile?: string;
}

export interface Client extends AsyncDisposable {
  /** For the message of a failed test. */
  printed(): string;
  send(lines: readonly string[]): void;
}

export const loggerMissing =
  spawnSync('logger', ['--version']).error === undefined ? undefined : 'logger (util-linux) is not installed';

/** `logger` with these options, reading the lines from its input. */
export function loggerClient(options: readonly string[], { at }: Target): Client {
  const where = typeof at === 'string' ? ['-u', at] : ['-n', '127.0.0.1', '-P', String(at)];
  const child = spawn('logger', ['-t', 'load', '-S', '64KiB', ...where, ...options], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  return {
    printed: () => said,
    send: (lines) => void child.stdin.write(`${lines.join('\n')}\n`),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      const code = await ended;
      if (code !== 0 || said !== '') throw new Error(`logger ended with ${code}: ${said}`);
    },
  };
}

let peers: ReturnType<typeof findPeers> | undefined;

/** The program, or why it is not there. It is fetched where apt-get can. */
export function peer(name: PeerProgram['name']): PeerProgram | string {
  peers ??= findPeers();
  const program = name === 'rsyslog' ? peers.rsyslog : peers.syslogNg;
  return program ?? peers.notes.find((note) => note.startsWith(name)) ?? `${name} cannot be had`;
}

/** rsyslog with its TLS driver, or why it is not there. */
export function rsyslogWithTls(): PeerProgram | string {
  const program = peer('rsyslog');
  if (typeof program === 'string') return program;
  if (fs.existsSync(join(program.modules, 'lmnsd_gtls.so'))) return program;
  const prefix = unpackedFolder('rsyslog-tls');
  const find = () => fs.globSync('usr/lib/**/lmnsd_gtls.so', { cwd: prefix })[0];
  const trouble = find() === undefined ? unpackPackages('rsyslog-tls', ['rsyslog', 'rsyslog-gnutls']) : undefined;
  const module = find();
  if (module === undefined) return trouble ?? 'rsyslog-gnutls has no driver';
  const command = join(prefix, 'usr/sbin/rsyslogd');
  const env = unpackedEnvironment(prefix);
  return {
    ...program,
    command: fs.existsSync(command) ? command : program.command,
    modules: join(prefix, module, '..'),
    env,
  };
}

/** `forward`: the parameters of omfwd besides the target. */
export function rsyslogClient(program: PeerProgram, folder: string, { at, caFile }: Target, forward: string): Client {
  fs.mkdirSync(folder, { recursive: true });
  const log = join(folder, 'lines.log');
  fs.writeFileSync(log, '');
  const tls =
    'StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="localhost"';
  const settings = `global(workDirectory="${folder}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off" net.enableDNS="off"
  localHostname="sender1"${caFile === undefined ? '' : ` defaultNetstreamDriverCAFile="${caFile}"`})
module(load="imfile" mode="inotify")
input(type="imfile" file="${log}" tag="load:" ruleset="send" escapeLF="off" facility="local0" severity="warning")
ruleset(name="send" queue.type="LinkedList" queue.size="200000") {
  action(type="omfwd" target="127.0.0.1" port="${at}" ${forward} ${caFile === undefined ? '' : tls} action.resumeRetryCount="-1")
}
`;
  return follower(startPeer(program, rsyslogArguments(program, folder, settings)), log);
}

/** `driver`: of its destination, with TARGET where the address goes. */
export function syslogNgClient(program: PeerProgram, folder: string, driver: string): Client {
  fs.mkdirSync(folder, { recursive: true });
  const log = join(folder, 'lines.log');
  fs.writeFileSync(log, '');
  const settings = `@version: 3.38
@module affile
@module afsocket
@module syslogformat
@module basicfuncs
options { keep-hostname(yes); use-dns(no); dns-cache(no); log-msg-size(65536); stats-level(0); time-reopen(1); };
source s { file("${log}" flags(no-parse) default-facility(local0) default-priority(warning) program-override("load") host-override("sender1") read-old-records(yes) follow-freq(0.02) log-iw-size(10000) log-fetch-limit(1000)); };
destination d { ${driver} };
log { source(s); destination(d); flags(flow-control); };
`;
  return follower(startPeer(program, syslogNgArguments(program, folder, settings)), log);
}

/** It follows the file. */
function follower(peer: RunningPeer, log: string): Client {
  return {
    printed: () => peer.printed(),
    send: (lines) => fs.appendFileSync(log, `${lines.join('\n')}\n`),
    [Symbol.asyncDispose]: () => peer.stop(),
  };
}

/** Lines such as logs have, each with its number. */
export function numberedLines(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${n}: ${texts[n % texts.length]} ${'x'.repeat(n % 97)}`);
}

const texts = [
  'GET /index.html HTTP/1.1 "curl/8.5" 200',
  'Größe überschritten – 温度 🌡',
  '{"level":"info","msg":"a \\"quoted\\" text","n":1}',
  '<13>May  6 07:08:09 host app: a message in a message',
  '[id key="value"] back\\slash \\u0041',
  'key=value other="two words" %d %s 100%',
];
