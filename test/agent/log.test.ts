import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hostClock } from '../../agent/host/clock.ts';
import { type LineWriter, openLineWriter } from '../../agent/host/line-writer.ts';
import { Fold, foldLimits } from '../../agent/log/fold.ts';
import { textLine } from '../../agent/log/text.ts';
import { openLog } from '../../agent/log.ts';
import type { LogEntry } from '../../spool/ports.ts';
import { SimulatedClock } from '../simulation/clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'tailspool-log-'));
after(() => rmSync(folder, { recursive: true }));

const minute = 60_000;

function entry(subject: string, message = 'it happened'): LogEntry {
  return { severity: 'warn', event: 'test.event', subject, message };
}

/** A fold on a clock of our own, and what it printed as `message×count`. */
function folding() {
  const clock = new SimulatedClock();
  const printed: string[] = [];
  const fold = new Fold(clock, ({ message }, repeats) => void printed.push(`${message}×${repeats + 1}`));
  return { clock, printed, fold };
}

test('the first entry of a subject is printed at once, those that follow as a count', async () => {
  const { clock, printed, fold } = folding();
  for (let nr = 1; nr <= 5; nr++) fold.add(entry('a', `a${nr}`));
  fold.add(entry('b', 'b1'));
  assert.deepEqual(printed, ['a1×1', 'b1×1']);
  await clock.advance(2 * minute);
  assert.deepEqual(printed, ['a1×1', 'b1×1', 'a5×4']);
});

test('what keeps coming is told less and less often, at most an hour apart', async () => {
  const { clock, printed, fold } = folding();
  for (let second = 0; second < 6 * 3600; second++) {
    fold.add(entry('a', 'x'));
    await clock.advance(1000);
  }
  const sum = printed.reduce((total, line) => total + Number(line.split('×')[1]), 0);
  assert.ok(printed.length >= 9 && printed.length <= 14, `${printed.length} lines`);
  fold.flush();
  assert.ok(sum <= 6 * 3600);
  const all = printed.reduce((total, line) => total + Number(line.split('×')[1]), 0);
  assert.equal(all, 6 * 3600);
});

test('an entry after a long quiet is printed at once', async () => {
  const { clock, printed, fold } = folding();
  fold.add(entry('a', '1'));
  await clock.advance(2 * minute);
  fold.add(entry('a', '2'));
  await clock.advance(2 * minute);
  fold.add(entry('a', '3'));
  assert.deepEqual(printed, ['1×1', '2×1', '3×1']);
});

test('subjects without end take bounded memory, and lose no count', async () => {
  const { printed, fold } = folding();
  const subjects = foldLimits.subjectsMax * 3;
  for (let round = 0; round < 2; round++) {
    for (let nr = 0; nr < subjects; nr++) {
      fold.add(entry(`s${nr}`));
      fold.add(entry(`s${nr}`));
    }
  }
  fold.flush();
  const counted = printed.reduce((total, line) => total + Number(line.split('×')[1]), 0);
  assert.equal(counted, subjects * 4);
});

test('on a terminal an entry is one line, and nothing in it steers the terminal', () => {
  const evil: LogEntry = { severity: 'error', event: 'e', message: 'a\nb\u001b[2J', attributes: { path: '/x\ry' } };
  const line = textLine(evil, 2, Date.UTC(2026, 0, 1, 12, 0, 1), false);
  assert.equal(line, '12:00:01 error a\\u000ab\\u001b[2J (and 2 more path=/x\\u000dy)');
  assert.match(textLine(evil, 0, 0, true), /\u001b\[31merror\u001b\[39m/);
});

/** Writes the entries to a file and returns its lines. */
async function linesOf(
  format: 'json' | 'text',
  entries: readonly LogEntry[],
  level: LogEntry['severity'] = 'info',
): Promise<string[]> {
  const path = join(folder, `${format}.log`);
  const descriptor = openSync(path, 'w');
  const writer = openLineWriter(descriptor, 64 * 1024);
  const log = openLog({ level, format, colors: false, clock: hostClock, version: '1.2.3', writer });
  for (const one of entries) log.write(one);
  await log.close(5000);
  closeSync(descriptor);
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}

test('entries for following what happens are printed one by one', async () => {
  const entries = [1, 2, 3].map((nr): LogEntry => ({ ...entry('a', `step ${nr}`), severity: 'debug' }));
  const lines = await linesOf('text', entries, 'debug');
  assert.equal(lines.filter((line) => /step \d/.test(line)).length, 3);
});

test('as JSON an entry has the names of the OpenTelemetry log data model', async () => {
  const entries: LogEntry[] = [
    { severity: 'debug', event: 'not.shown', message: 'below the level' },
    { severity: 'error', event: 'disk.full', subject: '/data', message: '100 %s "full"\n', attributes: { free: 1 } },
    { severity: 'error', event: 'disk.full', subject: '/data', message: 'again' },
  ];
  const [first, second, ...more] = (await linesOf('json', entries)).map((line) => JSON.parse(line));
  assert.equal(more.length, 0);
  assert.match(first.timestamp, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  delete first.timestamp;
  assert.deepEqual(first, {
    severity_number: 17,
    severity_text: 'ERROR',
    event_name: 'disk.full',
    body: '100 %s "full"\n',
    attributes: { free: 1, subject: '/data' },
    resource: { 'service.name': 'tailspool', 'service.version': '1.2.3' },
  });
  assert.equal(second.body, 'again');
});

test('as text an entry is its time, severity and message', async () => {
  const lines = await linesOf('text', [{ severity: 'info', event: 'e', message: 'hello' }]);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^\d\d:\d\d:\d\d info {2}hello$/);
});

test('a reader that is too slow costs entries, which are counted and told, never the agent', async () => {
  let room = 1;
  const taken: string[] = [];
  const writer: LineWriter = {
    write: (line) => room-- > 0 && taken.push(line) > 0,
    flush: () => new Promise(() => {}),
  };
  const clock = new SimulatedClock();
  const log = openLog({ level: 'info', format: 'text', colors: false, clock, version: '', writer });
  for (const subject of ['a', 'b', 'c']) log.write(entry(subject));
  assert.equal(log.dropped, 2);
  room = 2;
  log.write(entry('d', 'room again'));
  assert.match(taken[1] ?? '', /2 entries of this log were dropped/);
  assert.match(taken[2] ?? '', /room again/);
  await clock.run(log.close(200));
});

test('a descriptor that is dead costs the lines and nothing else', async () => {
  const path = join(folder, 'dead');
  const writable = openSync(path, 'w');
  closeSync(writable);
  const readOnly = openSync(path, 'r');
  const writer = openLineWriter(readOnly, 1024);
  for (let nr = 0; nr < 1000; nr++) {
    writer.write('a line\n');
    if (nr % 100 === 0) await writer.flush();
  }
  await writer.flush();
  assert.ok(writer.write('room\n'));
  await writer.flush();
  closeSync(readOnly);
});
