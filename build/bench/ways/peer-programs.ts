/**
 * rsyslog and syslog-ng as Debian packages them: those of the system where they are there, else downloaded by apt-get and unpacked
 * into `tmp/peers/` (the two cannot be installed beside each other, and nothing of the system is to be touched). Where
 * neither can be had, a word says so.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { unpackedEnvironment, unpackedFolder, unpackPackages } from '../../debian-packages.ts';

export interface PeerProgram {
  readonly name: 'rsyslog' | 'syslog-ng';
  readonly version: string;
  readonly command: string;
  readonly modules: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface PeersFound {
  readonly rsyslog: PeerProgram | undefined;
  readonly syslogNg: PeerProgram | undefined;
  readonly notes: readonly string[];
}

interface Wanted {
  readonly name: PeerProgram['name'];
  readonly packages: readonly string[];
  readonly command: string;
  /** Folders of modules have versions or machine names in them. */
  readonly module: RegExp;
  readonly versionArgument: string;
}

const wanted: readonly Wanted[] = [
  {
    name: 'rsyslog',
    packages: ['rsyslog', 'rsyslog-relp'],
    command: 'usr/sbin/rsyslogd',
    module: /\/rsyslog\/omrelp\.so$/,
    versionArgument: '-v',
  },
  {
    name: 'syslog-ng',
    packages: ['syslog-ng-core', 'syslog-ng-mod-http'],
    command: 'usr/sbin/syslog-ng',
    module: /\/syslog-ng\/[^/]+\/libhttp\.so$/,
    versionArgument: '-V',
  },
];

export function findPeers(): PeersFound {
  const notes: string[] = [];
  const [rsyslog, syslogNg] = wanted.map((one) => {
    const found = locate(one, '/') ?? locate(one, unpackedFolder(one.name)) ?? fetch(one);
    if (typeof found !== 'string') return found;
    notes.push(`${one.name} is left out: ${found}`);
    return undefined;
  });
  return { rsyslog, syslogNg, notes };
}

function locate(one: Wanted, prefix: string): PeerProgram | undefined {
  const command = join(prefix, one.command);
  if (!fs.existsSync(command)) return undefined;
  const libraries = join(prefix, 'usr/lib');
  const module = fs.globSync('**/*.so', { cwd: libraries }).find((path) => one.module.test(`/${path}`));
  if (module === undefined) return undefined;
  const env = prefix === '/' ? process.env : unpackedEnvironment(prefix);
  const said = spawnSync(command, [one.versionArgument], { env, encoding: 'utf8' }).stdout ?? '';
  const version = /\d+\.\d+(\.\d+)?/.exec(said.replace(/^.*\bconfig.*$/m, ''))?.[0];
  if (version === undefined) return undefined;
  return { name: one.name, version, command, modules: join(libraries, module, '..'), env };
}

/** The program, or why it cannot be had. */
function fetch(one: Wanted): PeerProgram | string {
  const trouble = unpackPackages(one.name, one.packages);
  if (trouble !== undefined) return trouble;
  return locate(one, unpackedFolder(one.name)) ?? `its packages were unpacked, but ${one.command} does not run`;
}
