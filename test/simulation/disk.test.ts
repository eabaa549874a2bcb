/** What only the simulated disk can do: lose power, and fail. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Files, OpenFile } from '../../spool/ports.ts';
import { SimulatedClock } from './clock.ts';
import { SimulatedDisk } from './disk.ts';
import { fails, flaky, lies, losesPages, short, slow } from './faults.ts';

test('what was synced survives every power cut', async () => {
  const disk = new SimulatedDisk();
  const file = create(disk.files, '/d/a', 'synced');
  await file.datasync();
  await disk.files.syncDirectory('/d');
  await disk.files.syncDirectory('/');
  file.write(Buffer.from('more'), 6);
  for (const found of outcomes(disk, '/d/a')) assert.ok(found?.startsWith('synced'), found);
});

test('what was not synced may be there, or not, or in part: names, sizes, sectors', async () => {
  const disk = new SimulatedDisk();
  const file = create(disk.files, '/a', 'x'.repeat(512));
  assert.deepEqual(kinds(outcomes(disk, '/a')), ['full', 'none', 'part']);
  await disk.files.syncDirectory('/');
  assert.ok(!outcomes(disk, '/a').includes(undefined));
  await file.datasync();
  file.write(Buffer.alloc(2048, 'y'), 512);
  const shapes = new Set(outcomes(disk, '/a').map((found) => found!.slice(512).replace(/(.)\1*/gs, '$1')));
  // Nothing, all, cut short, and with a sector missing in between.
  for (const shape of ['', 'y', '\0', 'y\0y', '\0y'])
    assert.ok(shapes.has(shape), `${shape.replaceAll('\0', '0')} of ${[...shapes]}`);
});

test('overwritten bytes are old or new, sector by sector', async () => {
  const disk = new SimulatedDisk();
  const file = create(disk.files, '/a', 'o'.repeat(1024));
  await file.datasync();
  await disk.files.syncDirectory('/');
  file.write(Buffer.alloc(1024, 'n'), 0);
  const found = outcomes(disk, '/a').map((content) => content![0]! + content![512]!);
  assert.deepEqual([...new Set(found)].sort(), ['nn', 'no', 'on', 'oo']);
  file.write(Buffer.alloc(1024, 'm'), 0);
  assert.ok(
    outcomes(disk, '/a').some((content) => content!.includes('n')),
    'one of the versions between',
  );
});

test('a truncation that was not synced may be undone', async () => {
  const disk = new SimulatedDisk();
  const file = create(disk.files, '/a', 'long content');
  await file.datasync();
  await disk.files.syncDirectory('/');
  file.truncate(4);
  assert.deepEqual([...new Set(outcomes(disk, '/a'))].sort(), ['long', 'long content']);
  await file.datasync();
  assert.deepEqual([...new Set(outcomes(disk, '/a'))], ['long']);
});

test('a rename within a directory happens whole or not at all, and removals come back until synced', async () => {
  const disk = new SimulatedDisk();
  await create(disk.files, '/d/a', 'A').datasync();
  await disk.files.syncDirectory('/d');
  await disk.files.syncDirectory('/');
  disk.files.rename('/d/a', '/d/b');
  const names = () => new Set(seeds.map((seed) => names0(disk.afterPowerCut(seed))));
  assert.deepEqual([...names()].sort(), ['a', 'b']);
  await disk.files.syncDirectory('/d');
  assert.deepEqual([...names()], ['b']);
  disk.files.unlink('/d/b');
  assert.deepEqual([...names()].sort(), ['', 'b']);
});

test('a sync promises only what was there when it was issued', async () => {
  const disk = new SimulatedDisk();
  const file = create(disk.files, '/a', 'first');
  await disk.files.syncDirectory('/');
  const sync = file.datasync();
  file.write(Buffer.from('second'), 5);
  await sync;
  const found = new Set(outcomes(disk, '/a'));
  assert.ok(found.has('first') && found.has('firstsecond'));
});

