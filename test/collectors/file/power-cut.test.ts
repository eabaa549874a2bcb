/** Files that lose their unsynced end in a power cut: shorter than what was read of them, or NUL bytes from somewhere on. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { commonLines } from '../../../collectors/file/parting.ts';
import { decodeState } from '../../../collectors/file/state.ts';
import { temporarySpool } from '../../spool/temporary-spool.ts';
import { Bench, lines } from './bench.ts';

function events(bench: Bench): string[] {
  return bench.logged.map(({ severity, event }) => `${severity} ${event}`);
}

/** Lines that were read stay; what the file has from the common prefix on comes behind them. */
for (const [what, before, kept, after, expected] of [
  ['between two lines', lines(0, 100), lines(0, 30), lines(200, 220), lines(200, 220)],
  ['within a line', lines(0, 100), lines(0, 31).slice(0, -9), '\nnext\n', `${lines(30, 31).slice(0, -9)}\nnext\n`],
  [
    'and begins alike',
    lines(0, 100),
    lines(0, 30),
    lines(30, 50, 'after the power cut'),
    lines(30, 50, 'after the power cut'),
  ],
  ['and has nothing new', lines(0, 100), lines(0, 50), '', ''],
  [
    'to where one line is all that is left of the second kilobyte',
    lines(0, 100),
    lines(0, 24),
    lines(300, 305),
    lines(300, 305),
  ],
  ['a megabyte', lines(0, 40_000), lines(0, 20_001), lines(50_000, 50_010), lines(50_000, 50_010)],
] as const) {
  test(`a file that went back ${what} is read on where it parts from what was read of it`, async () => {
    await using bench = new Bench();
    await bench.started(before);
    await bench.powerCut(() => {
      fs.truncateSync(bench.path('a.log'), kept.length);
      bench.write('a.log', after);
    });
    bench.write('a.log', 'the end\n');
    await bench.holds('a.log', `${before}${expected}the end\n`);
    assert.deepEqual(events(bench), ['info file.went_back']);
  });
}

test('a file that went back to where a line had no end yet is read on at the start of that line', async () => {
  await using bench = new Bench();
  await bench.started(`${lines(0, 30)}half of`);
  bench.write('a.log', ' a line\nmore\n');
  await bench.holds('a.log', `${lines(0, 30)}half of a line\nmore\n`);
  await bench.powerCut(() => fs.truncateSync(bench.path('a.log'), `${lines(0, 30)}half of`.length));
  bench.write('a.log', '\nthe end\n');
  await bench.holds('a.log', `${lines(0, 30)}half of a line\nmore\nhalf of\nthe end\n`);
});

test('a file whose end became NUL bytes is read on behind them, and only they are counted', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 200));
  const kept = lines(0, 120).length;
  await bench.powerCut(() => {
    fs.truncateSync(bench.path('a.log'), kept);
    fs.truncateSync(bench.path('a.log'), lines(0, 200).length);
    bench.write('a.log', lines(300, 310));
  });
  await bench.holds('a.log', lines(0, 200) + lines(300, 310));
  assert.deepEqual(bench.intake.dropped, [
    { reason: 'hole', bytes: lines(120, 200).length, path: bench.path('a.log') },
  ]);
});

test('a file that goes back twice is read on twice where it parts from what was read', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 100));
  await bench.powerCut(() => {
    fs.truncateSync(bench.path('a.log'), lines(0, 60).length);
    bench.write('a.log', lines(200, 230));
  });
  await bench.holds('a.log', lines(0, 100) + lines(200, 230));
  await bench.powerCut(() => {
    fs.truncateSync(bench.path('a.log'), (lines(0, 60) + lines(200, 210)).length);
    bench.write('a.log', lines(400, 410));
  });
  await bench.holds('a.log', lines(0, 100) + lines(200, 230) + lines(400, 410));
});

test('a file that goes back to the very place where it was read on after the first power cut is read on there', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 100));
  for (const [round, text] of [lines(200, 230), lines(300, 330)].entries()) {
    await bench.powerCut(() => {
      fs.truncateSync(bench.path('a.log'), lines(0, 60).length);
      bench.write('a.log', text);
    });
    const before = round === 0 ? lines(0, 100) : lines(0, 100) + lines(200, 230);
    await bench.holds('a.log', before + text);
    const { source } = bench.collector!.status().sources[0]!;
    const at = lines(0, 60).length;
    const ended = bench.intake.entries.findIndex(({ run }) => run.source === source) - 1;
    const [end, begin] = bench.intake.entries.slice(ended, ended + 2).map(({ run }) => run);
    assert(end!.from === end!.to && begin!.from === at && begin!.to === at, 'one ends where the other begins');
    assert(decodeState(begin!.state!)!.points.some(({ offset }) => offset === at));
  }
});

