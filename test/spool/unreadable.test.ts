import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outlet } from '../../spool/nouns.ts';
import { patienceLimits } from '../../spool/patience.ts';
import type { Files } from '../../spool/ports.ts';
import type { Spool } from '../../spool/spool.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { badSectors, fails } from '../simulation/faults.ts';
import { firstSeed } from '../simulation/random.ts';
import type { TestSpool } from './temporary-spool.ts';
import { linesOf, temporarySpool, writeLines } from './temporary-spool.ts';
import { conserved, live, World } from './world.ts';

const seed = firstSeed(1);
const spoolFiles = /^\/data\/spool\//;
const shippers = [
  { name: 'a', whenFull: 'block' as const },
  { name: 'b', whenFull: 'block' as const },
];

test('reads that fail for a while, wherever it happens, at the start too, lose nothing and repeat nothing', async () => {
  let met = 0;
  for (let from = 0; from < 120; from += 1) {
    const world = new World(3, 20);
    const disk = new SimulatedDisk();
    assert.ok(await live(world, { disk, seed, steps: 25, leaveBacklog: true }));
    // Once with everything durable, once with what a power cut leaves.
    const after = from % 2 === 0 ? disk.reopenAfterCrash(from) : disk;
    after.faults = [fails('EIO', { kinds: ['read'], path: /^\/data\/(spool|cursors)\//, from, times: 1 + (from % 5) })];
    assert.ok(await live(world, { disk: after, seed: seed + from, steps: 25 }));
    world.check();
    if (world.log.some(({ event }) => event === 'spool.unreadable' || event === 'spool.open_unreadable')) met++;
  }
  assert.ok(met > 20, `it was met ${met} times`);
});

test('a shipper whose read fails waits, is shown with the reason, turns red only when it lasts, and holds up no other', async () => {
  await using run = await start();
  const { spool, disk, clock } = run;
  const lines = await run.write(40);
  const [a, b] = [spool.outlet('a'), spool.outlet('b')];
  const bad = badSectors(spoolFiles, 0, 1e9);
  disk.faults = [bad];
  assert.equal(a.read(a.oldest, 1000).kind, 'unreadable');
  disk.faults = [];
  assert.equal(run.read(b).length, lines.length);
  const [problem] = spool.status().problems;
  assert.deepEqual([problem?.cause, problem?.subject, problem?.red], ['unreadable', 'a', false]);
  assert.match(problem!.message, /00000000000000000000\.zst, byte 0\): the disk refuses to read it: EIO/);
  disk.faults = [bad];
  await clock.advance(patienceLimits.redAfterMs + 1000);
  assert.equal(spool.status().problems[0]?.red, true);
  disk.faults = [];
  await clock.advance(patienceLimits.delayMsMax);
  assert.equal(run.read(a).length, lines.length);
  assert.deepEqual(spool.status().problems, []);
});

test('tries come with growing delays, and whoever waits is woken when reading works again', async () => {
  await using run = await start();
  const { spool, disk, clock } = run;
  await run.write(10);
  const a = spool.outlet('a');
  let reads = 0;
  disk.faults = [
    {
      name: 'counts',
      effect({ kind, path }) {
        if (kind === 'read' && spoolFiles.test(path)) reads++;
        return undefined;
      },
    },
    badSectors(spoolFiles, 0, 1e9),
  ];
  assert.equal(a.read(0, 1000).kind, 'unreadable');
  let woken = false;
  void a.readable(0, new AbortController().signal).then(() => {
    woken = true;
  });
  await clock.advance(120_000);
  assert.ok(reads > 8 && reads < 16, `${reads} reads in two minutes`);
  assert.equal(woken, false);
  disk.faults = [];
  await clock.advance(patienceLimits.delayMsMax);
  assert.equal(woken, true);
  assert.equal(a.read(0, 1000).kind, 'blocks');
});

test('a bad sector is given up after ten minutes as one declared gap: its block, and nothing beside it', async () => {
  await using run = await start();
  const { spool, disk, clock } = run;
  const lines = await run.write(60);
  const a = spool.outlet('a');
  const first = a.read(0, 1);
  const second = a.read(first.kind === 'blocks' ? first.upto : 0, 1);
  assert.equal(second.kind, 'blocks');
  if (second.kind !== 'blocks') return;
  const lost = second.blocks.reduce((sum, block) => sum + block.records, 0);
  disk.faults = [badSectors(spoolFiles, second.upto - 10, second.upto - 9)];
  const before = clock.monotonic();
  const got = await run.drain(a);
  const tookMs = clock.monotonic() - before;
  assert.ok(
    tookMs >= patienceLimits.unreadableMsMax && tookMs < patienceLimits.unreadableMsMax + 120_000,
    `${tookMs} ms`,
  );
  assert.equal(got.lines.length, lines.length - lost);
  assert.deepEqual(
    got.gaps.map(({ from, upto, reason, records }) => ({ from, upto, reason, records })),
    [{ from: second.from, upto: second.upto, reason: 'damaged', records: lost }],
  );
  conserved(spool);
  assert.equal((await run.drain(spool.outlet('b'))).lines.length, lines.length - lost);
});

test('a disk that refuses everything is waited for, for a day, and nothing is given up', async () => {
  await using run = await start();
  const { spool, disk, clock } = run;
  const lines = await run.write(60);
  disk.faults = [badSectors(spoolFiles, 0, 1e9)];
  const a = spool.outlet('a');
  for (let hour = 0; hour < 24; hour++) {
    assert.equal(a.read(0, 1e6).kind, 'unreadable');
    await clock.advance(3_600_000);
  }
  disk.faults = [];
  await clock.advance(200_000);
  assert.equal(run.read(a).length, lines.length);
});

test('a segment that cannot be opened is never given up while it stands there, and is a gap once it was taken away', async () => {
  await using run = await start({ segmentBytes: 2000 });
  const { spool, disk, clock } = run;
  await run.write(200);
  const a = spool.outlet('a');
  disk.faults = [fails('EACCES', { kinds: ['open'], path: /\/00000000000000000000\.zst$/ })];
  for (let hour = 0; hour < 3; hour++) {
    assert.equal(a.read(0, 1e6).kind, 'unreadable');
    await clock.advance(3_600_000);
  }
  disk.world.unlink('/data/spool/00000000000000000000.zst');
  disk.faults = [];
  await clock.advance(200_000);
  const gap = a.read(0, 1e6);
  assert.equal(gap.kind === 'gap' && gap.gap.reason, 'damaged');
  assert.ok(gap.kind === 'gap' && gap.gap.records > 0);
});

test('a block whose bytes came wrong once is read again, and is no gap', async () => {
  await using run = await start();
  const { spool } = run;
  const lines = await run.write(30);
  run.garbleNextRead();
  const a = spool.outlet('a');
  assert.equal(run.read(a).length, lines.length);
  assert.equal(run.garbled(), 1);
  assert.deepEqual(spool.status().problems, []);
});

test('a newest segment that cannot be opened for a minute is set aside and named; everything else goes on', async () => {
  await using run = await start({ segmentBytes: 2000 });
  const { disk, clock } = run;
  const written = (await run.write(220)).join('').length;
  const names = run.segments();
  const newest = names.at(-1)!;
  const durable = run.spool.status().durable;
  await clock.run(run.spool.close());

  disk.faults = [fails('EIO', { kinds: ['open', 'stat'], path: new RegExp(newest) })];
  const again = await clock.run(run.dir.open({ syncIntervalMs: 10, shippers, segmentBytes: 2000 }));
  assert.match(
    again.status().recovered.join('\n'),
    new RegExp(`${newest} cannot be opened \\(EIO.*moved to /data/damaged/`),
  );
  assert.deepEqual(run.segments(), names.slice(0, -1));
  assert.ok(disk.world.list('/data/damaged').some(({ name }) => name.includes('-unopened-')));
  // The place of its source is the one before that segment: what it held is read again.
  const [record] = again.intake.sources.values();
  const from = record!.cursor.offset;
  assert.ok(from > 0 && from < written, `${from} of ${written}`);
  const lines = await writeLines(again, record!.number, from, 10);
  await clock.run(again.intake.flush());
  assert.ok(again.status().durable > durable, 'a position was used twice');
  const all = (await run.drain(again.outlet('a'))).lines;
  assert.deepEqual(all.slice(-10), lines);
  assert.equal(all.join('').length, from + lines.join('').length);
  conserved(again);
  await clock.run(again.close());
});

test('an older segment that cannot be opened holds up no start; its shippers wait for it, and lose nothing', async () => {
  await using run = await start({ segmentBytes: 2000 });
  const { disk, clock } = run;
  const lines = await run.write(200);
  const [, second] = run.segments();
  await clock.run(run.spool.close());

  disk.faults = [fails('EIO', { kinds: ['open', 'stat'], path: new RegExp(second!) })];
  const again = await clock.run(run.dir.open({ syncIntervalMs: 10, shippers, segmentBytes: 2000 }));
  assert.equal(again.intake.hold, undefined);
  assert.ok(run.segments().includes(second!));
  const drained = run.drain(again.outlet('a'));
  await clock.advance(60_000);
  assert.ok(again.status().problems.some(({ cause }) => cause === 'unreadable'));
  disk.faults = [];
  const { lines: got, gaps } = await clock.run(drained);
  assert.deepEqual([got, gaps], [lines, []]);
  conserved(again);
  await clock.run(again.close());
});

test('a disk that refuses everything at the start is waited for, however long, and nothing is set aside', async () => {
  await using run = await start();
  const { disk, clock } = run;
  const lines = await run.write(50);
  await clock.run(run.spool.close());

  disk.faults = [fails('EIO', { path: /^\/data\/(spool|cursors|damaged)/ })];
  let spool: Spool | undefined;
  const opening = run.dir.open({ syncIntervalMs: 10, shippers }).then((opened) => {
    spool = opened;
  });
  await clock.advance(600_000);
  assert.equal(spool, undefined);
  assert.ok(run.dir.log.some(({ event, severity }) => event === 'spool.open_refused' && severity === 'error'));
  disk.faults = [];
  await clock.run(opening);
  assert.deepEqual(spool!.status().recovered, []);
  assert.deepEqual((await run.drain(spool!.outlet('a'))).lines, lines);
  await clock.run(spool!.close());
});

async function start(options: { segmentBytes?: number } = {}) {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({ clock });
  const garble = { next: false, times: 0 };
  const dir: TestSpool = temporarySpool({ files: garbling(disk.files, garble), clock });
  const spool: Spool = await clock.run(dir.open({ syncIntervalMs: 10, shippers, ...options }));
  const source = spool.intake.begin(dir.description('/a'));
  let at = 0;
  const run = {
    spool,
    dir,
    disk,
    clock,
    segments: () =>
      disk.world
        .list('/data/spool')
        .map(({ name }) => name)
        .sort(),
    garbleNextRead: () => {
      garble.next = true;
    },
    garbled: () => garble.times,
    /** So many lines, ten in a block, all durable. */
    async write(count: number): Promise<string[]> {
      const all: string[] = [];
      for (let left = count; left > 0; left -= 10) {
        const lines = await writeLines(spool, source, at, Math.min(10, left));
        at += lines.join('').length;
        all.push(...lines);
        await clock.advance(20);
      }
      await clock.advance(1500);
      return all;
    },
    /** What can be read at once. */
    read(outlet: Outlet): string[] {
      const lines: string[] = [];
      for (let from = outlet.oldest; ; ) {
        const read = outlet.read(from, 1e6);
        if (read.kind === 'end') return lines;
        assert.equal(read.kind, 'blocks');
        if (read.kind !== 'blocks') return lines;
        lines.push(...linesOf(read, dir.ports.codec));
        from = read.upto;
      }
    },
    /** As a shipper does: waits where it has to. */
    async drain(outlet: Outlet) {
      const lines: string[] = [];
      const gaps: Extract<ReturnType<Outlet['read']>, { kind: 'gap' }>['gap'][] = [];
      for (let from = outlet.oldest; ; ) {
        const read = outlet.read(from, 1000);
        if (read.kind === 'end') return { lines, gaps };
        if (read.kind === 'unreadable') {
          await clock.run(outlet.readable(from, new AbortController().signal));
          continue;
        }
        if (read.kind === 'gap') gaps.push(read.gap);
        else {
          lines.push(...linesOf(read, dir.ports.codec));
          const { end, hash } = read.blocks.at(-1)!;
          await outlet.save({ receiver: '', epoch: read.epoch.id, forked: false, position: end, hash });
        }
        from = read.upto;
      }
    },
    async [Symbol.asyncDispose]() {
      await clock.run(spool.close());
    },
  };
  return run;
}

/** A bit that is turned over on its way from the disk, once. */
function garbling(files: Files, garble: { next: boolean; times: number }): Files {
  return {
    ...files,
    open(path, mode) {
      const file = files.open(path, mode);
      if (mode !== 'read' || !spoolFiles.test(path)) return file;
      const read = file.read.bind(file);
      file.read = (into, position) => {
        const count = read(into, position);
        if (garble.next && count > 200) {
          garble.next = false;
          garble.times++;
          into[150]! ^= 4;
        }
        return count;
      };
      return file;
    },
  };
}
