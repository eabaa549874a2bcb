import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outlet, ShipperCursor, Tally } from '../../spool/nouns.ts';
import type { Spool, SpoolOptions } from '../../spool/spool.ts';
import { openSpool } from '../../spool/spool.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { SeededRandom } from '../simulation/random.ts';
import { codec, delivered, temporarySpool, writeLine } from './temporary-spool.ts';

test('a segment goes once every shipper has it durably; the two newest stay', async () => {
  await using run = await start({ shippers: [blocking('a'), blocking('b')] });
  await run.fill(20);
  const before = run.spool.status().segments;
  assert.ok(before > 5, `${before} segments`);
  await run.acknowledge('a');
  assert.equal(run.spool.status().segments, before);
  await run.acknowledge('b');
  assert.equal(run.spool.status().segments, 2);
});

test('a shipper that is no longer configured keeps nothing, and goes on where data are left when it comes back', async () => {
  await using run = await start({ shippers: [blocking('a'), blocking('b')] });
  await run.fill(5);
  await run.acknowledge('b');
  await run.reopen({ shippers: [blocking('a')] });
  await run.fill(15);
  await run.acknowledge('a');
  assert.equal(run.spool.status().segments, 2);
  await run.reopen({ shippers: [blocking('a'), blocking('b')] });
  const read = run.outlet('b').read(run.outlet('b').cursor!.position, 1000);
  assert.equal(read.kind, 'gap');
  if (read.kind === 'gap') assert.ok(read.gap.records > 0);
  await run.acknowledge('b');
  run.conserved();
});

test('retain_acked keeps acknowledged bytes to refill a receiver', async () => {
  await using run = await start({ retainAckedBytes: 20_000 });
  await run.fill(20);
  await run.acknowledge('s');
  const { bytes } = run.spool.status();
  assert.ok(bytes >= 20_000 && bytes < 40_000, `${bytes} bytes`);
});

test('a full spool blocks, names it, and goes on when something was acknowledged', async () => {
  await using run = await start({ maxBytes: 60_000 + oneMebibyte });
  await run.fill(100);
  assert.equal(run.spool.intake.hold, 'spool_full');
  assert.deepEqual(
    run.spool.status().problems.map(({ cause, red }) => [cause, red]),
    [['spool_full', true]],
  );
  assert.ok(run.spool.status().bytes < 60_000 + 2 * segmentBytes);
  await run.acknowledge('s');
  assert.equal(run.spool.intake.hold, undefined);
  assert.deepEqual(run.spool.status().problems, []);
  await run.fill(1);
  run.conserved();
});

test('drop_oldest gives up the oldest for the lagging shipper only, counts it, and says so after a restart too', async () => {
  const shippers = [{ name: 'slow', whenFull: 'drop_oldest' as const }, blocking('quick')];
  await using run = await start({ maxBytes: 60_000 + oneMebibyte, shippers });
  for (let round = 0; round < 30; round++) {
    await run.fill(3);
    await run.acknowledge('quick');
  }
  assert.equal(run.spool.intake.hold, undefined);
  const dropped = run.dropped('slow');
  assert.ok(dropped.records > 0);
  assert.equal(run.dropped('quick').records, 0);
  run.conserved();
  await run.reopen({ maxBytes: 60_000 + oneMebibyte, shippers });
  assert.deepEqual(run.dropped('slow'), dropped);
  run.conserved();
  const lines = await run.acknowledge('slow');
  assert.equal(lines.length + dropped.records, run.written);
  assert.deepEqual(run.dropped('slow'), dropped);
  run.conserved();
});

