/** What was rotated and compressed while the agent was down: read on inside, read whole, or known to be read. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { hostClock } from '../../../agent/host/clock.ts';
import { Bench, lines } from './bench.ts';

for (const [ending, compress] of [
  ['.gz', zlib.gzipSync],
  ['.zst', zlib.zstdCompressSync],
] as const) {
  test(`a file that was rotated and compressed to ${ending} while the agent was down is continued inside it`, async () => {
    await using bench = new Bench();
    await bench.started();
    await bench.restart(() => {
      bench.write(`a.log.1${ending}`, compress(Buffer.from(lines(0, 5000))));
      bench.remove('a.log');
      bench.write('a.log', lines(5000, 5010));
    });
    await bench.holds('a.log', lines(0, 5010));
  });

  test(`a file of which much was read is continued inside its ${ending}, behind the first pieces that expand`, async () => {
    await using bench = new Bench();
    await bench.started(lines(0, 6000));
    await bench.restart(() => {
      bench.write(`a.log.1${ending}`, compress(Buffer.from(lines(0, 7000))));
      bench.remove('a.log');
      bench.write('a.log', lines(7000, 7010));
    });
    await bench.holds('a.log', lines(0, 7010));
  });

  for (const done of [false, true]) {
    const how = done ? 'read to its end, and done with,' : 'read to its end';
    test(`a file that was ${how} is not read again when it reappears as ${ending}`, async () => {
      await using bench = new Bench();
      await bench.started();
      bench.rename('a.log', 'a.log.1');
      bench.write('a.log', lines(10, 20));
      await bench.holds('a.log', lines(0, 20));
      if (done) bench.skewMs = 15_000;
      await bench.until(() => bench.collector!.status().sources.length === (done ? 1 : 2));
      await bench.restart(() => {
        bench.remove('a.log.1');
        bench.write(`a.log.2${ending}`, compress(Buffer.from(lines(0, 10))));
        bench.rename('a.log', 'a.log.1');
        bench.write('a.log', lines(20, 30));
      });
      await bench.holds('a.log', lines(0, 30));
      await bench.pause(300);
      await bench.holds('a.log', lines(0, 30));
    });
  }

  test(`generations that were missed and are only there as ${ending} are read whole, in order`, async () => {
    await using bench = new Bench();
    await bench.started();
    await bench.restart(() => {
      bench.remove('a.log');
      bench.write(`a.log.3${ending}`, compress(Buffer.from(lines(0, 20))));
      bench.write(`a.log.2${ending}`, compress(Buffer.from(lines(20, 30))));
      bench.write('a.log.1', lines(30, 40));
      bench.write('a.log', lines(40, 50));
    });
    await bench.holds('a.log', lines(0, 50));
  });
}

test('an archive that is still being written is read when it is whole', async () => {
  await using bench = new Bench();
  await bench.started();
  const archive = zlib.gzipSync(Buffer.from(lines(0, 2000)));
  await bench.restart(() => {
    bench.remove('a.log');
    bench.write('a.log.1.gz', archive.subarray(0, archive.length / 2));
  });
  await bench.pause(300);
  bench.write('a.log.1.gz', archive.subarray(archive.length / 2));
  await bench.holds('a.log', lines(0, 2000));
});

test('copytruncate and compression while the agent is down: the unread rest is found in the archive', async () => {
  await using bench = new Bench();
  await bench.started();
  await bench.restart(() => {
    bench.write('a.log', lines(10, 20));
    bench.write('a.log.1.gz', zlib.gzipSync(fs.readFileSync(bench.path('a.log'))));
    fs.truncateSync(bench.path('a.log'));
    bench.write('a.log', lines(20, 45));
  });
  await bench.holds('a.log', lines(0, 45));
});

test('a damaged archive is shown, and the newer file is read', async () => {
  await using bench = new Bench();
  await bench.started();
  await bench.restart(() => {
    bench.remove('a.log');
    const archive = zlib.gzipSync(Buffer.from(lines(0, 2000)));
    bench.write('a.log.1.gz', archive.fill(0, archive.length >> 2, archive.length >> 1));
    bench.write('a.log', lines(2000, 2010));
  });
  await bench.holds('a.log', lines(0, 10) + lines(2000, 2010));
  const [problem] = bench.collector!.status().problems;
  assert.equal(problem?.cause, 'unreadable');
  assert.match(problem?.message ?? '', /a\.log\.1\.gz: /);
});

test('copytruncate with compression, the copy not yet removed: the copy is read on, its archive is not another generation', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 100));
  await bench.restart(() => {
    bench.write('a.log', lines(100, 5000));
    fs.copyFileSync(bench.path('a.log'), bench.path('a.log.1'));
    bench.write('a.log.1.gz', zlib.gzipSync(fs.readFileSync(bench.path('a.log.1'))));
    fs.truncateSync(bench.path('a.log'));
  });
  await bench.holds('a.log', lines(0, 5000));
  bench.remove('a.log.1');
  bench.write('a.log', lines(5000, 5010));
  await bench.holds('a.log', lines(0, 5010));
  await bench.pause(500);
  await bench.holds('a.log', lines(0, 5010));
});

test('the clock was set back while the agent was down: archives that were missed are found by their counters', async () => {
  await using bench = new Bench();
  await bench.started();
  const hour = 3_600_000;
  await bench.restart(() => {
    bench.write('a.log', lines(10, 20));
    for (const [age, from] of [
      [3, 0],
      [2, 20],
      [1, 30],
    ] as const) {
      const text = from === 0 ? fs.readFileSync(bench.path('a.log')) : lines(from, from + 10);
      bench.write(`a.log.${age}.gz`, zlib.gzipSync(text));
      if (from > 0) fs.utimesSync(bench.path(`a.log.${age}.gz`), new Date(), new Date(Date.now() - hour + from * 1000));
    }
    bench.remove('a.log');
    bench.write('a.log', lines(40, 50));
    bench.ports = { clock: Object.assign(Object.create(hostClock), { now: () => hostClock.now() - hour }) };
  });
  await bench.holds('a.log', lines(0, 50));
});
