import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { hostFiles } from '../../../agent/host/files.ts';
import { Claims } from '../../../shippers/mirror/claims.ts';
import { EpochMap } from '../../../shippers/mirror/epoch-map.ts';
import { decodeIntent, encodeIntent, type Intent, IntentStore } from '../../../shippers/mirror/intent.ts';
import { Journal } from '../../../shippers/mirror/journal.ts';
import { type Found, planResume } from '../../../shippers/mirror/resume.ts';
import { Written } from '../../../shippers/mirror/written.ts';
import { folderFor } from './world.ts';

const place = { position: 100, epoch: 'e'.repeat(32), hash: 'a'.repeat(32) };
const intent: Intent = {
  sequence: 5,
  spool: '5'.repeat(32),
  folder: 'f'.repeat(32),
  from: place,
  files: [{ path: 'h/caf\udce9.log', inode: 2n ** 63n, lengthBytes: 10 }],
};

test('a journal gives back what was flushed, and a damaged line costs that line only', async (t) => {
  const path = `${folderFor(t)}/journal`;
  const first = Journal.open(hostFiles, path, () => assert.fail()).journal;
  for (const value of [1, ['two', '\udcff'], { three: 3 }]) first.append(value);
  await first.flush();
  first.append(4);
  await first.flush();
  fs.appendFileSync(path, 'torn');
  const bytes = fs.readFileSync(path);
  bytes[bytes.indexOf('two')]! ^= 1;
  fs.writeFileSync(path, bytes);
  const found: unknown[] = [];
  const { journal, damagedLines } = Journal.open(hostFiles, path, (entry) => found.push(entry));
  assert.deepEqual(found, [1, { three: 3 }, 4]);
  assert.equal(damagedLines, 1);
  journal.append(5);
  await journal.flush();
  assert.match(fs.readFileSync(path, 'utf8'), / 4\n[0-9a-f]{8} 5\n$/);
  await journal.rewrite([6, 7]);
  const after: unknown[] = [];
  Journal.open(hostFiles, path, (entry) => after.push(entry));
  assert.deepEqual(after, [6, 7]);
});

test('an intent is read back, and not at all where a byte is wrong', () => {
  const bytes = encodeIntent(intent);
  assert.deepEqual(decodeIntent(Buffer.concat([bytes, Buffer.from('left over')])), intent);
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 0x10;
    assert.equal(decodeIntent(damaged), undefined, `byte ${at}`);
    assert.equal(decodeIntent(bytes.subarray(0, at)), undefined);
  }
});

test('an intent with a sound checksum that none of us wrote is none', () => {
  for (const json of [
    '',
    '{"sequence":1',
    'null',
    '{}',
    '{"sequence":1,"spool":"","folder":"","from":null,"files":[]}',
  ]) {
    const bytes = Buffer.concat([encodeIntent(intent).subarray(0, 4), Buffer.alloc(8), Buffer.from(json)]);
    bytes.writeUInt32LE(json.length, 4);
    bytes.writeUInt32LE(crc32(json), 8);
    assert.equal(decodeIntent(bytes), undefined, json);
  }
});

test('a torn intent leaves the one before it', async (t) => {
  const folder = folderFor(t);
  const store = new IntentStore(hostFiles, folder);
  for (const sequence of [1, 2, 3]) await store.write({ ...intent, sequence });
  fs.truncateSync(`${folder}/intent.1`, 30);
  assert.equal(new IntentStore(hostFiles, folder).read()?.sequence, 2);
});

test('claims are kept, and names that differ in case are one', async (t) => {
  const path = `${folderFor(t)}/hosts`;
  const [a, b] = ['aaaaaaaa'.repeat(4), 'bbbbbbbb'.repeat(4)];
  const claims = new Claims(hostFiles, path);
  assert.equal(claims.claim(a, 'web')?.folder, 'web');
  assert.equal(claims.claim(b, 'WEB')?.folder, 'WEB~bbbbbbbb');
  assert.equal(claims.claim(a, undefined)?.folder, '@no-host~aaaaaaaa');
  await claims.flush();
  const again = new Claims(hostFiles, path);
  assert.deepEqual(again.claim(b, 'WEB'), { folder: 'WEB~bbbbbbbb', renamedNow: false });
  assert.equal(again.claim(b, 'web')?.folder, 'web~bbbbbbbb');
});

