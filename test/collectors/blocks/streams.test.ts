import assert from 'node:assert/strict';
import { test } from 'node:test';
import { receiverLimits } from '../../../collectors/blocks/limits.ts';
import { Streams, streamsOf } from '../../../collectors/blocks/streams.ts';
import { zeroHash } from '../../../spool/nouns.ts';
import { blankImage, idOf, MemorySpool } from '../../wire/memory-spool.ts';
import { VirtualClock } from '../../wire/virtual-clock.ts';

const day = 24 * 3600 * 1000;

function stream(spool: string, epoch: string, parent?: string) {
  const names = { collector: 'edge', stream: '', spool: idOf(spool), epoch: idOf(epoch) };
  return { ...names, parent: parent === undefined ? undefined : idOf(parent), held: 0, hash: zeroHash };
}

test('a fleet that replaces its hosts for ever keeps a bounded table: the streams used last stay', async () => {
  const intake = new MemorySpool(blankImage('center'), 'center 1');
  const clock = new VirtualClock();
  const streams = new Streams(intake, clock);
  const { rowsMax, rowsExcessMax } = receiverLimits;
  for (let n = 0; n < rowsMax + 1000; n++) {
    if (n % 100 === 0) await clock.runFor(1);
    streams.open(stream(`host ${n}`, 'first'));
    assert.ok(streams.size <= rowsMax + rowsExcessMax);
  }
  streams.sweep();
  assert.equal(streams.size, rowsMax);
  assert.equal(streams.forgotten, 1000);
  assert.equal(streams.find(stream('host 5', 'first'), idOf('first')), undefined);
  assert.ok(streams.find(stream(`host ${rowsMax + 999}`, 'first'), idOf('first')));
});

test('only what was superseded is forgotten for age, and only while nobody uses it', async () => {
  const intake = new MemorySpool(blankImage('center'), 'center 1');
  const clock = new VirtualClock();
  const streams = new Streams(intake, clock);
  const names = ['one', 'two', 'three'] as const;
  for (const [n, name] of names.entries()) streams.open(stream('host', name, names[n - 1]));
  const copy = streams.open(stream('host', 'copy', 'one'));
  await clock.runFor(6 * day);
  streams.find(stream('host', 'two'), idOf('two'))!.usedAt = clock.monotonic();
  await clock.runFor(2 * day);
  streams.sweep();
  const left = () => streams.of(stream('host', 'x')).map((row) => row.epoch);
  assert.deepEqual(left(), ['copy', 'three', 'two'].map(idOf));
  await clock.runFor(30 * day);
  streams.sweep();
  // two copies of one data_dir go on side by side: neither was superseded
  assert.deepEqual(left(), [copy.epoch, idOf('three')]);
});

test('receivers on one spool have one table, and another spool another', () => {
  const clock = new VirtualClock();
  const intake = new MemorySpool(blankImage('center'), 'center 1');
  assert.equal(streamsOf(intake, clock), streamsOf(intake, clock));
  assert.notEqual(streamsOf(intake, clock), streamsOf(new MemorySpool(blankImage('b'), 'b 1'), clock));
});
