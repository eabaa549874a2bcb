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

function openDescriptors(): number | undefined {
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