test('a crash before operation k stops everything from there on, for every k', async () => {
  const work = async (disk: SimulatedDisk) => {
    const file = create(disk.files, '/d/a', 'one');
    await file.datasync();
    disk.files.rename('/d/a', '/d/b');
    await disk.files.syncDirectory('/d');
  };
  const whole = new SimulatedDisk();
  await work(whole);
  assert.deepEqual(
    whole.history.map((operation) => operation.kind),
    ['makeDirectory', 'create', 'write', 'datasync', 'rename', 'syncDirectory'],
  );
  for (let k = 0; k < whole.operations; k++) {
    const disk = new SimulatedDisk();
    disk.crashBefore(k);
    await assert.rejects(work(disk), { code: 'CRASH' });
    assert.equal(disk.operations, k);
    assert.throws(() => disk.files.list('/'), { code: 'CRASH' });
    assert.throws(() => disk.files.unlink('/none'), { code: 'CRASH' });
    disk.reopenAfterCrash(k).files.list('/');
  }
});

test('one seed gives one outcome, and a power cut leaves the crashed disk for other seeds', () => {
  const disk = new SimulatedDisk();
  create(disk.files, '/a', 'x'.repeat(5000));
  assert.equal(content(disk.reopenAfterCrash(7), '/a'), content(disk.reopenAfterCrash(7), '/a'));
});

test('after a kill everything written is there, and a power cut may still take it', async () => {
  const disk = new SimulatedDisk();
  create(disk.files, '/a', 'written');
  const after = disk.reopenAfterKill();
  assert.equal(content(after, '/a'), 'written');
  assert.ok(outcomes(after, '/a').includes(undefined));
  const synced = new SimulatedDisk();
  create(synced.files, '/a', 'written');
  const second = synced.reopenAfterKill();
  const file = second.files.open('/a', 'write');
  await file.datasync();
  await second.files.syncDirectory('/');
  assert.deepEqual([...new Set(outcomes(second, '/a'))], ['written']);
});

test('a full disk takes what fits, refuses the rest, and lets bytes be overwritten', () => {
  const disk = new SimulatedDisk({ capacityBytes: 10 });
  const file = create(disk.files, '/a', '12345');
  assert.deepEqual(disk.files.space('/'), { totalBytes: 10, availableBytes: 5 });
  assert.equal(file.write(Buffer.from('abcdefgh'), 5), 5);
  assert.throws(() => file.write(Buffer.from('x'), 10), { code: 'ENOSPC' });
  assert.throws(() => disk.files.open('/b', 'create'), { code: 'ENOSPC' });
  assert.equal(file.write(Buffer.from('XY'), 0), 2);
  file.truncate(2);
  assert.equal(file.write(Buffer.from('abc'), 2), 3);
  disk.files.unlink('/a');
  assert.equal(disk.files.space('/').availableBytes, 5, 'open files keep their space');
  file.close();
  assert.equal(disk.files.space('/').availableBytes, 10);
});

test('a file that others remove just before it is opened is not there, and its number is free once', () => {
  const disk = new SimulatedDisk();
  create(disk.files, '/a', 'x').close();
  disk.onOperation = ({ kind }) => {
    disk.onOperation = undefined;
    if (kind === 'open') disk.world.unlink('/a');
  };
  assert.throws(() => disk.files.open('/a', 'read').close(), { code: 'ENOENT' });
  const inodes = ['/b', '/c'].map((path) => create(disk.files, path, 'x').stat().inode);
  assert.notEqual(inodes[0], inodes[1]);
});

test('a failed sync loses its pages: reading shows them, the next sync does not save them', async () => {
  const disk = new SimulatedDisk({ faults: [losesPages({ times: 1 })] });
  const file = create(disk.files, '/a', 'lost');
  await disk.files.syncDirectory('/');
  await assert.rejects(file.datasync(), { code: 'EIO' });
  await file.datasync();
  assert.equal(content(disk, '/a'), 'lost');
  assert.deepEqual([...new Set(outcomes(disk, '/a'))], ['']);
});

test('a disk that lies loses what it said was safe', async () => {
  const disk = new SimulatedDisk({ faults: [lies()] });
  await create(disk.files, '/a', 'promised').datasync();
  await disk.files.syncDirectory('/');
  assert.ok(outcomes(disk, '/a').includes(undefined));
});

