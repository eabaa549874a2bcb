/**
 * Logs to measure with: nginx-like, JSON and syslog lines made from a seed (the same seed and size give the same bytes), and
 * real ones from a folder, repeated to size.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '../../../test/simulation/random.ts';
import { jsonLines } from './json.ts';
import { nginxLines } from './nginx.ts';
import { syslogLines } from './syslog.ts';

export const madeKinds = ['nginx', 'json', 'syslog'] as const;
export type MadeKind = (typeof madeKinds)[number];

/** Gives the line of this number, with its LF. Draws from a seeded source: to be called with 0, 1, 2 … */
export type LineMaker = (number: number) => string;

export interface Made {
  readonly path: string;
  readonly bytes: number;
  readonly lines: number;
}

const makers: Record<MadeKind, (random: SeededRandom) => LineMaker> = {
  nginx: nginxLines,
  json: jsonLines,
  syslog: syslogLines,
};

export function lineMaker(kind: MadeKind, seed: number): LineMaker {
  return makers[kind](new SeededRandom(seed));
}

/** Writes whole lines until the file has at least `bytes`. */
export function makeText(path: string, kind: MadeKind, bytes: number, seed: number): Made {
  const line = lineMaker(kind, seed);
  const descriptor = fs.openSync(path, 'w');
  let [written, lines] = [0, 0];
  while (written < bytes) {
    let chunk = '';
    while (chunk.length < 1 << 20 && written + chunk.length < bytes) chunk += line(lines++);
    written += fs.writeSync(descriptor, chunk, null, 'latin1');
  }
  finish(descriptor);
  return { path, bytes: written, lines };
}

/** The `*.log` of a folder, one after the other, as often as it takes; a last line without LF gets one. */
export function repeatReal(path: string, folder: string, bytes: number): Made {
  const once = readReal(folder);
  const linesOnce = countLines(once);
  const descriptor = fs.openSync(path, 'w');
  let [written, lines] = [0, 0];
  for (; written < bytes; lines += linesOnce) written += fs.writeSync(descriptor, once);
  finish(descriptor);
  return { path, bytes: written, lines };
}

/** Its first whole lines, at least `bytes` of them; itself where it is no longer. */
export function headOf(path: string, made: Made, bytes: number): Made {
  if (bytes >= made.bytes) return made;
  const head = Buffer.alloc(Math.min(made.bytes, bytes + (1 << 20)));
  const from = fs.openSync(made.path, 'r');
  fs.readSync(from, head, 0, head.length, 0);
  fs.closeSync(from);
  const whole = head.subarray(0, head.indexOf(10, bytes) + 1);
  const descriptor = fs.openSync(path, 'w');
  fs.writeSync(descriptor, whole);
  finish(descriptor);
  return { path, bytes: whole.length, lines: countLines(whole) };
}

/** The same file several times over: for sizes of which a part from a seed is enough. */
export function repeatText(path: string, made: Made, times: number): Made {
  const descriptor = fs.openSync(path, 'w');
  const [from, buffer] = [fs.openSync(made.path, 'r'), Buffer.allocUnsafe(4 << 20)];
  for (let round = 0; round < times; round++) {
    for (let at = 0; at < made.bytes; ) {
      const read = fs.readSync(from, buffer, 0, buffer.length, at);
      fs.writeSync(descriptor, buffer, 0, read);
      at += read;
    }
  }
  fs.closeSync(from);
  finish(descriptor);
  return { path, bytes: made.bytes * times, lines: made.lines * times };
}

function readReal(folder: string): Buffer {
  const names = fs.readdirSync(folder).filter((name) => name.endsWith('.log'));
  if (names.length === 0) throw new Error(`--corpus ${folder}: no *.log is there`);
  const parts = names.sort().flatMap((name) => {
    const bytes = fs.readFileSync(join(folder, name));
    return bytes.at(-1) === 10 ? [bytes] : [bytes, Buffer.from('\n')];
  });
  return Buffer.concat(parts);
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}

function finish(descriptor: number): void {
  fs.fsyncSync(descriptor);
  fs.closeSync(descriptor);
}
