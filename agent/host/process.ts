/** What the operating system tells of this process and its host. */
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import type { ProcessFacts } from '../ports.ts';
import { versionLine } from './version.ts';

export function hostProcess(): ProcessFacts {
  return {
    pid: process.pid,
    hostName: hostname(),
    version: versionLine,
    startedAt: Math.round(Date.now() - process.uptime() * 1000),
    bootId: tryRead(() => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()) ?? '',
    openFilesMax: openFilesMax(),
    ownOutputs: ownOutputs(),
    executable: tryRead(() => fs.readlinkSync('/proc/self/exe')) ?? '',
    unit: ownUnit(),
    usage() {
      const { user, system } = process.cpuUsage();
      return {
        residentBytes: process.memoryUsage.rss(),
        privateBytes: privateBytes(),
        cpuSeconds: (user + system) / 1e6,
        openDescriptors: openDescriptors(),
      };
    },
  };
}

function privateBytes(): number | undefined {
  const found = /^RssAnon:\s+(\d+) kB$/m.exec(tryRead(() => fs.readFileSync('/proc/self/status', 'latin1')) ?? '');
  return found === null ? undefined : Number(found[1]) * 1024;
}

/** The soft limit, which Node has raised to the hard one. */
function openFilesMax(): number | undefined {
  const limits = tryRead(() => fs.readFileSync('/proc/self/limits', 'latin1')) ?? '';
  const found = /^Max open files\s+(\d+)/m.exec(limits);
  return found === null ? undefined : Number(found[1]);
}

function ownOutputs(): string[] {
  const paths = [1, 2].map((descriptor) => tryRead(() => fs.readlinkSync(`/proc/self/fd/${descriptor}`)) ?? '');
  return [...new Set(paths)].filter((path) => tryRead(() => fs.statSync(path).isFile()) === true);
}

/** systemd (248 and later) names the process that it started: what that starts in turn inherits the name, not the number. */
function ownUnit(): string | undefined {
  if (process.env.SYSTEMD_EXEC_PID !== String(process.pid)) return undefined;
  const groups = tryRead(() => fs.readFileSync('/proc/self/cgroup', 'utf8')) ?? '';
  return /^(?:0:|\d+:name=systemd):.*\/([^/\n]+\.service)$/m.exec(groups)?.[1];
}

function openDescriptors(): number | undefined {
  // Since Linux 6.2 the folder's size says it; listing thousands of them takes milliseconds.
  const told = tryRead(() => fs.statSync('/proc/self/fd').size);
  if (told) return told;
  // One of them is the listing's own.
  return tryRead(() => fs.readdirSync('/proc/self/fd').length - 1);
}

function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
