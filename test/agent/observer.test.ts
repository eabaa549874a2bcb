import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Observer } from '../../agent/observer.ts';
import type { Parts } from '../../agent/status/status.ts';
import type { Clock } from '../../spool/ports.ts';
import { collector, picture, spool } from './pictures.ts';

/** An agent whose collector takes so long to tell its status. */
function observed(lookMs: number) {
  let now = 1000;
  let looks = 0;
  const timers: (() => void)[] = [];
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    soon: (call) => void timers.push(call),
    after(_, call) {
      timers.push(call);
      return { cancel() {} };
    },
  };
  const facts = {
    ...picture().process,
    bootId: '',
    openFilesMax: undefined,
    ownOutputs: [],
    executable: '',
    unit: undefined,
    usage: () => picture().process,
  };
  const status = () => {
    looks++;
    now += lookMs;
    return collector();
  };
  const parts = {
    ...{ dataDir: '/data', codec: 'test', process: facts, shippers: [], before: {} },
    collectors: [{ ...collector(), status, start: async () => {}, stop: async () => {} }],
    spool: { status: () => ({ ...spool(), collectors: {}, shippers: {} }) },
  } as unknown as Parts;
  const observer = new Observer(parts, { clock, log: { write() {} } });
  const pass = (ms: number) => {
    now += ms;
  };
  return { observer, timers, looks: () => looks, pass };
}

test('where a look at everything is dear, those who ask often get the same for a while', () => {
  const { observer, looks, pass } = observed(30);
  for (let asked = 0; asked < 50; asked++) {
    observer.status();
    pass(10);
  }
  assert.equal(looks(), 1);
  pass(200);
  observer.status();
  assert.equal(looks(), 2);
});

test('where a look is cheap, everybody sees this very moment', () => {
  const { observer, looks } = observed(1);
  for (let asked = 0; asked < 5; asked++) observer.status();
  assert.equal(looks(), 5);
});

test('the watchdog looks once, not once for itself and once for the log', () => {
  const { observer, timers, looks } = observed(1);
  const before = timers.length;
  observer.begin();
  timers.splice(before, 1)[0]!();
  assert.equal(looks(), 1);
});