test('the file of an epoch does not grow with sources that are gone', async (t) => {
  const path = `${folderFor(t)}/map`;
  const map = new EpochMap(hostFiles, path);
  for (let source = 1; source <= 5000; source++) {
    map.put(source, 'file', `h/${source}.log`);
    map.prune(new Set([source]), source);
    if (source % 100 === 0) await map.flush();
  }
  assert.ok(fs.statSync(path).size < 20_000);
  assert.equal(new EpochMap(hostFiles, path).path(5000, 'text'), 'h/5000.log');
});

test('which blocks were written is known again, but for those of a batch that was taken back', async (t) => {
  const path = `${folderFor(t)}/written`;
  const first = new Written(hostFiles, path);
  const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(32));
  first.add(7, [one!, two!]);
  first.add(8, [three!]);
  first.takeBack(8);
  assert.ok(!first.has(three!));
  await first.flush();
  const again = new Written(hostFiles, path);
  assert.deepEqual(
    [one, two, three].map((hash) => again.has(hash!)),
    [true, true, false],
  );
  again.clear();
  await again.flush();
  assert.ok(!new Written(hostFiles, path).has(one!));
});

test('of blocks that were written only so many are known, and the file of them does not grow', async (t) => {
  const path = `${folderFor(t)}/written`;
  const written = new Written(hostFiles, path, 5000);
  const hashOf = (number: number) => number.toString(16).padStart(32, '0').split('').reverse().join('');
  for (let batch = 1; batch <= 10; batch++) {
    written.add(
      batch,
      [...new Array(4000).keys()].map((at) => hashOf(batch * 4000 + at)),
    );
    await written.flush();
  }
  assert.ok(fs.statSync(path).size < 30 * 3 * 5000, `${fs.statSync(path).size}`);
  const again = new Written(hostFiles, path, 5000);
  assert.equal(again.damagedLines, 0);
  assert.deepEqual(
    [39_000, 39_500, 43_999].map((number) => again.has(hashOf(number))),
    [true, true, true],
  );
  assert.ok(!again.has(hashOf(38_000)));
});

const found: Found = {
  spool: intent.spool,
  cursor: { ...place, receiver: '', forked: false },
  oldest: { ...place, position: 0 },
  intent,
  marker: 5,
  hashAt: () => place.hash,
};

test('a batch that was broken off is undone', () => {
  assert.deepEqual(planResume(found), { from: place, cut: true, sequence: 5 });
  // Its cursor had not reached the disk yet, but the spool still has the block before it.
  const lagging = { ...found, cursor: { ...found.cursor!, position: 50 } };
  assert.deepEqual(planResume(lagging), { from: place, cut: true, sequence: 5 });
  assert.deepEqual(planResume({ ...found, marker: 4 }), { from: place, cut: true, sequence: 4 });
});

test('a batch that was finished is not undone', () => {
  const cursor = { ...found.cursor!, position: 200 };
  assert.deepEqual(planResume({ ...found, cursor }), { from: cursor, cut: false, sequence: 5 });
});

test('where the spool lost what the mirror has, it is said that it may come twice', () => {
  const behindTheEnd = planResume({ ...found, hashAt: () => undefined });
  assert.deepEqual({ ...behindTheEnd, lost: undefined }, { ...planResume(found), lost: undefined });
  assert.match(behindTheEnd.lost!, /comes twice/);
  const anotherBlock = planResume({ ...found, hashAt: () => 'b'.repeat(32) });
  assert.match(anotherBlock.lost!, /comes twice/);
});

test('nothing is cut that the spool cannot give again, or that a copy knows nothing of', () => {
  const cases: Partial<Found>[] = [
    { spool: '6'.repeat(32) },
    { cursor: { ...found.cursor!, hash: 'b'.repeat(32) }, hashAt: () => undefined },
    { cursor: undefined, hashAt: () => undefined },
    { marker: 6 },
    { marker: 3 },
    { intent: undefined },
  ];
  for (const one of cases) {
    const plan = planResume({ ...found, ...one });
    assert.equal(plan.cut, false, JSON.stringify(plan));
    assert.ok(plan.warning);
  }
  assert.equal(planResume({ ...found, intent: undefined, marker: 0 }).warning, undefined);
});
