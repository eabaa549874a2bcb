/**
 * What is rotated at the worst moment of a look: copytruncate, archives that are numbered on, files that are gone again. Nothing
 * is lost, nothing comes twice, and what is older comes first.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { hostFiles } from '../../../agent/host/files.ts';
import type { Files } from '../../../spool/ports.ts';
import { Bench, lines, noHints } from './bench.ts';

/** As logrotate does it: the older copies are numbered on, from the oldest. */
function shift(bench: Bench, ending = ''): void {
  for (let age = 9; age >= 1; age--) {
    const from = `a.log.${age}${ending}`;
    if (fs.existsSync(bench.path(from))) bench.rename(from, `a.log.${age + 1}${ending}`);
  }
}

function copyTruncate(bench: Bench): void {
  shift(bench);
  fs.copyFileSync(bench.path('a.log'), bench.path('a.log.1'));
  fs.truncateSync(bench.path('a.log'));
}

for (const hints of ['with', 'without']) {
  test(`${hints} hints: what was filled, copied and truncated since it was seen empty is read before what was written then`, async () => {
    await using bench = new Bench();
    if (hints === 'without') bench.ports = { watcher: noHints };
    await bench.started();
    const empty = bench.told('a.log (0 bytes) is new');
    copyTruncate(bench);
    await bench.until(empty);
    for (let from = 10; from < 50; from += 10) {
      bench.write('a.log', lines(from, from + 10));
      copyTruncate(bench);
    }
    bench.write('a.log', lines(50, 60));
    await bench.holds('a.log', lines(0, 60));
  });
}

test('a file that was copied, truncated and written to after it was looked at and before it was read: the copy comes first', async () => {
  await using bench = new Bench();
  bench.ports = { watcher: noHints };
  bench.write('a.log', lines(0, 10));
  bench.intake.hold = 'unsynced';
  await bench.start();
  copyTruncate(bench);
  bench.write('a.log', lines(10, 20));
  bench.intake.release();
  await bench.holds('a.log', lines(0, 20));
});

test('so it does where both begin with the same kilobytes', async () => {
  await using bench = new Bench();
  bench.ports = { watcher: noHints };
  const head = lines(0, 40);
  bench.write('a.log', head + lines(100, 110));
  bench.intake.hold = 'unsynced';
  await bench.start();
  copyTruncate(bench);
  bench.write('a.log', head + lines(110, 130));
  bench.intake.release();
  await bench.holds('a.log', head + lines(100, 110) + head + lines(110, 130));
});

test('a file that was copied and truncated again before its first turn is not taken for younger than that copy', async () => {
  await using bench = new Bench();
  await bench.started();
  let done = false;
  bench.onLog = (message) => {
    if (done || !message.includes('a.log (0 bytes) is new')) return;
    done = true; // at the end of the look, before it is carried out
    bench.write('a.log', lines(10, 20));
    shift(bench);
    fs.copyFileSync(bench.path('a.log'), bench.path('a.log.1'));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20); // so that the times differ
    fs.truncateSync(bench.path('a.log'));
  };
  copyTruncate(bench);
  await bench.holds('a.log', lines(0, 20));
  bench.write('a.log', lines(20, 30));
  await bench.holds('a.log', lines(0, 30));
});

for (const rest of [0, 10]) {
  test(`several copytruncates while the agent is down are read in order, the first with ${rest} unread lines`, async () => {
    await using bench = new Bench();
    await bench.started();
    await bench.restart(() => {
      if (rest > 0) bench.write('a.log', lines(10, 20));
      for (let from = 10 + rest; from < 60; from += 10) {
        copyTruncate(bench);
        bench.write('a.log', lines(from, from + 10));
      }
    });
    await bench.holds('a.log', lines(0, 60));
    assert.deepEqual(bench.intake.dropped, []);
  });
}

for (const compressed of [false, true]) {
  test(`a log that always begins alike goes on in its copy, ${compressed ? 'compressed' : 'plain'}, when that was cut off`, async () => {
    await using bench = new Bench();
    await bench.started();
    await bench.restart(() => {
      bench.write('a.log', lines(10, 20));
      copyTruncate(bench);
      bench.write('a.log', lines(0, 10));
      if (!compressed) return;
      bench.write('a.log.1.gz', zlib.gzipSync(fs.readFileSync(bench.path('a.log.1'))));
      bench.remove('a.log.1');
    });
    await bench.holds('a.log', lines(0, 20) + lines(0, 10));
  });
}

/** Does something once, right after a folder was listed for the first time since `a.log` was opened. */
function onceListed(bench: Bench, work: () => void): Files {
  let [opened, done] = [false, false];
  return {
    ...hostFiles,
    open(path, mode) {
      opened ||= path === bench.path('a.log');
      return hostFiles.open(path, mode);
    },
    list(directory) {
      const found = hostFiles.list(directory);
      if (opened && !done && directory === bench.folder) {
        done = true;
        work();
      }
      return found;
    },
  };
}

