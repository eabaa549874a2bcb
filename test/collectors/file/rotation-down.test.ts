/** What happens to files while the agent is down, and is found out at the next start. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { Bench, lines } from './bench.ts';

test('a file that was renamed while the agent was down is read to its end, then its successor', async () => {
  await using bench = new Bench();
  await bench.started();
  await bench.restart(() => {
    bench.write('a.log', lines(10, 20));
    bench.rename('a.log', 'a.log.1');
    bench.write('a.log', lines(20, 30));
  });
  await bench.holds('a.log', lines(0, 30));
});

test('generations that came and went while the agent was down are read, oldest first', async () => {
  await using bench = new Bench();
  await bench.started();
  await bench.restart(() => {
    bench.write('a.log', lines(10, 20));
    for (let from = 20; from < 60; from += 10) {
      for (const age of [4, 3, 2, 1])
        if (fs.existsSync(bench.path(`a.log.${age}`))) bench.rename(`a.log.${age}`, `a.log.${age + 1}`);
      bench.rename('a.log', 'a.log.1');
      bench.write('a.log', lines(from, from + 10));
    }
  });
  await bench.holds('a.log', lines(0, 60));
});

test('a renamed file is found under any name among its siblings', async () => {
  await using bench = new Bench();
  await bench.started();
  await bench.restart(() => {
    bench.write('a.log', lines(10, 20));
    bench.rename('a.log', 'something-else');
    bench.write('a.log', lines(20, 30));
  });
  await bench.holds('a.log', lines(0, 30));
});

for (const [what, moved, change] of [
  ['moved', 'old/whatever', (bytes: Buffer) => bytes],
  ['moved and compressed', 'old/a.log.1.gz', (bytes: Buffer) => zlib.gzipSync(bytes)],
] as const) {
  test(`a file that was ${what} to another folder is found through the rotated patterns`, async () => {
    await using bench = new Bench();
    bench.options = { rotated: [bench.path('old/*')] };
    await bench.started();
    await bench.restart(() => {
      bench.write('a.log', lines(10, 20));
      fs.mkdirSync(bench.path('old'));
      bench.rename('a.log', moved);
      const bytes = fs.readFileSync(bench.path(moved));
      const changed = change(bytes);
      if (changed !== bytes) {
        bench.remove(moved); // compressors make another file
        bench.write(moved, changed);
      }
      bench.write('a.log', lines(20, 30));
    });
    await bench.holds('a.log', lines(0, 30));
  });
}

test('copytruncate while the agent is down: the unread rest is found in the copy', async () => {
  await using bench = new Bench();
  await bench.started();
  await bench.restart(() => {
    bench.write('a.log', lines(10, 20));
    fs.copyFileSync(bench.path('a.log'), bench.path('a.log.1'));
    fs.truncateSync(bench.path('a.log'));
    bench.write('a.log', lines(20, 25));
  });
  await bench.holds('a.log', lines(0, 25));
});

test('a file that was truncated and grew past the old position while the agent was down is read from its beginning', async () => {
  await using bench = new Bench();
  await bench.started();
  await bench.restart(() => {
    fs.truncateSync(bench.path('a.log'));
    bench.write('a.log', lines(100, 200));
  });
  await bench.holds('a.log', lines(0, 10) + lines(100, 200));
});

test('a file that was deleted and made anew with the same inode is read from its beginning', async () => {
  await using bench = new Bench();
  await bench.started();
  const before = fs.statSync(bench.path('a.log')).ino;
  let after = 0;
  await bench.restart(() => {
    bench.remove('a.log');
    bench.write('a.log', lines(100, 200));
    after = fs.statSync(bench.path('a.log')).ino;
  });
  await bench.holds('a.log', lines(0, 10) + lines(100, 200));
  if (before !== after) console.log('# the file system did not use the inode again; the simulated one does');
});

test('files that start with the same 4 KiB are kept apart', async () => {
  await using bench = new Bench();
  const banner = lines(0, 100)
    .slice(0, 4096)
    .replace(/[^\n]*$/, '');
  bench.write('a.log', `${banner}first of a\n`);
  bench.write('b.log', `${banner}first of b\n`);
  bench.write('c.log', `${banner}first of c\n`);
  await bench.start();
  await bench.holds('a.log', `${banner}first of a\n`);
  await bench.holds('b.log', `${banner}first of b\n`);
  await bench.holds('c.log', `${banner}first of c\n`);
  await bench.restart(() => {
    fs.truncateSync(bench.path('c.log'));
    bench.write('c.log', `${banner}second, longer, of c\n`);
    bench.rename('a.log', 'a.log.1');
    bench.write('a.log', `${banner}second of a\n`);
    bench.remove('b.log');
    bench.write('b.log', `${banner}second of b\n`);
  });
  await bench.holds('a.log', `${banner}first of a\n${banner}second of a\n`);
  await bench.holds('b.log', `${banner}first of b\n${banner}second of b\n`);
  await bench.holds('c.log', `${banner}first of c\n${banner}second, longer, of c\n`);
});

test('tiny and empty files are files', async () => {
  await using bench = new Bench();
  bench.write('empty.log', '');
  bench.write('a.log', 'x');
  bench.write('b.log', '\n');
  await bench.start();
  await bench.holds('a.log', 'x');
  await bench.holds('b.log', '\n');
  await bench.restart(() => {
    bench.write('empty.log', '1\n');
    bench.write('a.log', 'y\n');
    bench.rename('b.log', 'b.log.1');
    bench.write('b.log', '\n');
  });
  await bench.holds('empty.log', '1\n');
  await bench.holds('a.log', 'xy\n');
  await bench.holds('b.log', '\n\n');
});

test('rotated siblings that stand there at the first start are not read unless they are included', async () => {
  await using bench = new Bench();
  bench.write('a.log.1', 'old\n');
  fs.utimesSync(bench.path('a.log.1'), 1, 1);
  await bench.started('new\n');
  await bench.pause(100);
  bench.rename('a.log.1', 'a.log.2');
  bench.rename('a.log', 'a.log.1');
  bench.write('a.log', 'newest\n');
  await bench.holds('a.log', 'new\nnewest\n');
  assert.equal(bench.intake.mirrored(bench.path('a.log.1')), '');
});

test('rotated siblings that are included are sources of their own, and rotation does not read them twice', async () => {
  await using bench = new Bench();
  bench.options = { include: [bench.path('a.log*')] };
  bench.write('a.log.1', lines(0, 10));
  fs.utimesSync(bench.path('a.log.1'), 1, 1);
  await bench.started(lines(10, 20));
  await bench.holds('a.log.1', lines(0, 10));
  bench.rename('a.log.1', 'a.log.2');
  bench.rename('a.log', 'a.log.1');
  bench.write('a.log', lines(20, 30));
  await bench.holds('a.log', lines(10, 30));
  await bench.pause(500);
  assert.equal(bench.intake.mirrored(bench.path('a.log.1')), lines(0, 10));
  assert.equal(bench.intake.mirrored(bench.path('a.log.2')), '');
  await bench.holds('a.log', lines(10, 30));
});

test('at the first start no rotated sibling was missed, however young it is: included, it is a source of its own', async () => {
  await using bench = new Bench();
  bench.options = { include: [bench.path('a.log*')] };
  bench.write('a.log', lines(10, 20));
  fs.utimesSync(bench.path('a.log'), 1000, 1000);
  bench.write('a.log.1', lines(0, 10));
  bench.intake.hold = 'unsynced'; // both are looked at before anything is read
  await bench.start();
  bench.intake.release();
  await bench.holds('a.log', lines(10, 20));
  await bench.holds('a.log.1', lines(0, 10));
});

for (const include of ['*.log', '*.log*']) {
  test(`a file that came and was rotated away while the agent was down is read, before its successor (${include})`, async () => {
    await using bench = new Bench();
    await bench.start({ include: [bench.path(include)] });
    await bench.restart(() => {
      bench.write('a.log', lines(0, 10));
      bench.rename('a.log', 'a.log.1');
      bench.write('a.log', lines(10, 20));
    });
    await bench.holds('a.log', lines(0, 20));
  });
}

test('with new patterns their files are looked at for the first time: rotated siblings that stand there are left alone', async () => {
  await using bench = new Bench();
  bench.write('first/b.log', 'known\n');
  await bench.start({ include: [bench.path('first/*.log')] });
  await bench.holds('first/b.log', 'known\n');
  await bench.pause(30); // the clock of files is coarse
  await bench.restart(
    () => {
      bench.write('a.log.1', lines(0, 10));
      bench.write('a.log', lines(10, 20));
    },
    { include: [bench.path('first/*.log'), bench.path('*.log')] },
  );
  await bench.holds('a.log', lines(10, 20));
});

test('a file that was found, but not read yet when the agent was cut off, is known: rotated meanwhile it is not taken for an old one', async () => {
  await using bench = new Bench();
  bench.write('a.log', lines(0, 10));
  fs.utimesSync(bench.path('a.log'), 1000, 1000);
  bench.intake.hold = 'spool_full';
  await bench.start();
  await bench.restart(() => {
    bench.rename('a.log', 'a.log.1');
    bench.write('a.log', lines(10, 20));
  });
  await bench.holds('a.log', lines(0, 20));
});

test('a crash that loses the newest runs reads just those again', async () => {
  await using bench = new Bench();
  await bench.started();
  for (let from = 10; from < 50; from += 10) {
    bench.write('a.log', lines(from, from + 10));
    await bench.holds('a.log', lines(0, from + 10));
  }
  await bench.restart(() => {}, {}, bench.intake.entries.length - 2);
  await bench.holds('a.log', lines(0, 50));
});

test('in the same boot a file that is shorter was truncated, and is read from its beginning', async () => {
  await using bench = new Bench();
  await bench.started();
  for (let from = 10; from < 50; from += 10) {
    bench.write('a.log', lines(from, from + 10));
    await bench.holds('a.log', lines(0, from + 10));
  }
  await bench.restart(() => fs.truncateSync(bench.path('a.log'), lines(0, 30).length));
  await bench.holds('a.log', lines(0, 50) + lines(0, 30));
});

test('where a short start does not tell what became of a file, nothing is passed over: it is read again, and that is reported', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 5));
  await bench.restart(() => {
    bench.write('a.log.1', lines(0, 5)); // a copy of it, or another one that begins alike
    bench.remove('a.log');
    bench.write('a.log', lines(5, 10));
  });
  await bench.holds('a.log', lines(0, 5) + lines(0, 10));
  assert.deepEqual(
    bench.logged.map(({ event }) => event),
    ['file.unclear'],
  );
});

test('a file whose state cannot be used is read again, and that is reported', async () => {
  await using bench = new Bench();
  await bench.started();
  bench.intake.spoilStates(bench.path('a.log'));
  await bench.restart(() => bench.write('a.log', lines(10, 20)));
  await bench.holds('a.log', lines(0, 10) + lines(0, 20));
  assert.deepEqual(
    bench.logged.map(({ event }) => event),
    ['file.state_unusable'],
  );
});

test('of a path whose file was deleted and done with, what came and was rotated away while the agent was down is read', async () => {
  await using bench = new Bench();
  await bench.started();
  bench.remove('a.log');
  bench.skewMs = 15_000; // by then nothing more is expected of it
  await bench.until(() => bench.collector!.status().sources.length === 0);
  await bench.pause(30); // the clock of files is coarse
  await bench.restart(() => {
    bench.write('a.log', lines(10, 20));
    bench.rename('a.log', 'a.log.1');
  });
  await bench.holds('a.log', lines(0, 20));
});
