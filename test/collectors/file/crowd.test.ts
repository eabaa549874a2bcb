/** Many files in one folder: rotated and compressed all at once, as a host does at midnight; all quiet; all busy. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { hostFiles } from '../../../agent/host/files.ts';
import type { Files, OpenFile } from '../../../spool/ports.ts';
import { Bench, noHints } from './bench.ts';

const crowd = 300;

/** The host's files, counting how often folders are listed and how many files are open at a time. */
class CountedFiles {
  lists = 0;
  stats = 0;
  openMost = 0;
  /** They did not change lately: what changes in them is not told. */
  foldersAreOld = false;
  #open = 0;

  get files(): Files {
    const counted = Object.create(hostFiles) as { -readonly [Method in keyof Files]: Files[Method] };
    counted.list = (directory) => {
      this.lists += 1;
      return hostFiles.list(directory);
    };
    counted.stat = (path) => {
      this.stats += 1;
      const stat = hostFiles.stat(path);
      return this.foldersAreOld && stat.kind === 'directory' ? { ...stat, changedNs: 1n } : stat;
    };
    counted.open = (path, mode) => this.#count(hostFiles.open(path, mode));
    return counted;
  }

  #count(file: OpenFile): OpenFile {
    this.#open += 1;
    this.openMost = Math.max(this.openMost, this.#open);
    const close = file.close.bind(file);
    file.close = () => {
      this.#open -= 1;
      close();
    };
    return file;
  }
}

test('hundreds of files in one folder, rotated and compressed at once, need few listings of it and few open files', async (t) => {
  await using bench = new Bench();
  const names = Array.from({ length: crowd }, (_, index) => `app${index}.log`);
  const counted = new CountedFiles();
  bench.ports = { files: counted.files };
  for (const name of names) {
    for (const age of [2, 3, 4]) makeOld(bench, `${name}.${age}.gz`);
    bench.write(name, `${name}: before\n`);
  }
  await bench.start({ openFilesMax: 50 });
  await bench.until(() => bench.intake.entries.filter(({ run }) => run.records > 0).length >= crowd);
  counted.lists = 0;
  counted.openMost = 0;
  // The folder changes while they are looked for.
  const changing = setInterval(() => fs.writeFileSync(bench.path(`change${Date.now()}`), ''), 1);
  t.after(() => clearInterval(changing));
  for (const name of names) rotateAndCompress(bench, name);
  const expected = (name: string) => `${name}: before\n${name}: after\n`;
  let open = names;
  const isDone = () => {
    open = open.filter((name) => bench.intake.mirrored(bench.path(name)) !== expected(name));
    return open.length === 0;
  };
  await bench.until(isDone, () => bench.explain(open[0]!, expected(open[0]!)));
  assert.ok(counted.openMost <= 150, `${counted.openMost} files were open at once`);
  assert.ok(counted.lists <= crowd / 2, `the folder was listed ${counted.lists} times`);
});

test('ten thousand quiet files: the others in the process have their turns, few are open, few are looked at, nothing is written', async () => {
  await using bench = new Bench();
  const names = Array.from({ length: 10_000 }, (_, at) => `app${at}.log`);
  for (const name of names) fs.writeFileSync(bench.path(name), `${name}\n`);
  const counted = new CountedFiles();
  counted.foldersAreOld = true;
  bench.ports = { files: counted.files, watcher: noHints };
  let turnsOfOthers = 0;
  const others = setInterval(() => turnsOfOthers++, 1);
  await bench.start({ openFilesMax: 100 });
  clearInterval(others);
  assert.ok(
    turnsOfOthers >= 10,
    `others had ${turnsOfOthers} turns while all of them were looked at for the first time`,
  );
  const read = () => bench.intake.entries.filter(({ run }) => run.records > 0).length;
  await bench.until(
    () => read() === names.length,
    () => `${read()} are read`,
    60_000,
  );
  assert.ok(bench.collector!.status().gauges.open_files! <= 100);

  bench.skewMs = 60_000; // none of them gave anything lately
  const { entries } = bench.intake;
  const looksASecond = async () => {
    [counted.stats, counted.lists, entries.length] = [0, 0, 0];
    const since = performance.now();
    await bench.pause(1000);
    return (counted.stats * 1000) / (performance.now() - since);
  };
  let looks = await looksASecond();
  for (let tries = 0; tries < 20 && looks > 200; tries++) looks = await looksASecond(); // each is still due once
  assert.ok(looks <= 200, `${looks} looks a second`);
  assert.deepEqual([counted.lists, entries.length], [0, 0]);
});

test('a hundred busy files have their turns one after the other', async () => {
  await using bench = new Bench();
  const text = 'a line of a file that is written all the time\n'.repeat(4000);
  bench.intake.hold = 'unsynced';
  for (let at = 0; at < 100; at++) bench.write(`${at}.log`, text);
  await bench.start();
  bench.intake.release();
  const turns = new Map<number, number>();
  await bench.until(() => bench.intake.entries.filter(({ run }) => run.to === text.length).length === 100);
  for (const { run } of bench.intake.entries) {
    if (run.records === 0) continue;
    turns.set(run.source, (turns.get(run.source) ?? 0) + 1);
    const least = turns.size < 100 ? 0 : Math.min(...turns.values());
    assert.ok(turns.get(run.source)! <= least + 1, 'one had two turns before each had one');
  }
  assert.ok(Math.min(...turns.values()) >= 2);
});

/** It stood there before anything was read. */
function makeOld(bench: Bench, name: string): void {
  fs.writeFileSync(bench.path(name), gzipSync(`${name}\n`));
  fs.utimesSync(bench.path(name), 1_000_000, 1_000_000);
}

function rotateAndCompress(bench: Bench, name: string): void {
  fs.renameSync(bench.path(name), bench.path(`${name}.1`));
  bench.write(name, `${name}: after\n`);
  fs.writeFileSync(bench.path(`${name}.1.gz`), gzipSync(fs.readFileSync(bench.path(`${name}.1`))));
  bench.remove(`${name}.1`);
}