test('a receiver is told exactly what was given up behind its cursor, after any number of restarts', async () => {
  const shippers = [{ name: 'slow', whenFull: 'drop_oldest' as const }, blocking('quick')];
  const options = { maxBytes: 60_000 + oneMebibyte, shippers };
  await using run = await start(options);
  await run.fill(2);
  await run.acknowledge('slow');
  const cursor = run.outlet('slow').cursor!;
  for (let round = 0; round < 30; round++) {
    await run.fill(3);
    await run.acknowledge('quick');
  }
  const dropped = run.dropped('slow');
  assert.ok(dropped.records > 0);
  for (const receiver of ['a'.repeat(32), 'b'.repeat(32)]) {
    await run.reopen(options);
    const read = run.outlet('slow').read(cursor.position, 1e6);
    assert.equal(read.kind, 'gap');
    if (read.kind !== 'gap') return;
    const { reason, records, bytes } = read.gap;
    assert.deepEqual({ reason, records, bytes }, { reason: 'retention', ...dropped });
    // Before it has told anybody it writes its cursor anew, at the same place.
    await run.clock.run(run.outlet('slow').save({ ...cursor, receiver }));
    run.conserved();
  }
});

test('what is in flight is not dropped', async () => {
  await using run = await start({ maxBytes: 60_000 + oneMebibyte, shippers: [{ name: 's', whenFull: 'drop_oldest' }] });
  const pin = run.outlet('s').pin(0, 100);
  await run.fill(100);
  assert.equal(run.spool.intake.hold, 'spool_full');
  pin[Symbol.dispose]();
  await run.fill(1);
  assert.equal(run.spool.intake.hold, undefined);
});

test('a spool without shippers is a ring whose turned-over records are counted', async () => {
  await using run = await start({ maxBytes: 60_000 + oneMebibyte, shippers: [] });
  await run.fill(200);
  const { bytes, hold, problems } = run.spool.status();
  assert.ok(bytes < 60_000 + 3 * segmentBytes, `${bytes} bytes`);
  assert.deepEqual([hold, problems], [undefined, []]);
});

test('less than min_free holds reading without a write failing, and lets go by itself', async () => {
  await using run = await start({ minFreeBytes: 500_000, maxBytes: 10_000_000 });
  await run.fill(2);
  run.disk.capacityBytes = run.disk.usedBytes + 400_000;
  await run.fill(5);
  assert.equal(run.spool.intake.hold, 'disk_full');
  assert.match(run.spool.status().problems[0]!.message, /min_free/);
  run.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
  await run.clock.advance(2000);
  assert.equal(run.spool.intake.hold, undefined);
});

test('a full disk holds reading, keeps shipping, loses nothing, and goes on within 5 s of space coming back', async () => {
  await using run = await start({});
  await run.fill(5);
  run.disk.capacityBytes = run.disk.usedBytes + 3000;
  await run.fill(10);
  assert.equal(run.spool.intake.hold, 'disk_full');
  await run.acknowledge('s');
  run.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
  await run.clock.advance(5000);
  assert.equal(run.spool.intake.hold, undefined);
  assert.deepEqual(run.spool.status().problems, []);
  await run.acknowledge('s');
  run.conserved();
  assert.equal(run.shipped.length, run.written);
});

test('a full disk at the start is waited for', async () => {
  await using run = await start({});
  await run.fill(5);
  run.disk.capacityBytes = run.disk.usedBytes;
  await run.reopen({});
  await run.fill(1);
  assert.equal(run.spool.intake.hold, 'disk_full');
  run.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
  await run.clock.advance(5000);
  await run.acknowledge('s');
  assert.equal(run.shipped.length, run.written);
});

test('a disk that has no space even for the folders at the first start is waited for', async () => {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({ clock, capacityBytes: 0 });
  const dir = temporarySpool({ files: disk.files, clock });
  let opened: Spool | undefined;
  const opening = dir.open().then((spool) => {
    opened = spool;
  });
  await clock.advance(10_000);
  assert.equal(opened, undefined);
  assert.ok(dir.log.some(({ event }) => event === 'spool.no_space'));
  disk.capacityBytes = 1e9;
  await clock.run(opening);
  await clock.run(opened!.close());
});

test('an idle spool writes nothing: one vouching block a second after the last sync, then silence', async () => {
  await using run = await start({});
  await run.fill(1);
  await run.acknowledge('s');
  await run.clock.advance(3000);
  const operations = run.disk.operations;
  const { end } = run.spool.status();
  await run.clock.advance(3_600_000);
  assert.equal(run.disk.operations, operations);
  assert.equal(run.spool.status().end, end);
});