test('copytruncate in the middle of a look: nothing is passed by, nothing comes too early', async () => {
  await using bench = new Bench();
  await bench.started();
  await bench.restart(() => {
    bench.write('a.log', lines(10, 20));
    copyTruncate(bench);
    bench.write('a.log', lines(20, 30));
    const files = onceListed(bench, () => {
      copyTruncate(bench);
      bench.write('a.log', lines(30, 40));
    });
    bench.ports = { files };
  });
  await bench.holds('a.log', lines(0, 40));
  assert.deepEqual(bench.intake.dropped, []);
});

test('the rest that copytruncate takes away in the middle of a look is found in the copy', async () => {
  await using bench = new Bench();
  await bench.started();
  await bench.restart(() => {
    bench.write('a.log', lines(10, 20));
    const files = onceListed(bench, () => {
      copyTruncate(bench);
      bench.write('a.log', lines(20, 40));
    });
    bench.ports = { files };
  });
  await bench.holds('a.log', lines(0, 40));
  assert.deepEqual(bench.intake.dropped, []);
});

test('a file that is copied and truncated right after a read: its new beginning is not taken for the old one, and the rest is found', async () => {
  await using bench = new Bench();
  let work: (() => void) | undefined;
  bench.ports = { files: afterRead((path) => path === bench.path('a.log') && work?.()) };
  await bench.started();
  work = () => {
    work = undefined;
    bench.write('a.log', lines(25, 30));
    copyTruncate(bench);
    bench.write('a.log', lines(30, 90));
  };
  bench.write('a.log', lines(10, 25));
  await bench.holds('a.log', lines(0, 90));
  assert.deepEqual(bench.intake.dropped, []);
});

/** Calls back right after what is new was read from a file. */
function afterRead(call: (path: string) => void): Files {
  return {
    ...hostFiles,
    open(path, mode) {
      const file = hostFiles.open(path, mode);
      const readInto = file.readInto.bind(file);
      file.readInto = (into, position) => {
        const got = readInto(into, position);
        if (got > into[0]!.length) call(path);
        return got;
      };
      return file;
    },
  };
}

test('what was copied and cut off, renamed and compressed at once, is known by its copy, and its unread rest found there', async () => {
  await using bench = new Bench();
  bench.ports = { watcher: noHints };
  await bench.started(lines(0, 10));
  bench.write('a.log', lines(10, 12));
  copyTruncate(bench);
  bench.rename('a.log', 'a.log-20260101');
  bench.write('a.log-20260101.gz', zlib.gzipSync(''));
  bench.remove('a.log-20260101');
  bench.write('a.log', '');
  await bench.holds('a.log', lines(0, 12));
  bench.write('a.log', lines(12, 20));
  await bench.holds('a.log', lines(0, 20));
  assert.deepEqual(bench.logged, []);
});

test('what was empty, filled, copied and cut off, filled again, renamed and compressed at once comes behind its copy, and once', async () => {
  await using bench = new Bench();
  bench.ports = { watcher: noHints };
  bench.write('a.log', '');
  const empty = bench.told('a.log (0 bytes) is new');
  await bench.start();
  await bench.until(empty);
  const later = (seconds: number) => new Date(Math.floor(Date.now() / 1000 + seconds) * 1000);
  bench.write('a.log', lines(0, 10));
  copyTruncate(bench);
  bench.write('a.log', lines(10, 12));
  shift(bench);
  bench.rename('a.log', 'a.log.1');
  bench.write('a.log.1.gz', zlib.gzipSync(lines(10, 12)));
  bench.remove('a.log.1');
  fs.utimesSync(bench.path('a.log.2'), later(1), later(1));
  fs.utimesSync(bench.path('a.log.1.gz'), later(2), later(2));
  bench.write('a.log', '');
  await bench.holds('a.log', lines(0, 12));
  bench.write('a.log', lines(12, 20));
  await bench.holds('a.log', lines(0, 20));
  assert.deepEqual(bench.logged, []);
});

test('rotated files that are numbered on while they are looked at, one by one: none is passed by', async () => {
  await using bench = new Bench();
  await bench.started();
  await bench.restart(() => {
    bench.write('a.log', lines(10, 20));
    for (let from = 20; from < 50; from += 10) {
      shift(bench);
      bench.rename('a.log', 'a.log.1');
      bench.write('a.log', lines(from, from + 10));
    }
    let done = false;
    const files: Files = {
      ...hostFiles,
      list: (directory) => hostFiles.list(directory).sort((one, other) => (one.name < other.name ? 1 : -1)),
      lstat(path) {
        if (!done && path === bench.path('a.log.2')) {
          done = true; // the third has been looked at
          shift(bench);
        }
        return hostFiles.lstat(path);
      },
    };
    bench.ports = { files };
  });
  await bench.holds('a.log', lines(0, 50));
});

