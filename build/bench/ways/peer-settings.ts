/** Configurations of the peers: what makes them keep each record on disk until the other side has it, and what makes that fast. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { PeerProgram } from './peer-programs.ts';

const rsyslogGlobal = (folder: string) =>
  `global(workDirectory="${folder}" maxMessageSize="1m" parser.escapeControlCharactersOnReceive="off" net.enableDNS="off")\n`;

export function rsyslogReceiver(folder: string, port: number, out: string): string {
  return `${rsyslogGlobal(folder)}module(load="imrelp")
template(name="raw" type="string" string="%rawmsg%\\n")
ruleset(name="store") { action(type="omfile" file="${out}" template="raw") }
input(type="imrelp" port="${port}" address="127.0.0.1" ruleset="store" maxDataSize="1m")
`;
}

/** Without a queue between input and file; a buffer of the same size as ours for UDP. */
export function rsyslogSockets(folder: string, port: number, transport: 'tcp' | 'udp', out: string): string {
  return `${rsyslogGlobal(folder)}module(load="im${transport}")
ruleset(name="store") { action(type="omfile" file="${out}" template="RSYSLOG_FileFormat") }
input(type="im${transport}" port="${port}" address="127.0.0.1" ruleset="store"${transport === 'udp' ? ' rcvbufSize="4m"' : ''})
`;
}

/** The ruleset's own queue is the disk queue, so that nothing waits in memory before it and the order stays. */
export function rsyslogSender(folder: string, port: number, log: string, bytes: number): string {
  return `${rsyslogGlobal(folder)}module(load="imfile" mode="inotify")
module(load="omrelp")
template(name="line" type="string" string="%msg%")
input(type="imfile" file="${log}" tag="bench:" ruleset="send" persistStateInterval="20000" escapeLF="off")
ruleset(name="send" queue.type="Disk" queue.filename="queue" queue.maxDiskSpace="${diskBytes(bytes)}" queue.maxFileSize="64m"
  queue.size="1000000000" queue.checkpointInterval="1000" queue.dequeueBatchSize="1024" queue.saveOnShutdown="on") {
  action(type="omrelp" target="127.0.0.1" port="${port}" template="line" windowSize="2048" action.resumeRetryCount="-1")
}
`;
}

export function rsyslogArguments(program: PeerProgram, folder: string, settings: string): string[] {
  const file = join(folder, 'rsyslog.conf');
  fs.writeFileSync(file, settings);
  return ['-n', '-f', file, '-i', join(folder, 'pid'), '-M', program.modules];
}

export function syslogNg(folder: string, port: number, log: string, bytes: number): string {
  return `@version: 3.38
@module affile
@module http
@module disk-buffer
@module basicfuncs
options { keep-hostname(yes); use-dns(no); dns-cache(no); log-msg-size(1048576); stats-level(0); time-reopen(1); };
source s { file("${log}" flags(no-parse) read-old-records(yes) follow-freq(0.1) log-iw-size(10000) log-fetch-limit(1000)); };
destination d {
  http(url("http://127.0.0.1:${port}/") method("POST") body("\${MESSAGE}") delimiter("\\n") body-suffix("\\n")
    batch-lines(1000) batch-bytes(1048576) batch-timeout(100)
    disk-buffer(reliable(yes) disk-buf-size(${diskBytes(bytes)}) mem-buf-size(67108864) dir("${folder}")));
};
log { source(s); destination(d); flags(flow-control); };
`;
}

export function syslogNgArguments(program: PeerProgram, folder: string, settings: string): string[] {
  const file = join(folder, 'syslog-ng.conf');
  fs.writeFileSync(file, settings);
  const own = ['-R', join(folder, 'persist'), '-p', join(folder, 'pid'), '-c', join(folder, 'control')];
  return ['-F', '-e', '--no-caps', '-f', file, ...own, `--module-path=${program.modules}`];
}

/** Reads what stands in many files into a file, and waits for more. */
export function rsyslogIdle(folder: string, pattern: string): string {
  return `${rsyslogGlobal(folder)}module(load="imfile" mode="inotify")
input(type="imfile" file="${pattern}" tag="bench:" ruleset="store")
template(name="line" type="string" string="%msg%\\n")
ruleset(name="store") { action(type="omfile" file="${join(folder, 'out.log')}" template="line") }
`;
}

export function syslogNgIdle(folder: string, logs: string, files: number): string {
  return `@version: 3.38
@module affile
options { keep-hostname(yes); use-dns(no); dns-cache(no); stats-level(0); };
source s {
  wildcard-file(base-dir("${logs}") filename-pattern("*.log") recursive(yes) max-files(${files + 100}) flags(no-parse)
    read-old-records(yes) log-iw-size(${files * 110}));
};
destination d { file("${join(folder, 'out.log')}" template("\${MESSAGE}\\n")); };
log { source(s); destination(d); flags(flow-control); };
`;
}

/** Both keep more than the line itself. */
function diskBytes(bytes: number): number {
  return Math.max(1024 ** 3, bytes * 5);
}