test('where the spool holds no more of what was read, a file goes on at the newest kept point, and that is reported', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 10));
  for (let from = 10; from < 60; from += 10) {
    bench.write('a.log', lines(from, from + 10));
    await bench.holds('a.log', lines(0, from + 10));
  }
  bench.intake.keptFrom = bench.intake.entries.length;
  await bench.powerCut(() => {
    fs.truncateSync(bench.path('a.log'), lines(0, 45).length);
    bench.write('a.log', lines(100, 120));
  });
  await bench.holds('a.log', lines(0, 60) + lines(40, 45) + lines(100, 120));
  assert.deepEqual(events(bench), ['warn file.went_back']);
});

test('where the spool holds no more of a little file that is shorter, it is read from its beginning, and that is reported', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 10));
  bench.intake.keptFrom = bench.intake.entries.length;
  await bench.powerCut(() => fs.truncateSync(bench.path('a.log'), lines(0, 5).length));
  await bench.holds('a.log', lines(0, 10) + lines(0, 5));
  assert.deepEqual(events(bench), ['warn file.went_back']);
});

test('where the newest runs are all behind the place, one of the points that are kept for long is before it', async () => {
  await using bench = new Bench();
  bench.intake.trailMax = 2;
  await bench.started(lines(0, 2000)); // more than the 64 KiB after which a point is kept
  for (let from = 2000; from < 2300; from += 100) {
    bench.write('a.log', lines(from, from + 100));
    await bench.holds('a.log', lines(0, from + 100));
  }
  bench.intake.keptFrom = bench.intake.entries.length;
  await bench.powerCut(() => {
    fs.truncateSync(bench.path('a.log'), lines(0, 2050).length);
    bench.write('a.log', lines(5000, 5010));
  });
  await bench.holds('a.log', lines(0, 2300) + lines(2000, 2050) + lines(5000, 5010));
  assert.deepEqual(events(bench), ['warn file.went_back']);
});

test('what the spool still holds of the end of a long file is enough', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 3000));
  bench.intake.keptFrom = bench.intake.entries.length;
  bench.write('a.log', lines(3000, 3100));
  await bench.holds('a.log', lines(0, 3100));
  await bench.powerCut(() => {
    fs.truncateSync(bench.path('a.log'), lines(0, 3050).length);
    bench.write('a.log', lines(5000, 5010));
  });
  await bench.holds('a.log', lines(0, 3100) + lines(5000, 5010));
  assert.deepEqual(events(bench), ['info file.went_back']);
});

test('a file of less than a kilobyte that is longer again may have been written anew: it is read from its beginning, and that is reported', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 10));
  await bench.powerCut(() => {
    fs.truncateSync(bench.path('a.log'), lines(0, 5).length);
    bench.write('a.log', lines(50, 70));
  });
  await bench.holds('a.log', lines(0, 10) + lines(0, 5) + lines(50, 70));
  assert.deepEqual(events(bench), ['warn file.went_back']);
});

test('a file whose renaming went back too is read on at its path', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 100));
  bench.rename('a.log', 'a.log.1');
  bench.write('a.log', lines(100, 110));
  await bench.holds('a.log', lines(0, 110));
  bench.skewMs = 15_000; // by then the old one is done
  await bench.until(
    () => bench.collector!.status().sources.length === 1,
    () => bench.explain('a.log', ''),
  );
  await bench.powerCut(() => {
    bench.rename('a.log.1', 'a.log');
    fs.truncateSync(bench.path('a.log'), lines(0, 70).length);
    bench.write('a.log', lines(200, 220));
  });
  await bench.holds('a.log', lines(0, 110) + lines(200, 220));
});

test('after the collector was stopped a file that is shorter was truncated, whatever was booted since', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 50));
  await bench.restart(() => {
    fs.truncateSync(bench.path('a.log'), lines(0, 30).length);
    bench.ports = { bootId: 'boot 2' };
  });
  await bench.holds('a.log', lines(0, 50) + lines(0, 30));
});

test('a collector that is stopped before it has looked at a file that went back leaves the power cut to the next one', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 100));
  const entries = bench.intake.entries.length;
  await bench.stop();
  bench.intake = bench.intake.reopened(entries);
  fs.truncateSync(bench.path('a.log'), lines(0, 30).length);
  bench.ports = { ...bench.ports, bootId: 'another boot' };
  const starting = bench.start();
  await bench.stop();
  await starting;
  assert.deepEqual(events(bench), [], 'it has looked at nothing');
  await bench.restart();
  bench.write('a.log', 'the end\n');
  await bench.holds('a.log', `${lines(0, 100)}the end\n`);
  assert.deepEqual(events(bench), ['info file.went_back']);
});

