/** Which of a host's files are logs that can be tailed: readable text, not compressed, not a rotated generation. */
import * as fs from 'node:fs';
import { join } from 'node:path';

export interface FoundLog {
  readonly path: string;
  readonly bytes: number;
}

const depthMax = 3;
const logsMax = 40;
const looksNoLog =
  /\.(gz|xz|bz2|zst|lz4|journal|db|sqlite|old|state)(~|\.|$)|[.-]\d+$|^(wtmp|btmp|lastlog|faillog|tallylog)$/;
/** What a configuration takes literally, in YAML and as a pattern. */
const plainPath = /^[\w./@+=,-]+$/;

/** The largest first, at most `logsMax`. Never throws: what cannot be read is left out. */
export function findLogs(folder: string, depth = depthMax): FoundLog[] {
  return walk(folder, depth)
    .sort((a, b) => b.bytes - a.bytes || (a.path < b.path ? -1 : 1))
    .slice(0, logsMax);
}

function walk(folder: string, depth: number): FoundLog[] {
  let entries: fs.Dirent[];
  try {
    entries = fs.readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return depth > 0 ? walk(path, depth - 1) : [];
    return entry.isFile() && plainPath.test(path) && !looksNoLog.test(entry.name) ? readable(path) : [];
  });
}

function readable(path: string): FoundLog[] {
  try {
    const descriptor = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    try {
      const head = Buffer.alloc(512);
      const text = !head.subarray(0, fs.readSync(descriptor, head)).includes(0);
      return text ? [{ path, bytes: fs.fstatSync(descriptor).size }] : [];
    } finally {
      fs.closeSync(descriptor);
    }
  } catch {
    return [];
  }
}
