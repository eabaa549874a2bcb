/** Where a source begins, and how long its cursor is kept: start_at, collectors that were renamed, folders that are away, forgetting. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { Bench, lines } from './bench.ts';

test('start_at end passes over what stands there at the very first start, and nothing else', async () => {
  await using bench = new Bench();
  bench.write('a.log', 'old\nolder\nhalf');
  await bench.start({ startAt: 'end' });
  bench.write('a.log', ' a line\nnew\n');
  bench.write('b.log', 'later\n');
  await bench.holds('a.log', 'half a line\nnew\n');
  await bench.holds('b.log', 'later\n');
  await bench.restart(() => bench.write('c.log', 'while down\n'));
  await bench.holds('c.log', 'while down\n');
  assert.deepEqual(
    bench.intake.dropped.map(({ reason, bytes }) => [reason, bytes]),
    [['start_at_end', 10]],
  );
});

test('start_at end on an empty folder does not pass over files that come while the agent is down', async () => {
  await using bench = new Bench();
  await bench.start({ startAt: 'end' });
  await bench.restart(() => bench.write('a.log', 'one\n'));
  await bench.holds('a.log', 'one\n');
});

test('a renamed collector goes on where the old one was', async () => {
  await using bench = new Bench();
  await bench.started('one\n');
  await bench.restart(() => bench.write('a.log', 'two\n'), { name: 'new', configuredCollectors: ['new'] });
  await bench.holds('a.log', 'one\ntwo\n');
  const [source] = bench.collector!.status().sources;
  assert.equal(bench.intake.descriptions.get(source!.source)?.collector, 'new');
});

test('a renamed collector reads what was rotated away meanwhile, as the old one would have', async () => {
  await using bench = new Bench();
  await bench.started();
  const rotated = () => {
    bench.write('a.log', lines(10, 20));
    bench.rename('a.log', 'a.log-20260130');
    bench.write('a.log-20260131', lines(20, 30));
    bench.write('a.log', lines(30, 40));
  };
  await bench.restart(rotated, { name: 'new', configuredCollectors: ['new'] });
  await bench.holds('a.log', lines(0, 40));
});

test('of a collector that is gone only cursors of files that are included are adopted', async () => {
  await using bench = new Bench();
  await bench.appears('a.log');
  await bench.restart(() => bench.write('a.log', 'two\n'), {
    ...{ name: 'new', configuredCollectors: ['new'], include: [bench.path('*.txt')] },
  });
  bench.write('b.txt', 'three\n');
  await bench.holds('b.txt', 'three\n');
  await bench.pause(500); // some scans
  await bench.holds('a.log', 'one\n');
  await bench.restart(() => {}, { name: 'logs', configuredCollectors: ['logs'], include: [bench.path('*.log')] });
  await bench.holds('a.log', 'one\ntwo\n');
});

for (const [how, options] of [
  ['taken out of include', { include: ['b.log'] }],
  ['excluded', { include: ['*.log'], exclude: ['a.*'] }],
] as const) {
  test(`a file that is ${how} is not read on after a restart, and goes on where it was when it is back`, async () => {
    await using bench = new Bench();
    await bench.appears('a.log');
    const within = (names: readonly string[] = []) => names.map((name) => bench.path(name));
    const patterns = { include: within(options.include), exclude: within('exclude' in options ? options.exclude : []) };
    await bench.restart(() => bench.write('a.log', 'two\n'), patterns);
    await bench.appears('b.log');
    await bench.pause(500); // some scans
    await bench.holds('a.log', 'one\n');
    await bench.restart(() => {}, { include: within(['*.log']), exclude: [] });
    await bench.holds('a.log', 'one\ntwo\n');
  });
}

test('of two cursors of one file, of collectors that became one, that which is further goes on', async () => {
  await using bench = new Bench();
  bench.write('a.log', 'one\n');
  fs.linkSync(bench.path('a.log'), bench.path('b.log'));
  await bench.start({ include: [bench.path('b.log')] });
  await bench.holds('b.log', 'one\n');
  const configuredCollectors = ['logs', 'second'];
  await bench.restart(() => bench.write('a.log', 'two\n'), {
    ...{ name: 'second', include: [bench.path('a.log')], configuredCollectors },
  });
  await bench.holds('a.log', 'one\ntwo\n');
  await bench.restart(() => bench.write('a.log', 'three\n'), {
    ...{ name: 'logs', include: [bench.path('*.log')], configuredCollectors: ['logs'] },
  });
  await bench.holds('a.log', 'one\ntwo\nthree\n');
  await bench.holds('b.log', 'one\n');
});

test('several collectors that start together never adopt the same cursor', async () => {
  await using bench = new Bench();
  await bench.appears('a.log');
  await bench.stop();
  bench.intake = bench.intake.reopened();
  const configuredCollectors = ['new', 'all', 'other'];
  const collectors = [
    bench.create({ configuredCollectors, name: 'other', include: [bench.path('*.txt')] }),
    bench.create({ configuredCollectors, name: 'new' }),
    bench.create({ configuredCollectors, name: 'all', include: [bench.path('*')] }),
  ];
  for (const collector of collectors) await collector.start();
  bench.write('a.log', 'two\n');
  const read = () => bench.intake.mirrored(bench.path('a.log')).length;
  await bench.until(() => read() === 'one\ntwo\none\ntwo\n'.length); // `all` reads it for itself
  const readers = bench.intake.entries.filter(({ run }) => run.records > 0).map(({ run }) => run.source);
  const nameOf = (source: number) => bench.intake.descriptions.get(source)!.collector;
  assert.deepEqual([...new Set(readers)].map(nameOf), ['new', 'all']);
  for (const collector of collectors) await collector.stop();
});

test('a collector beside another one that is still configured reads for itself', async () => {
  await using bench = new Bench();
  await bench.started('one\n');
  await bench.restart(() => {}, { name: 'second', configuredCollectors: ['logs', 'second'] });
  await bench.holds('a.log', 'one\none\n');
});

test('a directory that is away for a while keeps its cursors', async () => {
  await using bench = new Bench();
  bench.write('mount/a.log', 'one\n');
  await bench.start({ include: [bench.path('mount/*.log')] });
  await bench.holds('mount/a.log', 'one\n');
  bench.rename('mount', 'elsewhere');
  await bench.restart(() => {});
  await bench.pause(500);
  bench.write('elsewhere/a.log', 'two\n');
  bench.rename('elsewhere', 'mount');
  await bench.holds('mount/a.log', 'one\ntwo\n');
});

test('an empty folder where a mount was keeps the cursors of the files that were in it', async () => {
  await using bench = new Bench();
  bench.options = { include: [bench.path('mount/*.log')] };
  await bench.started(lines(0, 10), {}, 'mount/a.log');
  bench.rename('mount', 'elsewhere');
  fs.mkdirSync(bench.path('mount'));
  await bench.restart();
  await bench.pause(500);
  fs.rmdirSync(bench.path('mount'));
  bench.write('elsewhere/a.log', lines(10, 20));
  bench.rename('elsewhere', 'mount');
  await bench.holds('mount/a.log', lines(0, 20));
});

test('a cursor is not forgotten while its directory cannot be read, however long that takes', async () => {
  await using bench = new Bench();
  bench.write('mount/a.log', 'one\n');
  await bench.start({ include: [bench.path('mount/*.log')], forgetAfterMs: 100 });
  await bench.holds('mount/a.log', 'one\n');
  bench.rename('mount', 'elsewhere');
  await bench.restart();
  await bench.pause(800); // some scans
  assert.equal(bench.intake.forgotten.size, 0);
  bench.write('elsewhere/a.log', 'two\n');
  bench.rename('elsewhere', 'mount');
  await bench.holds('mount/a.log', 'one\ntwo\n');
});

test('a cursor is forgotten only when its file was away for long: until then it is shown as missing, then it is counted', async () => {
  await using bench = new Bench();
  await bench.appears('a.log');
  await bench.appears('b.log');
  await bench.restart(() => bench.remove('a.log'), { forgetAfterMs: 10_000 });
  const states = () => bench.collector!.status().sources.map(({ state }) => state);
  await bench.until(() => states().includes('missing'));
  await bench.pause(600); // some scans
  assert.deepEqual(forgotten(bench), []);
  bench.skewMs = 10_000;
  await bench.until(() => bench.intake.forgotten.size === 1);
  assert.deepEqual(forgotten(bench), ['a.log']);
  assert.deepEqual(bench.intake.dropped, [{ reason: 'vanished', bytes: 0, path: bench.path('a.log') }]);
  assert.deepEqual(
    bench.logged.map(({ event }) => event),
    ['file.forgotten'],
  );
});

test('generations that were read to their end and are gone do not pile up, but the newest of a path stays known', async () => {
  await using bench = new Bench();
  bench.write('a.log', 'one\n');
  bench.write('pod/b.log', 'two\n');
  await bench.start({ include: [bench.path('**/*.log')] });
  await bench.holds('a.log', 'one\n');
  await bench.holds('pod/b.log', 'two\n');
  bench.remove('a.log');
  bench.write('a.log', 'three\n');
  await bench.holds('a.log', 'one\nthree\n');
  fs.rmSync(bench.path('pod'), { recursive: true });
  bench.skewMs = 20_000;
  await bench.until(
    () => bench.collector!.status().sources.length === 1,
    () => bench.explain('a.log', ''),
  );
  await bench.pause(500);
  assert.equal(bench.intake.forgotten.size, 0);
  bench.skewMs = 4_000_000;
  await bench.until(
    () => bench.intake.forgotten.size === 2,
    () => bench.explain('a.log', ''),
  );
  assert.deepEqual(bench.intake.dropped, []);
});

