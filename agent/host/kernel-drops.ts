/**
 * How many datagrams the kernel dropped on one of our UDP sockets because its buffer was full, from `/proc/net/udp` and
 * `/proc/net/udp6`. The kernel counts in 32 bits; sums here do not go back.
 */
import * as fs from 'node:fs';

/** `inode` is the socket's own, by which one of many on a port is told. */
export class KernelDrops {
  readonly #file: string;
  readonly #inode: string;
  #last = 0;
  #sum = 0;

  constructor(family: 4 | 6, inode: string) {
    this.#file = tableOf(family);
    this.#inode = inode;
  }

  /** Since the socket began; undefined where the kernel does not tell. */
  read(): number | undefined {
    const now = dropsIn(textOf(this.#file), this.#inode);
    if (now === undefined) return undefined;
    this.#sum += (now - this.#last) >>> 0;
    this.#last = now;
    return this.#sum;
  }
}

/** The inode of the one socket on a port; undefined where there are several, or the kernel does not tell. */
export function inodeOnPort(family: 4 | 6, port: number): string | undefined {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const there = rowsOf(textOf(tableOf(family))).filter((row) => row[1]!.endsWith(ending));
  return there.length === 1 ? there[0]![9] : undefined;
}

/** The last column of the line whose tenth is the inode (proc_net_udp in the kernel's documentation). */
export function dropsIn(table: string, inode: string): number | undefined {
  const row = rowsOf(table).find((columns) => columns[9] === inode);
  return row && Number(row[12]);
}

function rowsOf(table: string): string[][] {
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/));
  return rows.filter((columns) => columns.length >= 13 && columns[0]!.endsWith(':'));
}

function tableOf(family: 4 | 6): string {
  return family === 4 ? '/proc/net/udp' : '/proc/net/udp6';
}

function textOf(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
