/** Files in which nothing happens sleep: nothing of them is opened or kept, and whatever happens to one wakes it. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { hostFiles } from '../../../agent/host/files.ts';
import type { Files } from '../../../spool/ports.ts';
import { Bench, lines, noHints } from './bench.ts';

const names = Array.from({ length: 50 }, (_, index) => `app${index}.log`);

/** The host's files, and the names of those that were opened. */
function watched(): { readonly files: Files; readonly opened: string[] } {
  const opened: string[] = [];
  const files = Object.create(hostFiles) as { -readonly [Method in keyof Files]: Files[Method] };
  files.open = (path, mode) => {
    opened.push(path.slice(path.lastIndexOf('/') + 1));
    return hostFiles.open(path, mode);
  };
  return { files, opened };
}

async function readAll(bench: Bench): Promise<void> {
  for (const name of names) bench.write(name, `${name}: before\n`);
  await bench.start();
  for (const name of names) await bench.holds(name, `${name}: before\n`);
}

function statesOf(bench: Bench) {
  const { sources, following = 0 } = bench.collector!.status();
  return { following: following + sources.filter(({ state }) => state === 'following').length, all: sources.length };
}

test('of files that did not change while the agent was down none is opened at the start, and what comes to one is read', async () => {
  await using bench = new Bench();
  await readAll(bench);
  const { files, opened } = watched();
  bench.ports = { files };
  await bench.restart(() => bench.write('app7.log', 'while down\n'));
  assert.deepEqual([...new Set(opened)], ['app7.log']);
  await bench.holds('app7.log', 'app7.log: before\nwhile down\n');
  assert.deepEqual(statesOf(bench), { following: names.length, all: names.length });
  bench.write('app8.log', 'later\n');
  await bench.holds('app8.log', 'app8.log: before\nlater\n');
  await bench.restart();
  bench.write('app8.log', 'again\n');
  await bench.holds('app8.log', 'app8.log: before\nlater\nagain\n');
});

test('what comes to a file that sleeps is found without any hint', async () => {
  await using bench = new Bench();
  await readAll(bench);
  bench.ports = { watcher: noHints };
  await bench.restart();
  bench.write('app8.log', 'later\n');
  await bench.holds('app8.log', 'app8.log: before\nlater\n');
});

test('a folder of which no changes are told does not let its files sleep', async () => {
  await using bench = new Bench();
  await readAll(bench);
  const { files, opened } = watched();
  bench.ports = {
    files,
    watcher: {
      watch() {
        throw new Error('no more watches');
      },
    },
  };
  await bench.restart();
  assert.equal(new Set(opened).size, names.length);
});

test('a file with other bytes, as long and as old as what was read of it, is found out soon after the start', async () => {
  await using bench = new Bench();
  await readAll(bench);
  await bench.restart(() => {
    const path = bench.path('app9.log');
    const { mtime, atime } = fs.statSync(path);
    fs.writeFileSync(path, 'app9.log: BEFORE\n');
    fs.utimesSync(path, atime, mtime);
  });
  await bench.holds('app9.log', 'app9.log: before\napp9.log: BEFORE\n');
});

test('a file that sleeps and is rotated away goes on under its new name, before its successor', async () => {
  await using bench = new Bench();
  await readAll(bench);
  await bench.restart();
  bench.rename('app3.log', 'app3.log.1');
  bench.write('app3.log.1', 'late\n');
  bench.write('app3.log', 'new\n');
  await bench.holds('app3.log', 'app3.log: before\nlate\nnew\n');
});

test('a file that sleeps and gets another included name is not read again', async () => {
  await using bench = new Bench();
  await readAll(bench);
  await bench.restart();
  bench.rename('app3.log', 'other.log');
  bench.write('other.log', 'late\n');
  await bench.holds('app3.log', 'app3.log: before\nlate\n');
  assert.equal(bench.intake.mirrored(bench.path('other.log')), '');
});

test('a file that sleeps and is truncated is read from its beginning, and one that is removed and comes again too', async () => {
  await using bench = new Bench();
  await readAll(bench);
  await bench.restart();
  fs.truncateSync(bench.path('app4.log'));
  bench.write('app4.log', 'a\n');
  bench.remove('app5.log');
  bench.write('app5.log', lines(0, 3));
  await bench.holds('app4.log', 'app4.log: before\na\n');
  await bench.holds('app5.log', `app5.log: before\n${lines(0, 3)}`);
});

test('a file in which nothing has happened for long falls asleep, and wakes with all that is known of it', async () => {
  await using bench = new Bench();
  await readAll(bench);
  let text = `app1.log: before\n${lines(0, 4000)}`;
  bench.write('app1.log', lines(0, 4000));
  await bench.holds('app1.log', text);
  await bench.pause(20); // times of files are coarse
  bench.write('app1.log', 'a little more\n');
  text += 'a little more\n';
  await bench.holds('app1.log', text);
  bench.skewMs += 700_000;
  await bench.until(() => bench.collector!.status().gauges.asleep === names.length);
  assert.deepEqual(statesOf(bench), { following: names.length, all: names.length });
  const { files, opened } = watched();
  bench.ports = { files };
  await bench.restart();
  assert.deepEqual(opened, [], 'when it fell asleep the time of its last change was written down');
  bench.write('app1.log', 'later\n');
  await bench.holds('app1.log', `${text}later\n`);
  assert.equal(bench.collector!.status().gauges.asleep, names.length - 1);
});