test('a file that lost a part in a power cut, but not what is behind it, is read on there, and that lines may come twice is said', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 200));
  const [from, upto] = [lines(0, 100).length, lines(0, 150).length];
  await bench.powerCut(() => {
    fs.truncateSync(bench.path('a.log'), lines(0, 180).length);
    const file = fs.openSync(bench.path('a.log'), 'r+');
    fs.writeSync(file, Buffer.alloc(upto - from), 0, upto - from, from);
    fs.closeSync(file);
  });
  await bench.holds('a.log', lines(0, 200) + lines(150, 180));
  assert.deepEqual(events(bench), ['warn file.went_back']);
});

test('a file that lost its beginning in a power cut is read from there, and that is said', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 200));
  await bench.powerCut(() => {
    const file = fs.openSync(bench.path('a.log'), 'r+');
    fs.writeSync(file, Buffer.alloc(lines(0, 50).length), 0, lines(0, 50).length, 0);
    fs.closeSync(file);
  });
  await bench.holds('a.log', lines(0, 200) + lines(50, 200));
  assert.deepEqual(events(bench), ['warn file.went_back']);
});

test('a file that was seen since the power cut and is shorter then was truncated', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 50));
  await bench.powerCut(() => bench.write('a.log', lines(50, 60)));
  await bench.holds('a.log', lines(0, 60));
  fs.truncateSync(bench.path('a.log'), lines(0, 30).length);
  await bench.holds('a.log', lines(0, 60) + lines(0, 30));
});

test('a file that was truncated and begun anew has nothing in common with what was read, and is read from its beginning', async () => {
  await using bench = new Bench();
  await bench.started(lines(0, 50));
  await bench.powerCut(() => {
    fs.truncateSync(bench.path('a.log'), 0);
    bench.write('a.log', lines(100, 110));
  });
  await bench.holds('a.log', lines(0, 50) + lines(100, 110));
  assert.deepEqual(events(bench), []);
});

test('what the real spool still holds on its disk is compared, also after the segment was changed', async () => {
  await using bench = new Bench();
  await using dir = temporarySpool();
  let spool = await dir.open({ segmentBytes: 2000 });
  bench.ports = { intake: spool.intake };
  let written = 0;
  await bench.start();
  for (let round = 1; round <= 8; round++) {
    bench.write('a.log', lines(written, round * 100));
    written = round * 100;
    await bench.until(() => bench.collector!.status().sources[0]?.offset === lines(0, written).length);
    await spool.intake.flush();
  }
  assert(spool.status().segments > 1);
  fs.cpSync(dir.path, bench.path('data'), { recursive: true });
  await bench.stop();
  await spool.close();
  fs.truncateSync(bench.path('a.log'), lines(0, 333).length);
  bench.write('a.log', lines(2000, 2010));
  spool = await dir.open({ dataDir: bench.path('data') });
  bench.ports = { intake: spool.intake, bootId: 'another boot' };
  await bench.start();
  await bench.until(() => spool.status().recordsTotal >= 810);
  await bench.pause(100);
  assert.equal(spool.status().recordsTotal, 810);
  assert.deepEqual(events(bench), ['info file.went_back']);
  await bench.stop();
  await spool.close();
});

test('behind a hole in what is recalled a whole window has to be the same', async () => {
  const text = lines(0, 100);
  const common = (file: string, stretches: [number, number][], from: number) => {
    const recalled = (async function* () {
      for (const [start, end] of stretches) yield { from: start, bytes: Buffer.from(text.slice(start, end)) };
    })();
    return commonLines(recalled, async (into, at) => Buffer.from(file).copy(into, 0, Math.min(at, file.length)), from);
  };
  const end = (line: number) => lines(0, line).length;
  const cut = `${text.slice(0, end(50))}${'x'.repeat(5000)}`;
  assert.deepEqual(await common(cut, [[0, end(100)]], 0), { end: end(50), exact: true });
  assert.deepEqual(await common(cut, [[end(10), end(100)]], end(20)), { end: end(50), exact: true });
  assert.deepEqual(await common(cut, [[end(30), end(100)]], 0), { end: end(50), exact: true });
  assert.deepEqual(await common(cut, [[end(48), end(100)]], end(20)), { end: end(20), exact: false });
  const parts: [number, number][] = [40, 42, 44, 46, 48, 50].map((line) => [end(line), end(line + 2)]);
  assert.deepEqual(await common(cut, parts, end(20)), { end: end(50), exact: true }, 'in several stretches');
  const holes: [number, number][] = [
    [0, end(20)],
    [end(30), end(32)],
    [end(60), end(90)],
  ];
  assert.deepEqual(await common(cut, holes, 0), { end: end(20), exact: false });
  assert.deepEqual(await common(text, [[0, end(20)]], 0), { end: end(20), exact: true });
  assert.deepEqual(
    await common(text.slice(0, 100), [[0, end(20)]], 0),
    { end: end(2), exact: true },
    'and has no more',
  );
  assert.deepEqual(await common(text, [], end(7)), { end: end(7), exact: false });
});
