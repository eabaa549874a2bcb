import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Picture } from '../../agent/status/status.ts';
import { Watchdog } from '../../agent/status/watchdog.ts';
import { collector, picture, shipper, source, spool } from './pictures.ts';

/** What the watchdog says after it saw this picture, unchanged, over so many seconds. */
function after(seconds: number, shown: Picture): string[] {
  const watchdog = new Watchdog();
  for (let second = 0; second <= seconds; second += 5) watchdog.look({ ...shown, at: shown.at + second * 1000 });
  return watchdog.problems.map(({ part, cause, subject }) => `${part}: ${cause} ${subject}`);
}

const behind = picture({ collectors: [collector({ sources: [source({ size: 900, lagBytes: 800 })] })], shippers: [] });
const stalled = ['collector nginx: stalled /var/log/a.log'];

test('a source that is behind and is not read for 30 s is stalled', () => {
  assert.deepEqual(after(25, behind), []);
  assert.deepEqual(after(30, behind), stalled);
});

test('a source that is behind while the spool holds is not stalled', () => {
  const full = { ...behind, spool: spool({ hold: 'spool_full' }) };
  assert.ok(!after(60, full).includes(stalled[0]!));
});

test('the thirty seconds of a stalled source begin when the spool lets go', () => {
  const watchdog = new Watchdog();
  const look = (second: number, hold?: 'spool_full') =>
    watchdog.look({ ...behind, at: second * 1000, spool: spool({ hold }) });
  for (let second = 0; second <= 100; second += 5) look(second, 'spool_full');
  for (let second = 105; second <= 130; second += 5) look(second);
  assert.deepEqual(watchdog.problems, []);
  look(135);
  assert.deepEqual(
    watchdog.problems.map(({ cause }) => cause),
    ['stalled'],
  );
});

test('a source that is read on is never stalled however far it is behind', () => {
  const watchdog = new Watchdog();
  for (let second = 0; second <= 120; second += 5) {
    const moving = source({ offset: second, size: 9_000, lagBytes: 9_000 - second });
    watchdog.look({ ...picture({ collectors: [collector({ sources: [moving] })], shippers: [] }), at: second * 1000 });
    assert.deepEqual(watchdog.problems, []);
  }
});

test('a shipper with work that attempts nothing for 30 s is named', () => {
  const idle = picture({ shippers: [shipper({ state: 'idle' })] });
  assert.deepEqual(after(25, idle), []);
  assert.deepEqual(after(30, idle), ['shipper central: shipper_hangs http://127.0.0.1:1/v1/blocks']);
});

test('a shipper that waits for a disk that refuses to read does not hang', () => {
  const unreadable = { cause: 'unreadable', subject: 'central', message: '', since: 0, red: true };
  const idle = picture({ shippers: [shipper({ state: 'idle' })], spool: spool({ problems: [unreadable] }) });
  assert.deepEqual(after(60, idle), []);
  const another = spool({ problems: [{ ...unreadable, subject: 'archive' }] });
  assert.equal(after(60, { ...idle, spool: another }).length, 1);
});

test('a shipper without work may rest for ever', () => {
  const resting = picture({ shippers: [shipper({ state: 'idle', waiting: { records: 0, bytes: 0 } })] });
  assert.deepEqual(after(300, resting), []);
});

test('work that comes after a long rest starts a shipper’s thirty seconds anew', () => {
  const watchdog = new Watchdog();
  const look = (second: number, records: number) =>
    watchdog.look({ ...picture({ shippers: [shipper({ waiting: { records, bytes: records } })] }), at: second * 1000 });
  for (let second = 0; second <= 100; second += 5) look(second, 0);
  look(105, 1);
  look(120, 2);
  assert.deepEqual(watchdog.problems, []);
});

test('a shipper waits for what is not durable yet, and does not hang', () => {
  const { totals } = shipper();
  const cursor = { receiver: '' as const, epoch: '1'.repeat(32), forked: false, position: 500, hash: '0'.repeat(32) };
  const shown = { shippers: [shipper({ totals: { ...totals, cursor } })] };
  assert.deepEqual(after(60, picture({ ...shown, spool: spool({ end: 500 }) })), []);
  assert.equal(after(60, picture({ ...shown, spool: spool({ durable: 700, end: 700 }) })).length, 1);
});

test('a disk that is full or fails is not a sync that hangs', () => {
  for (const hold of ['disk_full', 'disk_error'] as const) {
    const full = picture({ spool: spool({ end: 900, durable: 500, hold }), shippers: [] });
    assert.deepEqual(after(60, full), [`spool: ${hold} /data`]);
  }
});

test('a shipper that retries or holds speaks for itself', () => {
  assert.deepEqual(after(900, picture({ shippers: [shipper({ state: 'holding' })] })), []);
  assert.deepEqual(after(900, picture({ shippers: [shipper({ state: 'retrying' })] })), []);
});

test('a sync that does not return is named', () => {
  const stuck = picture({ spool: spool({ end: 900, durable: 500 }), shippers: [] });
  assert.deepEqual(after(5, stuck), []);
  assert.deepEqual(after(10, stuck), ['spool: sync_hangs /data']);
});

test('a spool that holds for long is red even where it reported nothing', () => {
  const full = picture({ spool: spool({ hold: 'disk_full' }), shippers: [] });
  assert.deepEqual(after(5, full), ['spool: disk_full /data']);
});

test('a hold that passes by itself is no problem', () => {
  assert.deepEqual(after(300, picture({ spool: spool({ hold: 'unsynced' }), shippers: [] })), []);
});

test('a blocked event loop is told', () => {
  const blocked = picture({ process: { ...picture().process, eventLoopLagMs: 4_000 }, shippers: [] });
  assert.deepEqual(after(0, blocked), ['agent: event_loop_blocked pid 7']);
});

test('the lag in seconds is the age of the oldest byte that is not read', () => {
  const watchdog = new Watchdog();
  const look = (second: number, offset: number, size: number) => {
    const one = source({ offset, size, lagBytes: size - offset });
    watchdog.look({ ...picture({ collectors: [collector({ sources: [one] })] }), at: second * 1000 });
    return watchdog.lagMs('nginx', second * 1000);
  };
  assert.equal(look(0, 100, 100), 0);
  assert.equal(look(5, 100, 200), 0);
  assert.equal(look(10, 100, 300), 5_000);
  assert.equal(look(15, 150, 400), 10_000);
  // Byte 200 stood there at second 10, and byte 300 at second 15.
  assert.equal(look(20, 200, 400), 10_000);
  assert.equal(look(25, 300, 400), 10_000);
  assert.equal(look(30, 400, 400), 0);
});
