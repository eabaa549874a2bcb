import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { BlockMaker, epochOf, MemoryOutlet } from './memory-outlet.ts';
import { codec, fileSource, filesIn, folderFor, mirrored, startMirror, until } from './world.ts';

const ids = { receiver: 'aa'.repeat(16), a: '0123456789abcdef'.repeat(2), b: 'fedcba9876543210'.repeat(2) };
const epochs = { receiver: epochOf('11'.repeat(16)), a: epochOf('22'.repeat(16)), b: epochOf('33'.repeat(16)) };

function makeWorld() {
  const outlet = new MemoryOutlet(ids.receiver);
  const receiver = new BlockMaker(ids.receiver, epochs.receiver, codec);
  const agents = { a: new BlockMaker(ids.a, epochs.a, codec), b: new BlockMaker(ids.b, epochs.b, codec) };
  const receive = (
    who: 'a' | 'b',
    parts: Parameters<BlockMaker['own']>[0],
    beside?: Parameters<BlockMaker['nest']>[1],
  ) => outlet.add(receiver.nest(agents[who].own(parts), beside), epochs.receiver);
  return { outlet, receiver, agents, receive };
}

const text = (value: string) => Buffer.from(value, 'latin1');

test('the mirror holds byte for byte what the files held', async (t) => {
  const root = folderFor(t);
  const { outlet, receive } = makeWorld();
  const binary = Buffer.from([0, 0xff, 0x0d, 0x0a, 0xc3, 0x28, 0x0a]).toString('latin1');
  receive('a', {
    table: new Map(),
    descriptions: new Map([
      [1, fileSource('/var/log/app.log', 'web1')],
      [2, fileSource('/var/log/nginx/access.log', 'web1')],
    ]),
    pieces: [
      { source: 1, bytes: text('one\ntwo\n') },
      { source: 2, bytes: text(binary) },
      { source: 1, bytes: text('thr'), unterminated: true },
    ],
  });
  receive('a', { pieces: [{ source: 1, bytes: text('ee\nfour'), continues: true, unterminated: true }] });
  const { shipper } = startMirror(root, outlet);
  await mirrored(outlet);
  await shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), {
    'web1/var/log/app.log': 'one\ntwo\nthree\nfour',
    'web1/var/log/nginx/access.log': binary,
  });
});

test('generations of a path follow each other in one file', async (t) => {
  const root = folderFor(t);
  const { outlet, receive } = makeWorld();
  for (const [source, line] of [
    [1, 'old\n'],
    [2, 'new\n'],
    [7, 'newest\n'],
  ] as const)
    receive('a', {
      descriptions: new Map([[source, fileSource('/x.log', 'h')]]),
      pieces: [{ source, bytes: text(line) }],
    });
  const { shipper } = startMirror(root, outlet);
  await mirrored(outlet);
  await shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), { 'h/x.log': 'old\nnew\nnewest\n' });
});

test('a second spool that says the same host name gets a folder of its own, for good', async (t) => {
  const root = folderFor(t);
  const { outlet, receive } = makeWorld();
  const first = startMirror(root, outlet);
  receive('a', {
    descriptions: new Map([[1, fileSource('/x.log', 'Web')]]),
    pieces: [{ source: 1, bytes: text('a1\n') }],
  });
  receive('b', {
    descriptions: new Map([[1, fileSource('/x.log', 'web')]]),
    pieces: [{ source: 1, bytes: text('b1\n') }],
  });
  await mirrored(outlet);
  await first.shipper.stop();
  const second = startMirror(root, outlet);
  receive('b', {
    descriptions: new Map([[2, fileSource('/y.log', 'web')]]),
    pieces: [{ source: 2, bytes: text('b2\n') }],
  });
  receive('a', { pieces: [{ source: 1, bytes: text('a2\n') }] });
  await mirrored(outlet);
  await second.shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), {
    'Web/x.log': 'a1\na2\n',
    'web~fedcba98/x.log': 'b1\n',
    'web~fedcba98/y.log': 'b2\n',
  });
  assert.ok(first.log.some((entry) => entry.event === 'mirror.host_name_taken'));
});