test('the first line after idle is durable at once, and syncs under load keep their distance', async () => {
  await using run = await start({ syncIntervalMs: 100 });
  await run.clock.advance(1000);
  writeLine(run.spool, run.source, 0, 'first\n');
  await run.clock.settle();
  assert.equal(run.spool.status().syncs, 1);
  let offset = 6;
  for (let n = 0; n < 100; n++, offset += 5) {
    writeLine(run.spool, run.source, offset, 'more\n');
    await run.clock.advance(10);
  }
  const { syncs } = run.spool.status();
  assert.ok(syncs >= 10 && syncs <= 12, `${syncs} syncs in a second`);
});

const oneMebibyte = 1024 * 1024;
const segmentBytes = 5000;

const blocking = (name: string) => ({ name, whenFull: 'block' as const });

async function start(options: Partial<SpoolOptions>) {
  const clock = new SimulatedClock();
  const disk = new SimulatedDisk({ clock });
  const dir = temporarySpool({ files: disk.files, clock, random: new SeededRandom(5), codec });
  const open = (more: Partial<SpoolOptions>): Promise<Spool> =>
    clock.run(
      openSpool(
        {
          dataDir: '/data',
          syncIntervalMs: 10,
          segmentBytes,
          maxBytes: 1e9,
          minFreeBytes: 0,
          damagedBytesMax: 1e9,
          retainAckedBytes: 0,
          shippers: [blocking('s')],
          ...more,
        },
        dir.ports,
      ),
    );
  let spool = await open(options);
  let source = spool.intake.begin(dir.description('/a'));
  let offset = 0;
  let written = 0;
  const shipped: string[] = [];
  const random = new SeededRandom(7);
  return {
    disk,
    clock,
    shipped,
    get spool() {
      return spool;
    },
    get source() {
      return source;
    },
    get written() {
      return written;
    },
    outlet: (name: string): Outlet => spool.outlet(name),
    /** About as many segments, of lines that do not compress, as far as anything is taken. */
    async fill(segments: number): Promise<void> {
      for (let n = 0; n < segments * 25; n++) {
        const line = `${Buffer.from(random.bytes(150)).toString('base64')}\n`;
        if (writeLine(spool, source, offset, line)) {
          offset += line.length;
          written++;
        }
        await clock.advance(5);
      }
      await clock.advance(1500);
    },
    async acknowledge(name: string): Promise<string[]> {
      const outlet = spool.outlet(name);
      const lines = delivered(dir, outlet, outlet.cursor?.position ?? outlet.oldest);
      shipped.push(...lines);
      await clock.run(outlet.save(endOf(outlet), true));
      await clock.advance(1500);
      return lines;
    },
    async reopen(more: Partial<SpoolOptions>): Promise<void> {
      await clock.run(spool.close());
      spool = await open(more);
      const found = [...spool.intake.sources.values()][0]!;
      source = found.number;
      offset = found.cursor.offset;
    },
    dropped(name: string): Tally {
      const drops = Object.values(spool.status().shippers[name]!.collectors.c!.dropped);
      return drops.reduce((sum, drop) => ({ records: sum.records + drop.records, bytes: sum.bytes + drop.bytes }), {
        records: 0,
        bytes: 0,
      });
    },
    /** Read = acknowledged + waiting + dropped, for every shipper and collector. */
    conserved(): void {
      const { collectors, shippers } = spool.status();
      for (const [name, shipper] of Object.entries(shippers))
        for (const [collector, { acknowledged, waiting, dropped }] of Object.entries(shipper.collectors)) {
          const parts = [acknowledged, waiting, ...Object.values(dropped)];
          const sum = (key: keyof Tally) => parts.reduce((total, part) => total + part[key], 0);
          const { spooled } = collectors[collector]!;
          assert.deepEqual([sum('records'), sum('bytes')], [spooled.records, spooled.bytes], `${name} ${collector}`);
        }
      assert.equal(collectors.c!.spooled.records, written);
    },
    async [Symbol.asyncDispose]() {
      await clock.run(spool.close());
    },
  };
}

function endOf(outlet: Outlet): ShipperCursor {
  const { durable } = outlet;
  return { receiver: '', epoch: '0'.repeat(32), forked: false, position: durable, hash: '0'.repeat(32) };
}
