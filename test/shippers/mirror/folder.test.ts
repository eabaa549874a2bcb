/** What stands in the folder of a mirror already, or is done to it by others. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { MemoryOutlet } from './memory-outlet.ts';
import { fileSource, filesIn, folderFor, ids, makeWorld, mirrored, startMirror, text, until } from './world.ts';

test('a folder where a file is needed, and a file where a folder is, cost neither their records nor others', async (t) => {
  const root = folderFor(t);
  fs.mkdirSync(`${root}/out/h/taken.log`, { recursive: true });
  fs.writeFileSync(`${root}/out/h/folder`, 'mine\n');
  const { outlet, receive } = makeWorld();
  receive('a', {
    descriptions: new Map([
      [1, fileSource('/taken.log', 'h')],
      [2, fileSource('/folder/deep/x.log', 'h')],
      [3, fileSource('/fine.log', 'h')],
    ]),
    pieces: [1, 2, 3].map((source) => ({ source, bytes: text(`${source}\n`) })),
  });
  const { shipper, log } = startMirror(root, outlet);
  await mirrored(outlet);
  fs.rmdirSync(`${root}/out/h/taken.log`);
  receive('a', { pieces: [{ source: 1, bytes: text('stays\n') }] });
  await mirrored(outlet);
  await shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), {
    'h/taken.log~file': '1\nstays\n',
    'h/folder': 'mine\n',
    'h/folder~dir/deep/x.log': '2\n',
    'h/fine.log': '3\n',
  });
  assert.equal(log.filter((entry) => entry.event === 'mirror.path_taken').length, 2);
});

test('a mirror file that somebody renamed or removed is begun anew', async (t) => {
  const root = folderFor(t);
  const { outlet, receive } = makeWorld();
  receive('a', {
    descriptions: new Map([
      [1, fileSource('/x.log', 'h')],
      [2, fileSource('/y.log', 'h')],
    ]),
    pieces: [
      { source: 1, bytes: text('1\n') },
      { source: 2, bytes: text('1\n') },
    ],
  });
  const { shipper } = startMirror(root, outlet);
  await mirrored(outlet);
  fs.renameSync(`${root}/out/h/x.log`, `${root}/out/h/x.log.old`);
  fs.rmSync(`${root}/out/h/y.log`);
  receive('a', {
    pieces: [
      { source: 1, bytes: text('2\n') },
      { source: 2, bytes: text('2\n') },
    ],
  });
  await mirrored(outlet);
  await shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), { 'h/x.log.old': '1\n', 'h/x.log': '2\n', 'h/y.log': '2\n' });
});

test('a folder of another data_dir is left alone', async (t) => {
  const root = folderFor(t);
  const { outlet, receive } = makeWorld();
  receive('a', {
    descriptions: new Map([[1, fileSource('/x.log', 'h')]]),
    pieces: [{ source: 1, bytes: text('1\n') }],
  });
  const first = startMirror(root, outlet);
  await mirrored(outlet);
  await first.shipper.stop();
  const before = filesIn(`${root}/out`);
  const other = new MemoryOutlet(ids.b);
  for (const block of outlet.blocks) other.add(block, block.epoch);
  const second = startMirror(root, other, undefined, { stateFolder: `${root}/other/mirrors/mirror` });
  await until('it holds', () => second.shipper.status().state === 'holding');
  const problem = second.shipper.status().problems[0]!;
  assert.equal(problem.cause, 'folder_mismatch');
  assert.equal(problem.red, true);
  await second.shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), before);
});

test('a folder that lost its mark (its file system is not mounted) is not written, and taken again once it is back', async (t) => {
  const root = folderFor(t);
  const { outlet, receive } = makeWorld();
  receive('a', {
    descriptions: new Map([[1, fileSource('/x.log', 'h')]]),
    pieces: [{ source: 1, bytes: text('1\n') }],
  });
  const first = startMirror(root, outlet);
  await mirrored(outlet);
  await first.shipper.stop();
  fs.renameSync(`${root}/out`, `${root}/elsewhere`);
  fs.mkdirSync(`${root}/out`);
  receive('a', { pieces: [{ source: 1, bytes: text('2\n') }] });
  const second = startMirror(root, outlet);
  await until('it holds', () => second.shipper.status().state === 'holding');
  assert.deepEqual(fs.readdirSync(`${root}/out`), []);
  fs.rmdirSync(`${root}/out`);
  fs.renameSync(`${root}/elsewhere`, `${root}/out`);
  await mirrored(outlet);
  assert.deepEqual(second.shipper.status().problems, []);
  await second.shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), { 'h/x.log': '1\n2\n' });
});

test('an older copy of the data_dir cuts nothing off the mirror', async (t) => {
  const root = folderFor(t);
  const { outlet, receive } = makeWorld();
  receive('a', {
    descriptions: new Map([[1, fileSource('/x.log', 'h')]]),
    pieces: [{ source: 1, bytes: text('1\n') }],
  });
  const first = startMirror(root, outlet);
  await mirrored(outlet);
  await first.shipper.stop();
  fs.cpSync(`${root}/data`, `${root}/copy`, { recursive: true });
  const cursor = outlet.cursor;
  receive('a', { pieces: [{ source: 1, bytes: text('2\n') }] });
  const second = startMirror(root, outlet);
  await mirrored(outlet);
  await second.shipper.stop();
  // The data_dir is restored: its spool never saw the second line, and its cursor is that of the copy.
  fs.rmSync(`${root}/data`, { recursive: true });
  fs.renameSync(`${root}/copy`, `${root}/data`);
  outlet.blocks.pop();
  outlet.durable = outlet.blocks.at(-1)!.end;
  outlet.cursor = cursor;
  const third = startMirror(root, outlet);
  await until('it has looked', () => third.shipper.status().state === 'idle');
  assert.ok(third.shipper.status().problems.some((problem) => problem.cause === 'may_repeat'));
  await third.shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), { 'h/x.log': '1\n2\n' });
});

test('more files than may be open are written all the same', async (t) => {
  const root = folderFor(t);
  const { outlet, receive } = makeWorld();
  const numbers = Array.from({ length: 100 }, (_, index) => index + 1);
  const expected: Record<string, string> = {};
  for (let round = 0; round < 3; round++) {
    receive('a', {
      descriptions: new Map(round === 0 ? numbers.map((number) => [number, fileSource(`/${number}.log`, 'h')]) : []),
      pieces: numbers.map((source) => ({ source, bytes: text(`${source} ${round}\n`) })),
    });
    for (const number of numbers)
      expected[`h/${number}.log`] = `${expected[`h/${number}.log`] ?? ''}${number} ${round}\n`;
  }
  const { shipper } = startMirror(root, outlet, undefined, { openFilesMax: 7 });
  await mirrored(outlet);
  assert.ok(shipper.status().gauges.open_files! <= 7);
  await shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), expected);
});

test('hostile names write nothing outside the folder', async (t) => {
  const root = folderFor(t);
  const { outlet, receive } = makeWorld();
  const paths = [
    '/../../../escape.log',
    '../../escape.log',
    '/a/./b/../c.log',
    '/nul\0.log',
    '/',
    '/.',
    '//',
    `/${'x'.repeat(400)}`,
  ];
  const hosts = ['..', '.', '../..', 'a/b', '/abs', 'nul\0', '.tailspool', '@unknown'];
  const all = [...paths.map((path) => fileSource(path, 'h')), ...hosts.map((host) => fileSource('/x.log', host))];
  receive('a', {
    descriptions: new Map(all.map((description, index) => [index + 1, description])),
    pieces: all.map((_, index) => ({ source: index + 1, bytes: text(`${index}\n`) })),
  });
  const { shipper } = startMirror(root, outlet);
  await mirrored(outlet);
  await shipper.stop();
  const written = filesIn(`${root}/out`);
  assert.deepEqual(fs.readdirSync(root).sort(), ['data', 'out']);
  assert.deepEqual(fs.readdirSync(`${root}/out/.tailspool`).length, 1);
  const lines = Object.values(written).join('').split('\n').filter(Boolean).map(Number);
  assert.deepEqual(
    lines.sort((a, b) => a - b),
    all.map((_, index) => index),
  );
});