test('records of a source that nobody described are kept apart, until a table describes it', async (t) => {
  const root = folderFor(t);
  const { outlet, receive } = makeWorld();
  receive('a', { pieces: [{ source: 5, bytes: text('early\n') }] });
  receive('a', { table: new Map([[5, fileSource('/x.log', 'h')]]) });
  receive('a', { pieces: [{ source: 5, bytes: text('late\n') }] });
  const { shipper, log } = startMirror(root, outlet);
  await mirrored(outlet);
  await shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), { [`@unknown/${ids.a}/5.log`]: 'early\n', 'h/x.log': 'late\n' });
  assert.ok(log.some((entry) => entry.event === 'mirror.undescribed'));
});

test('descriptions that came beside a block count', async (t) => {
  const root = folderFor(t);
  const { outlet, receive } = makeWorld();
  receive('a', { pieces: [{ source: 5, bytes: text('line\n') }] }, new Map([[5, fileSource('/x.log', 'h')]]));
  const { shipper } = startMirror(root, outlet);
  await mirrored(outlet);
  await shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), { 'h/x.log': 'line\n' });
});

test("a spool's own records, other text and structured records have their places", async (t) => {
  const root = folderFor(t);
  const { outlet, receiver } = makeWorld();
  const syslog = {
    collector: 'net',
    type: 'syslog',
    resource: { 'host.name': 'h' },
    attributes: { 'network.peer.address': '::1' },
  };
  const block = receiver.own({
    descriptions: new Map([
      [3, syslog],
      [4, fileSource('/a.log', 'h')],
      [5, { ...syslog, attributes: {} }],
    ]),
    pieces: [
      { source: 3, bytes: text('text\n') },
      { source: 3, bytes: text('{}\n'), format: 'json' },
      { source: 4, bytes: text('{"a":1}\n'), format: 'json' },
      { source: 5, bytes: text('x\n') },
    ],
  });
  outlet.add(block, epochs.receiver);
  const { shipper } = startMirror(root, outlet);
  await mirrored(outlet);
  await shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), {
    'h/@net/::1.log': 'text\n',
    'h/@net/::1.ndjson': '{}\n',
    'h/a.log.ndjson': '{"a":1}\n',
    'h/@net/records.log': 'x\n',
  });
});

test('two agents copied from one data_dir number their new sources alike and are not mixed up', async (t) => {
  const root = folderFor(t);
  const { outlet, receiver, agents, receive } = makeWorld();
  const shared = fileSource('/shared.log', 'h');
  receive('a', { table: new Map(), descriptions: new Map([[1, shared]]), pieces: [{ source: 1, bytes: text('1\n') }] });
  receive('a', {
    descriptions: new Map([[2, fileSource('/first.log', 'h')]]),
    pieces: [{ source: 2, bytes: text('first\n') }],
  });
  const copy = new BlockMaker(
    ids.a,
    epochOf('44'.repeat(16), 500, { id: epochs.a.id, end: 400, hash: '0'.repeat(32) }),
    codec,
    500,
  );
  const take = (block: ReturnType<BlockMaker['own']>) => outlet.add(receiver.nest(block), epochs.receiver);
  take(
    copy.own({
      table: new Map([[1, shared]]),
      nextSource: 2,
      descriptions: new Map([[2, fileSource('/second.log', 'h')]]),
      pieces: [{ source: 2, bytes: text('second\n') }],
    }),
  );
  take(
    agents.a.own({
      pieces: [
        { source: 2, bytes: text('first again\n') },
        { source: 1, bytes: text('2\n') },
      ],
    }),
  );
  take(
    copy.own({
      pieces: [
        { source: 2, bytes: text('second again\n') },
        { source: 1, bytes: text('3\n') },
      ],
    }),
  );
  const { shipper } = startMirror(root, outlet);
  await mirrored(outlet);
  await shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), {
    'h/shared.log': '1\n2\n3\n',
    'h/first.log': 'first\nfirst again\n',
    'h/second.log': 'second\nsecond again\n',
  });
});

