/** What the journal's collector does with what journalctl shows it, and with a journalctl that does not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { JournaldCollector } from '../../../collectors/journald/collector.ts';
import type { JournaldOptions } from '../../../collectors/journald/options.ts';
import type { ChildCommand, ChildEnd, ChildProcesses } from '../../../collectors/ports.ts';
import type { Event } from '../../../spool/event.ts';
import type { Spool } from '../../../spool/spool.ts';
import { delivered, temporarySpool } from '../../spool/temporary-spool.ts';

/** What one call of journalctl writes and says; then it ends, or goes on for ever. */
interface Scene {
  readonly entries?: readonly Readonly<Record<string, string>>[];
  readonly said?: readonly string[];
  readonly end?: ChildEnd;
}

function playing(scenes: Scene[]): ChildProcesses & { readonly calls: string[][] } {
  const calls: string[][] = [];
  return { calls, spawn: (command) => play(scenes.shift() ?? {}, command, calls) };
}

function play({ entries = [], said = [], end }: Scene, command: ChildCommand, calls: string[][]) {
  calls.push([...command.arguments]);
  for (const line of said) command.onErrorLine?.(line);
  const stopped = Promise.withResolvers<ChildEnd>();
  if (end) stopped.resolve(end);
  const text = entries
    .map(
      (fields) =>
        `${Object.entries(fields)
          .map(([k, v]) => `${k}=${v}\n`)
          .join('')}\n`,
    )
    .join('');
  let left: Buffer | undefined = Buffer.from(text);
  return {
    pid: 1,
    ended: stopped.promise,
    stop() {
      stopped.resolve({ kind: 'killed', signal: 'SIGTERM' });
      return stopped.promise;
    },
    async read(take: (piece: Uint8Array) => boolean) {
      const piece = left;
      left = undefined;
      if (piece && piece.length > 0 && !take(piece)) return true;
      await stopped.promise;
      return false;
    },
  };
}

const options: JournaldOptions = {
  ...{ name: 'j', journalctl: 'journalctl', units: [], identifiers: [], priority: undefined, matches: [] },
  ...{ namespace: undefined, directory: undefined, startAt: 'beginning', entryBytesMax: 65_536 },
  ...{ attributes: {}, resource: { 'host.name': 'h' } },
  own: { pid: 77, executable: '/usr/bin/tailspool', bootId: 'b0-07', unit: 'tailspool.service' },
};

function cursor(number: number, id = 'a'.repeat(32)): string {
  return `s=${id};i=${number.toString(16)};b=${'b'.repeat(32)};m=1;t=1;x=1`;
}

function entry(number: number, more: Readonly<Record<string, string>> = {}) {
  return { __CURSOR: cursor(number), MESSAGE: `m${number}`, ...more };
}

const ended: ChildEnd = { kind: 'exited', code: 1 };

/** Runs a collector until it has made `calls` calls and taken everything; gives what it says of itself. */
async function follow(spool: Spool, scenes: Scene[], over: Partial<JournaldOptions> = {}) {
  const children = playing(scenes);
  const count = scenes.length;
  const clock = { now: Date.now, monotonic: () => performance.now(), soon: setImmediate, after: soonAfter };
  const log = { write() {} };
  const collector = new JournaldCollector({ ...options, ...over }, { intake: spool.intake, children, clock, log });
  await collector.start();
  while (children.calls.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const status = collector.status();
  await collector.stop();
  await spool.intake.flush();
  return { ...status, calls: children.calls };
}

/** Nobody waits long for a back-off here. */
function soonAfter(delayMs: number, call: () => void) {
  const timer = setTimeout(call, Math.min(delayMs, 50));
  return { cancel: () => clearTimeout(timer) };
}

function bodies(dir: Parameters<typeof delivered>[0], spool: Spool): unknown[] {
  return delivered(dir, spool.outlet('s')).map((line) => (JSON.parse(line) as Event).body);
}

test('it goes on behind the entry taken last, which is shown again and not taken twice', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  const first = await follow(spool, [{ entries: [entry(1), entry(2)], end: ended }, { entries: [entry(2), entry(3)] }]);
  assert.ok(first.calls[1]?.includes(`--cursor=${cursor(2)}`));
  const second = await follow(spool, [{ entries: [entry(3), entry(4)] }]);
  assert.ok(second.calls[0]?.includes(`--cursor=${cursor(3)}`));
  assert.deepEqual(bodies(dir, spool), ['m1', 'm2', 'm3', 'm4']);
  assert.deepEqual([first.gauges.gaps, second.gauges.gaps], [0, 0]);
  await spool.close();
});