test('above the cap the oldest cursors go, counted', async () => {
  await using bench = new Bench();
  for (const name of ['a', 'b', 'c', 'd']) await bench.appears(`${name}.log`);
  const gone = () => {
    for (const name of ['a', 'b', 'c']) bench.remove(`${name}.log`);
  };
  await bench.restart(gone, { sourcesMax: 2 });
  await bench.until(() => bench.intake.forgotten.size === 2);
  assert.deepEqual(forgotten(bench), ['a.log', 'b.log']);
  assert.deepEqual(
    bench.intake.dropped.map(({ reason }) => reason),
    ['forgotten', 'forgotten'],
  );
  assert.deepEqual(
    bench.logged.map(({ event }) => event),
    ['file.forgotten', 'file.forgotten'],
  );
});

test('above the cap what was read to its end goes before what was not, however old that is', async () => {
  await using bench = new Bench();
  await bench.appears('a.log');
  await bench.appears('b.log');
  bench.rename('b.log', 'b.log.1');
  await bench.appears('b.log', 'one\ntwo\n');
  bench.skewMs = 15_000; // by then the first of them is done
  await bench.until(() => bench.collector!.status().sources.length === 2);
  await bench.restart(() => bench.remove('a.log'), { sourcesMax: 2 });
  await bench.until(() => bench.intake.forgotten.size === 1);
  assert.deepEqual([forgotten(bench), bench.intake.dropped], [['b.log'], []]);
});

