/** Many files in one folder, all rotated and compressed at once, as a host does at midnight. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { hostFiles } from '../../../agent/host/files.ts';
import type { Files, OpenFile } from '../../../spool/ports.ts';
import { Bench } from './bench.ts';

const crowd = 300;

/** The host's files, counting how often folders are listed and how many files are open at a time. */
class CountedFiles {
  lists = 0;
  openMost = 0;
  #open = 0;

  get files(): Files {
    const counted = Object.create(hostFiles) as { -readonly [Method in keyof Files]: Files[Method] };
    counted.list = (directory) => {
      this.lists += 1;
      return hostFiles.list(directory);
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