test('faults compose, hit what they are for, and print themselves', () => {
  const faults = [
    fails('EIO', { kinds: ['read'], path: /b$/, from: 1, times: 1 }),
    short(3, 1),
    flaky('EACCES', 4, 0.5, { kinds: ['list'] }),
  ];
  const disk = new SimulatedDisk({ faults });
  const file = create(disk.files, '/b', '');
  assert.ok(file.write(Buffer.alloc(100), 0) < 100);
  const into = Buffer.alloc(1);
  assert.equal(file.read(into, 0), 1);
  assert.throws(() => file.read(into, 0), { code: 'EIO' });
  assert.equal(file.read(into, 0), 1);
  const results = new Set(Array.from({ length: 30 }, () => attempt(() => disk.files.list('/'))));
  assert.deepEqual([...results].sort(), ['EACCES', 'fine']);
  assert.match(String(disk), /fails EIO \[read \/b\$\/ from 1 × 1\]\nshort .*seed 3/);
  assert.equal(disk.world.list('/').length, 1);
});

test('slow operations let the clock pass, and a crash meanwhile finds a slow sync not done', async () => {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({ clock, faults: [slow(50, { kinds: ['write', 'datasync'] })] });
  const start = clock.now();
  const file = create(disk.files, '/a', 'x');
  assert.equal(clock.now() - start, 50);
  await clock.run(file.datasync());
  assert.equal(clock.now() - start, 100);
  const sync = file.datasync();
  await clock.advance(20);
  disk.crashNow();
  await assert.rejects(clock.run(sync), { code: 'CRASH' });
});

test('rot flips a bit for readers and after a crash', async () => {
  const disk = new SimulatedDisk();
  disk.writeFile('/a/b', Buffer.from('abc'));
  disk.flipBit('/a/b', 8);
  assert.equal(content(disk, '/a/b'), 'acc');
  assert.deepEqual([...new Set(outcomes(disk, '/a/b'))], ['acc']);
});

test('inode numbers are used again at once, but never twice at a time', async () => {
  const disk = new SimulatedDisk();
  create(disk.files, '/a', 'a').close();
  disk.makeSafe();
  const { inode } = disk.files.stat('/a');
  disk.files.unlink('/a');
  create(disk.files, '/b', 'b').close();
  assert.equal(disk.files.stat('/b').inode, inode);
  const both = seeds.map((seed) => disk.reopenAfterCrash(seed)).find((after) => after.files.list('/').length === 2);
  assert.notEqual(both!.files.stat('/a').inode, both!.files.stat('/b').inode);
});

test('the clock fires timers in order, settles what they set off, and can be cancelled', async () => {
  const clock = new SimulatedClock(1000);
  const seen: string[] = [];
  clock.after(20, () => seen.push(`b${clock.now()}`));
  clock.after(10, () => {
    seen.push(`a${clock.now()}`);
    clock.soon(() => void Promise.resolve().then(() => seen.push(`soon${clock.now()}`)));
    clock.after(5, () => seen.push(`c${clock.now()}`));
  });
  clock.after(12, () => seen.push('never')).cancel();
  await clock.advance(30);
  assert.deepEqual(seen, ['a1010', 'soon1010', 'c1015', 'b1020']);
  assert.equal(clock.monotonic(), 30);
  await assert.rejects(clock.run(new Promise(() => {})), /nothing is left/);
});

const seeds = Array.from({ length: 400 }, (_, seed) => seed);

function create(files: Files, path: string, text: string): OpenFile {
  files.makeDirectory(path.slice(0, path.lastIndexOf('/')) || '/');
  const file = files.open(path, 'create');
  file.write(Buffer.from(text), 0);
  return file;
}

/** The file's content after a power cut, for many seeds; undefined where it is not there. The disk itself goes on. */
function outcomes(disk: SimulatedDisk, path: string): (string | undefined)[] {
  return seeds.map((seed) => {
    const after = disk.afterPowerCut(seed);
    return attempt(() => after.files.stat(path)) === 'fine' ? content(after, path) : undefined;
  });
}

function content(disk: SimulatedDisk, path: string): string {
  return disk.readFile(path).toString();
}

function kinds(found: (string | undefined)[]): string[] {
  return [
    ...new Set(found.map((each) => (each === undefined ? 'none' : each === 'x'.repeat(512) ? 'full' : 'part'))),
  ].sort();
}

function names0(disk: SimulatedDisk): string {
  return disk.files
    .list('/d')
    .map((entry) => entry.name)
    .join();
}

function attempt(call: () => unknown): string {
  try {
    call();
    return 'fine';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code!;
  }
}
