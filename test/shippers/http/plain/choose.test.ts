import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseParcel } from '../../../../shippers/http/plain/choose.ts';
import { type Parcel, refuse, take, vouch, Window } from '../../../../shippers/http/plain/window.ts';

const nothing = new Uint8Array(0);
const refusal = { status: 422, reason: '' };

function windowOf(blocks: number, records = 1): { window: Window; parcels: readonly Parcel[] } {
  const window = new Window();
  for (let position = 0; position < blocks * 10; position += 10) {
    const place = { position, end: position + 10, hash: 'h', epoch: 'e', rawBytes: 1 };
    window.addBlock({ ...place, records, header: nothing, frame: nothing });
  }
  return { window, parcels: window.parcels };
}

/** Refused by itself, and not told whose fault it is. */
function suspected(parcel: Parcel, retryAt = 0): void {
  while (parcel.state !== 'suspect') refuse(parcel, refusal, 1);
  parcel.suspicions++;
  parcel.retryAt = retryAt;
}

test('the oldest goes; without room only one that is begun', () => {
  const { parcels } = windowOf(2, 2);
  const [first, second] = parcels;
  assert.equal(chooseParcel(parcels, 0, true, 0), first);
  assert.equal(chooseParcel(parcels, 0, false, 0), undefined);
  refuse(second!, refusal, 1);
  take(second!);
  assert.equal(chooseParcel(parcels, 0, false, 0), second);
});

test('a suspect is tried again when it is due, nothing else can go and nothing is on its way', () => {
  const { parcels } = windowOf(2);
  const [first, second] = parcels;
  suspected(first!, 100);
  assert.equal(chooseParcel(parcels, 200, true, 0), second, 'a new block may be the proof');
  suspected(second!, 300);
  assert.equal(chooseParcel(parcels, 99, true, 0), undefined);
  assert.equal(chooseParcel(parcels, 200, true, 1), undefined);
  assert.equal(chooseParcel(parcels, 200, true, 0), first);
  assert.equal(first!.state, 'ready');
});

test('while a suspect is tried again nothing else goes', () => {
  const { parcels } = windowOf(3);
  const [first] = parcels;
  suspected(first!);
  first!.state = 'sending';
  assert.equal(chooseParcel(parcels, 0, true, 1), undefined);
  first!.state = 'ready';
  assert.equal(chooseParcel(parcels, 0, false, 0), first);
});

test('a block with records left that was proven to be to blame goes on, though others fill the window', () => {
  const { window, parcels } = windowOf(2, 1000);
  const [first, second] = parcels;
  suspected(first!);
  take(second!);
  vouch(first!, 2);
  assert.equal(first!.state, 'ready');
  assert.equal(window.uncertain, 1);
  assert.equal(chooseParcel(parcels, 0, false, 0), first);
});
