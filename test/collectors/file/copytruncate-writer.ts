/**
 * A process that writes numbered lines to `a.log` of a folder and rotates it by copytruncate, with pauses at every step of that:
 * `copytruncate-writer.ts FOLDER SEED ROTATIONS`. Prints how many lines it wrote.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';

const [folder = '.', seed = '1', rotations = '10'] = process.argv.slice(2);
const path = join(folder, 'a.log');
const random = randomFrom(Number(seed));
let lines = 0;

for (let rotation = 0; rotation < Number(rotations); ) {
  write(random() < 0.2 ? 2000 : 50);
  sleep(random() < 0.5 ? 5 : 60);
  for (let left = Math.floor(random() * 4) - 1; left > 0; left--, rotation++) rotate();
}
write(10);
console.log(lines);

function rotate(): void {
  for (let age = Number(rotations) + 2; age >= 1; age--) {
    if (!fs.existsSync(`${path}.${age}`)) continue;
    fs.renameSync(`${path}.${age}`, `${path}.${age + 1}`);
    if (random() < 0.2) dawdle();
  }
  copy();
  dawdle();
  fs.truncateSync(path);
  dawdle();
  if (random() < 0.7) write(50);
  if (random() < 0.5) sleep(20);
}

function copy(): void {
  dawdle();
  const to = fs.openSync(`${path}.1`, 'wx');
  dawdle();
  const all = fs.readFileSync(path);
  for (let at = 0; at < all.length; dawdle()) at += fs.writeSync(to, all, at, Math.min(all.length - at, 8192));
  fs.closeSync(to);
}

function write(countMax: number): void {
  let text = '';
  for (let left = 1 + Math.floor(random() * countMax); left > 0; left--)
    text += `${lines} ${(Math.imul(++lines, 0x9e3779b1) >>> 0).toString(36)} of a log that is written and rotated\n`;
  fs.appendFileSync(path, text);
}

function dawdle(): void {
  const dice = random();
  if (dice > 0.7) sleep(dice < 0.95 ? 3 : 30);
}

function sleep(msMax: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, random() * msMax);
}

/** mulberry32 */
function randomFrom(start: number): () => number {
  let state = start | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