test('a source keeps its first path when its description changes', async (t) => {
  const root = folderFor(t);
  const { outlet, receive } = makeWorld();
  for (const path of ['/a.log', '/a.log.1'])
    receive('a', {
      descriptions: new Map([[1, fileSource(path, 'h')]]),
      pieces: [{ source: 1, bytes: text(`${path}\n`) }],
    });
  const { shipper } = startMirror(root, outlet);
  await mirrored(outlet);
  await shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), { 'h/a.log': '/a.log\n/a.log.1\n' });
});

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

test('a frame that does not expand is set aside and counted, and the rest goes on', async (t) => {
  const root = folderFor(t);
  const { outlet, agents, receiver, receive } = makeWorld();
  receive('a', {
    descriptions: new Map([[1, fileSource('/x.log', 'h')]]),
    pieces: [{ source: 1, bytes: text('1\n') }],
  });
  const block = agents.a.own({ pieces: [{ source: 1, bytes: text('lost\n') }] });
  outlet.add(receiver.nest({ ...block, frame: Buffer.alloc(block.frame.length, 7) }), epochs.receiver);
  receive('a', { pieces: [{ source: 1, bytes: text('2\n') }] });
  const { shipper } = startMirror(root, outlet);
  await mirrored(outlet);
  assert.deepEqual(outlet.given, [{ reason: 'damaged', tally: { records: 1, bytes: 5 } }]);
  assert.ok(shipper.status().problems.some((problem) => problem.cause === 'block_damaged'));
  await shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), { 'h/x.log': '1\n2\n' });
  assert.equal(fs.readdirSync(`${root}/data/mirrors/mirror/damaged`).length, 1);
});

test('a gap is noted and passed', async (t) => {
  const root = folderFor(t);
  const { outlet, receiver, receive } = makeWorld();
  receive('a', {
    descriptions: new Map([[1, fileSource('/x.log', 'h')]]),
    pieces: [{ source: 1, bytes: text('1\n') }],
  });
  const from = receiver.position;
  receiver.position += 100;
  outlet.gaps.push({ from, upto: receiver.position, reason: 'damaged', records: -1, bytes: 100 });
  receive('a', { pieces: [{ source: 1, bytes: text('2\n') }] });
  const { shipper, log } = startMirror(root, outlet);
  await mirrored(outlet);
  await shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), { 'h/x.log': '1\n2\n' });
  assert.ok(log.some((entry) => entry.event === 'mirror.gap'));
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

test('records that came through a relay stand where their first agent had them', async (t) => {
  const root = folderFor(t);
  const { outlet, agents, receiver } = makeWorld();
  const relay = new BlockMaker('77'.repeat(16), epochOf('88'.repeat(16)), codec);
  const take = (block: ReturnType<BlockMaker['own']>) => outlet.add(receiver.nest(relay.nest(block)), epochs.receiver);
  take(agents.a.own({ table: new Map([[1, fileSource('/x.log', 'far')]]) }));
  take(agents.a.own({ pieces: [{ source: 1, bytes: text('far away\n') }] }));
  outlet.add(
    receiver.nest(
      relay.own({
        descriptions: new Map([[1, fileSource('/x.log', 'relay')]]),
        pieces: [{ source: 1, bytes: text('its own\n') }],
      }),
    ),
    epochs.receiver,
  );
  const { shipper } = startMirror(root, outlet);
  await mirrored(outlet);
  await shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), { 'far/x.log': 'far away\n', 'relay/x.log': 'its own\n' });
});