test('a file that comes back in time begins its absence anew when it goes again', async () => {
  await using bench = new Bench();
  await bench.appears('a.log');
  bench.rename('a.log', 'a.log.1');
  await bench.appears('a.log', 'one\ntwo\n');
  bench.skewMs = 15_000; // by then the old one is done, and only remembered
  await bench.until(() => bench.collector!.status().sources.length === 1);
  await bench.restart(() => {}, { forgetAfterMs: 10_000, scanIntervalMs: 50 });
  for (let times = 0; times < 2; times++) {
    fs.mkdirSync(bench.path('away'), { recursive: true });
    bench.rename('a.log.1', 'away/x');
    await bench.pause(400); // scans see it
    bench.skewMs += 8000;
    await bench.pause(400);
    assert.deepEqual(forgotten(bench), []);
    bench.rename('away/x', 'a.log.1');
    await bench.pause(400);
  }
});

test('where no more places can be remembered a new file waits unread and says so, and the others go on', async () => {
  await using bench = new Bench();
  await bench.started('one\n');
  bench.intake.sourcesFull = true;
  bench.write('b.log', 'waits\n');
  const rowOf = (name: string) => bench.collector!.status().sources.find((row) => row.name === bench.path(name));
  await bench.until(() => rowOf('b.log')?.state === 'unreadable');
  assert.match(rowOf('b.log')!.reason!, /as many files are remembered as the spool can hold places of/);
  const { size } = bench.intake.sources;
  bench.write('a.log', 'two\n');
  await bench.holds('a.log', 'one\ntwo\n');
  await bench.pause(600); // more than two ticks
  assert.equal(bench.intake.mirrored(bench.path('b.log')), '');
  assert.equal(bench.intake.sources.size, size);
  bench.intake.sourcesFull = false;
  await bench.holds('b.log', 'waits\n');
});

/** Whose cursors are. */
function forgotten({ intake }: Bench): string[] {
  return [...intake.forgotten].map((source) => `${intake.descriptions.get(source)?.attributes['log.file.name']}`);
}
