import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuse, refusedOf, take, vouch, Window } from '../../../../shippers/http/plain/window.ts';

const nothing = new Uint8Array(0);
const block = (position: number, records = 1) => ({
  ...{ position, end: position + 10, hash: 'h', epoch: 'e', records, rawBytes: 1, header: nothing, frame: nothing },
});

test('what is read while the head is being passed stays', () => {
  const window = new Window();
  window.addBlock(block(0));
  take(window.parcels[0]!);
  const head = window.head();
  window.addBlock(block(10));
  window.addBlock(block(20));
  assert.equal(head.length, 1);
  window.passed(head.length);
  assert.deepEqual(
    window.parcels.map((parcel) => parcel.block.position),
    [10, 20],
  );
});

test('the head ends before the first block that is not done, and with the first that has refused records', () => {
  const window = new Window();
  for (const position of [0, 10, 20, 30]) window.addBlock(block(position, 2));
  const [first, second, third] = window.parcels;
  take(third!);
  assert.equal(window.head().length, 0);
  take(first!);
  assert.equal(window.head().length, 1);
  for (const _ of [0, 1, 2]) refuse(second!, { status: 422, reason: '' }, 5);
  assert.equal(second!.state, 'suspect');
  vouch(second!, 5);
  assert.equal(second!.state, 'suspect', 'a request that began before the refusal proves nothing');
  vouch(second!, 6);
  assert.equal(second!.state, 'done');
  assert.equal(refusedOf(second!).length, 2);
  assert.equal(window.head().length, 2);
  window.passed(2);
  assert.equal(window.head().length, 1);
});

test('blocks that the endpoint may have are counted until they are passed', () => {
  const window = new Window();
  for (const position of [0, 10, 20]) window.addBlock(block(position, 4));
  const [first, second] = window.parcels;
  assert.equal(window.uncertain, 0);
  first!.state = 'sending';
  assert.equal(window.uncertain, 1);
  take(first!);
  refuse(second!, { status: 413, reason: '' }, 1);
  assert.equal(window.uncertain, 1, 'a refused block is not there');
  take(second!);
  assert.equal(window.uncertain, 2, 'a half of it is');
  window.passed(1);
  assert.equal(window.uncertain, 1);
});

test('a block of which everything was refused is not there, and takes no place', () => {
  const window = new Window();
  for (const position of [0, 10]) window.addBlock(block(position));
  const [, second] = window.parcels;
  refuse(second!, { status: 422, reason: '' }, 1);
  vouch(second!, 2);
  assert.equal(second!.state, 'done');
  assert.equal(window.uncertain, 0);
});