test('a copy in the making of what was not read yet is waited for', async () => {
  await using bench = new Bench();
  await bench.started();
  await bench.restart(() => {
    bench.write('a.log', lines(10, 20));
    copyTruncate(bench);
    bench.write('a.log', lines(20, 30));
    shift(bench);
    bench.write('a.log.1', lines(20, 25));
  });
  await bench.holds('a.log', lines(0, 20));
  await bench.pause(200);
  await bench.holds('a.log', lines(0, 20));
  bench.write('a.log.1', lines(25, 30));
  fs.truncateSync(bench.path('a.log'));
  bench.write('a.log', lines(30, 40));
  await bench.holds('a.log', lines(0, 40));
});

for (const [at, moment] of ['looked into', 'read'].entries()) {
  test(`an archive that is numbered on before it is ${moment} is looked for before anything newer is read`, async () => {
    await using bench = new Bench();
    await bench.started();
    const archive = (name: string, from: number, to: number) =>
      bench.write(name, zlib.gzipSync(Buffer.from(lines(from, to))));
    let opens = 0;
    const files: Files = {
      ...hostFiles,
      open(path, mode) {
        // The first opening looks into it, the second is to read on in it.
        if (path === bench.path('a.log.1.gz') && ++opens === at + 1) {
          shift(bench, '.gz');
          archive('a.log.1.gz', 20, 30);
          bench.remove('a.log');
          bench.write('a.log', lines(30, 40));
        }
        return hostFiles.open(path, mode);
      },
    };
    await bench.restart(() => {
      bench.remove('a.log');
      archive('a.log.1.gz', 0, 20);
      bench.ports = { files, watcher: noHints };
      bench.write('a.log', lines(20, 30));
    });
    await bench.holds('a.log', lines(0, 40));
  });
}

test('an empty file that is deleted while its writer holds it is read through its descriptor', async () => {
  await using bench = new Bench();
  bench.write('a.log', '');
  const empty = bench.told('a.log (0 bytes) is new');
  await bench.start();
  await bench.until(empty);
  const writer = fs.openSync(bench.path('a.log'), 'a');
  bench.remove('a.log');
  fs.writeSync(writer, lines(0, 10));
  fs.closeSync(writer);
  await bench.holds('a.log', lines(0, 10));
});

test('an empty file that is filled and compressed at once comes once, though it is still open', async () => {
  await using bench = new Bench();
  await bench.started();
  let empty = false;
  bench.onLog = (message) => {
    if (empty || !message.includes('a.log (0 bytes) is new')) return;
    empty = true; // carried out right after this: the file stays open
    setImmediate(() => {
      bench.write('a.log', lines(10, 20));
      bench.write('a.log.1.gz', zlib.gzipSync(fs.readFileSync(bench.path('a.log'))));
      bench.remove('a.log');
      bench.write('a.log', '');
    });
  };
  bench.rename('a.log', 'a.log.2');
  bench.write('a.log', '');
  await bench.until(() => empty);
  await bench.holds('a.log', lines(0, 20));
  bench.write('a.log', lines(20, 30));
  await bench.holds('a.log', lines(0, 30));
});

test('without hints: a file that came and was renamed while nothing stood at the path is found', async () => {
  await using bench = new Bench();
  bench.ports = { watcher: noHints };
  await bench.started();
  const isGone = bench.told((message) => !message.includes('a.log (') && message.includes('a.log.1 ('));
  bench.rename('a.log', 'a.log.1');
  await bench.until(isGone);
  shift(bench);
  bench.write('a.log.1', lines(10, 20));
  await bench.holds('a.log', lines(0, 20));
});

test('sources are numbered in the order of their generations, also where the older one was empty when it was found', async () => {
  await using bench = new Bench();
  await bench.started();
  let empty = false;
  bench.onLog = (message) => {
    empty ||= message.includes('a.log (0 bytes) is new');
  };
  bench.rename('a.log', 'a.log.2');
  bench.write('a.log', '');
  await bench.until(() => empty);
  bench.intake.hold = 'unsynced';
  bench.write('a.log', lines(10, 20));
  bench.rename('a.log', 'a.log.1');
  bench.write('a.log', lines(20, 30));
  await bench.pause(600); // what is found and not read yet is made known each quarter of a second
  bench.intake.release();
  await bench.holds('a.log', lines(0, 30));
  const sourceOf = (line: string) => bench.intake.entries.find(({ bytes }) => bytes.includes(line))?.run.source ?? 0;
  assert.ok(sourceOf('line 10 ') < sourceOf('line 20 '), `${sourceOf('line 10 ')} < ${sourceOf('line 20 ')}`);
});
