/** What the mirror writes, and where. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { BlockMaker, epochOf } from './memory-outlet.ts';
import { codec, epochs, fileSource, filesIn, folderFor, ids, makeWorld, mirrored, startMirror, text } from './world.ts';

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

for (const [what, first] of [
  ['in between shipped nothing', 'a table'],
  ['in between shipped nothing, and its first table fell into a gap', 'records'],
] as const) {
  test(`a copy of a data_dir whose opening ${what}: its sources are those that it describes`, async (t) => {
    const root = folderFor(t);
    const { outlet, receiver, agents, receive } = makeWorld();
    const [shared, mine] = [fileSource('/shared.log', 'h'), fileSource('/mine.log', 'h')];
    receive('a', {
      table: new Map(),
      descriptions: new Map([
        [1, shared],
        [2, fileSource('/first.log', 'h')],
      ]),
      pieces: [{ source: 2, bytes: text('first\n') }],
    });
    const { shipper } = startMirror(root, outlet);
    await mirrored(outlet);
    // Source 2 was numbered by the opening that nobody ever heard of.
    const unheard = { id: '33'.repeat(16), end: 450, hash: '0'.repeat(32) };
    const copy = new BlockMaker(ids.a, epochOf('44'.repeat(16), 500, unheard), codec, 500);
    const take = (block: ReturnType<BlockMaker['own']>) => outlet.add(receiver.nest(block), epochs.receiver);
    if (first === 'records') take(copy.own({ pieces: [{ source: 1, bytes: text('1\n') }] }));
    const table = new Map([
      [1, shared],
      [2, mine],
    ]);
    take(copy.own({ table, nextSource: 3, pieces: [{ source: 2, bytes: text('mine\n') }] }));
    take(agents.a.own({ pieces: [{ source: 2, bytes: text('first again\n') }] }));
    await mirrored(outlet);
    await shipper.stop();
    assert.deepEqual(filesIn(`${root}/out`), {
      'h/first.log': 'first\nfirst again\n',
      'h/mine.log': 'mine\n',
      ...(first === 'records' ? { 'h/shared.log': '1\n' } : {}),
    });
  });
}

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

test('what a receiver lost and was sent again is not written twice, also by the next process and through a relay', async (t) => {
  const root = folderFor(t);
  const { outlet, agents, receiver } = makeWorld();
  const relay = new BlockMaker('77'.repeat(16), epochOf('88'.repeat(16)), codec);
  const first = agents.a.own({
    descriptions: new Map([[1, fileSource('/x.log', 'h')]]),
    pieces: [{ source: 1, bytes: text('1\n') }],
  });
  const second = agents.a.own({ pieces: [{ source: 1, bytes: text('2\n') }] });
  for (const block of [first, second, second]) outlet.add(receiver.nest(block), epochs.receiver);
  const before = startMirror(root, outlet);
  await mirrored(outlet);
  await before.shipper.stop();
  const third = agents.a.own({ pieces: [{ source: 1, bytes: text('3\n') }] });
  for (const block of [first, relay.nest(second), third]) outlet.add(receiver.nest(block), epochs.receiver);
  const after = startMirror(root, outlet);
  await mirrored(outlet);
  await after.shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), { 'h/x.log': '1\n2\n3\n' });
  assert.ok(after.log.some(({ event, message }) => event === 'mirror.sent_again' && message.startsWith('2 records')));
});

test('two blocks with the same records are two', async (t) => {
  const root = folderFor(t);
  const { outlet, receive } = makeWorld();
  const descriptions = new Map([[1, fileSource('/x.log', 'h')]]);
  for (let times = 0; times < 2; times++)
    receive('a', { descriptions, pieces: [{ source: 1, bytes: text('same\n') }] });
  const { shipper } = startMirror(root, outlet);
  await mirrored(outlet);
  await shipper.stop();
  assert.deepEqual(filesIn(`${root}/out`), { 'h/x.log': 'same\nsame\n' });
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