test('entries that went before they were read are counted where their numbers tell', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  await follow(spool, [{ entries: [entry(1)] }]);
  const gone = await follow(spool, [{ entries: [entry(5), entry(6), entry(9)] }]);
  assert.deepEqual([gone.gauges.gaps, gone.gauges.missing], [2, 5]);
  assert.equal(gone.problems[0]?.cause, 'journal_gap');
  assert.deepEqual(spool.status().collectors.j?.dropped, { vanished: { records: 5, bytes: 0 } });
  assert.deepEqual(bodies(dir, spool), ['m1', 'm5', 'm6', 'm9']);
  const other = await follow(spool, [{ entries: [{ ...entry(1), __CURSOR: cursor(1, 'c'.repeat(32)) }] }]);
  assert.deepEqual([other.gauges.gaps, other.gauges.missing], [1, 0]);
  await spool.close();
});

test('where entries are left out on purpose, or may not be seen, missing numbers say nothing', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  const units = ['a.service'];
  const filtered = await follow(spool, [{ entries: [entry(1), entry(5)] }], { units });
  assert.equal(filtered.gauges.gaps, 0);
  const same = await follow(spool, [{ entries: [entry(9)] }], { units });
  assert.deepEqual([same.gauges.gaps, same.gauges.missing], [1, 0]);
  const changed = await follow(spool, [{ entries: [entry(9), entry(10)] }], { units: ['b.service'] });
  assert.equal(changed.gauges.gaps, 0);
  const elsewhere = await follow(spool, [{ entries: [entry(12)] }]);
  assert.equal(elsewhere.gauges.gaps, 0);
  const said = ['Hint: You are currently not seeing messages from other users and the system.'];
  const partial = await follow(spool, [{ said, entries: [entry(12), entry(14)] }]);
  assert.equal(partial.gauges.gaps, 0);
  assert.equal(partial.problems[0]?.cause, 'journal_partial');
  assert.deepEqual(bodies(dir, spool), ['m1', 'm5', 'm9', 'm10', 'm12', 'm14']);
  await spool.close();
});

test('its own entries are passed over; another process with its number is not', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  const own = { _PID: '77', _EXE: '/usr/bin/tailspool', _BOOT_ID: 'b007' };
  const { gauges } = await follow(spool, [
    {
      entries: [
        entry(1, own),
        entry(2, { ...own, _EXE: '/usr/lib/systemd/systemd' }),
        entry(3, { ...own, _BOOT_ID: 'b006' }),
        entry(4, { _SYSTEMD_UNIT: 'tailspool.service' }),
        entry(5, { _SYSTEMD_UNIT: 'init.scope', UNIT: 'tailspool.service' }),
      ],
    },
  ]);
  assert.deepEqual(bodies(dir, spool), ['m2', 'm3', 'm5']);
  assert.equal(gauges.own_skipped, 2);
  assert.equal(gauges.gaps, 0);
  await spool.close();
});

test('start_at: end passes over what stands there at the first run, and only then', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  const done: ChildEnd = { kind: 'exited', code: 0 };
  const startAt = 'end' as const;
  const first = await follow(spool, [{ entries: [entry(7)], end: done }, { entries: [entry(7), entry(8)] }], {
    startAt,
  });
  assert.ok(first.calls[0]?.includes('--lines=1'));
  const second = await follow(spool, [{ entries: [entry(8), entry(9)] }], { startAt });
  assert.ok(second.calls[0]?.includes(`--cursor=${cursor(8)}`));
  assert.deepEqual(bodies(dir, spool), ['m8', 'm9']);
  await spool.close();
});

test('a journalctl that is missing, refused or does not know the place is a problem with its own name', async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  const causes: Readonly<Record<string, Scene>> = {
    journalctl_missing: { end: { kind: 'not_started', code: 'ENOENT', message: 'spawn journalctl ENOENT' } },
    journal_forbidden: { end: ended, said: ['No journal files were opened due to insufficient permissions.'] },
    journalctl_failed: { end: { kind: 'killed', signal: 'SIGKILL' } },
  };
  for (const [cause, scene] of Object.entries(causes)) {
    const { problems } = await follow(spool, [scene, scene, {}]);
    assert.deepEqual(
      problems.map((one) => [one.cause, one.red]),
      [[cause, true]],
    );
  }
  await follow(spool, [{ entries: [entry(1)] }]);
  const seek: Scene = { end: ended, said: ['Failed to seek to cursor: Invalid argument'] };
  const { calls, gauges } = await follow(spool, [seek, { entries: [entry(3)] }]);
  assert.ok(calls[1]?.every((argument) => !argument.startsWith('--cursor')));
  assert.equal(gauges.gaps, 1);
  assert.deepEqual(bodies(dir, spool), ['m1', 'm3']);
  await spool.close();
});
