/**
 * Another process rotates by copytruncate, again and again and at its own pace, while the collector reads, is stopped, and goes on from
 * what was durable. SEED=n repeats what that process does (not when it is looked at); ROUNDS=n makes it longer.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { Bench } from './bench.ts';

const writer = join(import.meta.dirname, 'copytruncate-writer.ts');
const rotations = 12;
const firstSeed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6));
const rounds = Number(process.env.ROUNDS ?? 3);

for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
  test(`copytruncate in another process: every line comes once and in order (SEED=${seed})`, async () => {
    await using bench = new Bench();
    const story: string[] = [];
    bench.onLog = (message) => story.push(message.replaceAll(`${bench.folder}/`, ''));
    bench.write('a.log', '');
    bench.options = { partialTimeoutMs: 3000 };
    await bench.start();
    const written = run(bench.folder, seed);
    const ended = written.then(() => true);
    while (!(await Promise.race([ended, bench.pause(Math.random() * 200).then(() => false)])))
      await crash(bench, story);
    const wanted = Number(await written);
    const got = () => bench.intake.mirrored(bench.path('a.log')).split('\n').slice(0, -1).map(Number.parseFloat);
    await bench.until(
      () => got().length >= wanted,
      () => `${wanted} lines, there are ${got().length} (SEED=${seed})\n${story.join('\n')}`,
    );
    const wrong = got().findIndex((number, at) => number !== at);
    assert.equal(wrong, -1, `line ${got()[wrong]} where ${wrong} was due (SEED=${seed})\n${story.join('\n')}`);
    assert.deepEqual([got().length, bench.intake.dropped], [wanted, []]);
  });
}

/** Loses the newest runs, at times. */
async function crash(bench: Bench, story: string[]): Promise<void> {
  const lost = Math.floor(Math.random() * 6) - 2;
  await bench.stop();
  story.push(`crash, losing ${Math.max(0, lost)} runs`);
  bench.intake = bench.intake.reopened(Math.max(1, bench.intake.entries.length - Math.max(0, lost)));
  if (lost % 2 === 0) await bench.pause(Math.random() * 100);
  await bench.start();
}

function run(folder: string, seed: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const args = [writer, folder, `${seed}`, `${rotations}`];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (text) => {
    printed += text;
  });
  child.on('exit', (code) => (code === 0 ? resolve(printed) : reject(new Error(`the writer ended with ${code}`))));
  return promise;
}
