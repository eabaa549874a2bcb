/** Lines that are not spooled as they stand: groups, and files in other encodings, through rotation, crashes and restarts. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { MultilineOptions } from '../../../collectors/shared/multiline.ts';
import { textOf } from '../shared/text-of.ts';
import { Bench } from './bench.ts';

const groups: MultilineOptions = {
  start: /^\d/,
  continue: undefined,
  traces: [],
  timeoutMs: 150,
  linesMax: 100,
  bytesMax: 64 * 1024,
};

function benchOf(options: Bench['options']): Bench {
  const bench = new Bench();
  bench.options = options;
  bench.intake.shaped = true;
  return bench;
}

function recordsOf(bench: Bench, name = 'a.log'): string[] {
  return bench.intake.mirrored(bench.path(name)).split('\n').slice(0, -1);
}

function bodies(bench: Bench, name = 'a.log'): unknown[] {
  return recordsOf(bench, name).map((line) => JSON.parse(line).body);
}

async function until(bench: Bench, wanted: readonly unknown[], name = 'a.log'): Promise<void> {
  await bench.until(
    () => bodies(bench, name).length >= wanted.length,
    () => bench.explain(name, JSON.stringify(wanted)),
  );
  assert.deepEqual(bodies(bench, name), wanted);
}

/** Groups `from` to `to`, each of one to four lines. */
function groupsOf(from: number, to: number): { text: string; bodies: string[] } {
  const made: string[] = [];
  for (let number = from; number < to; number++)
    made.push(
      [`${number} begins`, ...Array.from({ length: number % 4 }, (_, at) => `  of ${number}: ${at}`)].join('\n'),
    );
  return { text: made.map((body) => `${body}\n`).join(''), bodies: made };
}

const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const marked = (text: string) => Buffer.concat([Buffer.from([0xff, 0xfe]), utf16(text)]);

test('a group is one record as soon as the next begins, and the last one after its time', async () => {
  await using bench = benchOf({ multiline: groups });
  bench.write('a.log', '1 a\n b\n2 c\n');
  await bench.start();
  await until(bench, ['1 a\n b']);
  bench.write('a.log', ' d\n');
  await until(bench, ['1 a\n b', '2 c\n d']);
  bench.write('a.log', ' late\n3 e\n');
  await until(bench, ['1 a\n b', '2 c\n d', ' late', '3 e']);
  assert.deepEqual(recordsOf(bench)[2], '{"body":" late","attributes":{"tailspool.continues":true}}');
});

test('an open group is not committed: whatever is cut off, nothing is lost, repeated or torn', async () => {
  const { text, bodies: wanted } = groupsOf(1, 30);
  const lines = text.split(/(?<=\n)/);
  await using bench = benchOf({ multiline: { ...groups, timeoutMs: 300 } });
  await bench.start();
  for (const [at, line] of lines.entries()) {
    bench.write('a.log', line);
    if (at % 7 === 3) {
      await bench.pause(20);
      await bench.restart(() => {}, {}, Math.max(2, bench.intake.entries.length - (at % 3)));
    }
  }
  await until(bench, wanted);
  for (const { run } of bench.intake.entries.filter(({ run: { records } }) => records > 0)) {
    const before = Buffer.from(text).subarray(0, run.to).toString();
    assert.ok(before.endsWith('\n'), 'a cursor stands behind a line');
  }
});

test('the end of a rotated generation closes its last group, and the next begins behind it', async () => {
  await using bench = benchOf({ multiline: groups });
  bench.write('a.log', '1 a\n b\n2 c\n');
  await bench.start();
  await until(bench, ['1 a\n b']);
  bench.rename('a.log', 'a.log.1');
  bench.write('a.log', ' no part of 2\n3 d\n');
  await until(bench, ['1 a\n b', '2 c', ' no part of 2', '3 d']);
});

test('groups are read on in an archive, and in what copytruncate left', async () => {
  const { text, bodies: wanted } = groupsOf(1, 3000);
  await using bench = benchOf({ multiline: groups });
  const half = Math.floor(text.length / 2);
  bench.write('a.log', text.slice(0, half));
  await bench.start();
  await bench.until(() => bodies(bench).length > 1000);
  await bench.restart(() => {
    bench.write('a.log', text.slice(half));
    fs.writeFileSync(bench.path('a.log.1.gz'), gzipSync(fs.readFileSync(bench.path('a.log'))));
    fs.rmSync(bench.path('a.log'));
    bench.write('a.log', '1 anew\n');
  });
  await bench.until(() => bodies(bench).includes('1 anew'));
  const text2 = textOf(recordsOf(bench)).toString();
  assert.equal(text2, `${text}1 anew\n`);
  assert.ok(bodies(bench).length >= wanted.length);
});

test('a line that is too long, one without an end, and bytes that are no UTF-8 come through groups byte for byte', async () => {
  await using bench = benchOf({ multiline: { ...groups, bytesMax: 2048 } });
  const content = Buffer.concat([
    Buffer.from(`1 a\n${'x'.repeat(10_000)}\n b\n`),
    Buffer.from([0x32, 0x20, 0xff, 0xfe, 0x0a]),
    Buffer.from('3 c\r\n d\r\nno end'),
  ]);
  bench.write('a.log', content);
  await bench.start();
  await bench.until(() => textOf(recordsOf(bench)).length >= content.length);
  assert.ok(textOf(recordsOf(bench)).equals(content));
  bench.write('a.log', ' now\n');
  await bench.until(() => textOf(recordsOf(bench)).length >= content.length + 5);
  assert.ok(textOf(recordsOf(bench)).equals(Buffer.concat([content, Buffer.from(' now\n')])));
});

test('a group beyond its limits is split at a line, flagged and counted', async () => {
  await using bench = benchOf({ multiline: { ...groups, linesMax: 3 } });
  bench.write('a.log', '1 a\nb\nc\nd\ne\n2 f\n');
  await bench.start();
  await until(bench, ['1 a\nb\nc', 'd\ne', '2 f']);
  assert.equal(JSON.parse(recordsOf(bench)[0]!).attributes['tailspool.split'], true);
  assert.equal(JSON.parse(recordsOf(bench)[1]!).attributes['tailspool.continues'], true);
  assert.equal(bench.collector!.status().gauges.split_groups, 1);
});

test('what a set of traces remembers of the lines before is known after a restart', async () => {
  await using bench = benchOf({ multiline: { ...groups, start: undefined, traces: ['java'], timeoutMs: 50 } });
  bench.write('a.log', 'java.lang.IllegalStateException: no\n\tat a.b(C.java:1)\n');
  await bench.start();
  await until(bench, ['java.lang.IllegalStateException: no\n\tat a.b(C.java:1)']);
  await bench.restart(() => bench.write('a.log', '\tat a.c(C.java:2)\n\tat a.d(C.java:3)\n\n\tat no.trace()\n'));
  await bench.until(() => bodies(bench).length === 4);
  assert.deepEqual(bodies(bench).slice(1), ['\tat a.c(C.java:2)\n\tat a.d(C.java:3)', '', '\tat no.trace()']);
  assert.equal(JSON.parse(recordsOf(bench)[1]!).attributes['tailspool.continues'], true);
});

for (const multiline of [undefined, groups]) {
  const what = multiline ? 'groups' : 'lines';
  const textIn = (bench: Bench) =>
    multiline ? textOf(recordsOf(bench)).toString() : bench.intake.mirrored(bench.path('a.log'));

  test(`UTF-16 ${what}: in the middle of a character, over restarts and rotation, as UTF-8 without byte order marks`, async () => {
    const { text } = groupsOf(1, 60);
    const wide = text.replaceAll('of', 'ਊ਀\u{1f600}é');
    const first = marked(wide);
    await using bench = benchOf({ encoding: 'utf-16', multiline });
    await bench.start();
    for (let at = 0; at < first.length; at += 333) {
      bench.write('a.log', first.subarray(at, at + 333));
      if (at % 2 === 1) await bench.pause(10);
      if (at % 5 === 0) await bench.restart(() => {}, {}, Math.max(2, bench.intake.entries.length - 1));
    }
    await bench.until(
      () => textIn(bench).length >= wide.length,
      () => bench.explain('a.log', wide),
    );
    assert.equal(textIn(bench), wide);
    bench.rename('a.log', 'a.log.1');
    const second = Buffer.concat([Buffer.from([0xfe, 0xff]), utf16('1 big\n2 end\n').swap16()]);
    bench.write('a.log', second);
    await bench.until(() => textIn(bench).length >= wide.length + 12);
    assert.equal(textIn(bench), `${wide}1 big\n2 end\n`);
    assert.equal(bench.collector!.status().gauges.undecodable_sequences, 0);
  });

  test(`UTF-16 ${what}: an odd byte at the end waits, and is a broken character when its time is over`, async () => {
    await using bench = benchOf({ encoding: 'utf-16le', multiline, partialTimeoutMs: 400 });
    bench.write('a.log', Buffer.concat([utf16('1 a\n2 b'), Buffer.from([0x0a])]));
    await bench.start();
    await bench.pause(50);
    bench.write('a.log', Buffer.concat([Buffer.from([0]), utf16('3 c'), Buffer.from([0x0a])]));
    await bench.until(() => textIn(bench).includes('3 c\ufffd'));
    assert.equal(textIn(bench), '1 a\n2 b\n3 c\ufffd');
    assert.equal(bench.collector!.status().gauges.undecodable_sequences, 1);
    bench.write('a.log', Buffer.concat([Buffer.from([0]), utf16('4 d\n')]));
    await bench.until(() => textIn(bench).includes('4 d\n'));
    assert.equal(textIn(bench), '1 a\n2 b\n3 c\ufffd4 d\n');
  });

  test(`UTF-16 ${what}: a hole is passed over without tearing the characters beside it`, async () => {
    for (const encode of [utf16, (text: string) => utf16(text).swap16()]) {
      const name = encode === utf16 ? 'utf-16le' : 'utf-16be';
      await using bench = benchOf({ encoding: name, multiline });
      bench.write('a.log', Buffer.concat([encode('1 a\n'), Buffer.alloc(3000), encode('2 b\n')]));
      await bench.start();
      await bench.until(() => textIn(bench).includes('2 b\n'));
      assert.equal(textIn(bench), '1 a\n2 b\n', name);
      assert.deepEqual(
        bench.intake.dropped.map(({ reason, bytes }) => [reason, bytes]),
        [['hole', 3000]],
      );
    }
  });

  test(`UTF-16 ${what}: start_at end passes over whole lines only`, async () => {
    await using bench = benchOf({ encoding: 'utf-16', multiline, startAt: 'end' });
    bench.write('a.log', marked('1 a\n2 b ਊ\n3 c'));
    await bench.start();
    bench.write('a.log', utf16(' d\n4 e\n'));
    await bench.until(() => textIn(bench).includes('4 e\n'));
    assert.equal(textIn(bench), '3 c d\n4 e\n');
  });
}

test('a UTF-16 file that went back in a power cut is read on at a line, and that is said', async () => {
  const line = (number: number) => `${number} a line of a log that is in the middle of other lines\n`;
  const text = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => line(from + at)).join('');
  await using bench = benchOf({ encoding: 'utf-16' });
  bench.write('a.log', marked(text(0, 5000)));
  await bench.start();
  await bench.holds('a.log', text(0, 5000));
  const kept = marked(text(0, 3000)).length;
  await bench.powerCut(() => {
    fs.truncateSync(bench.path('a.log'), kept);
    bench.write('a.log', utf16(text(8000, 8010)));
  });
  await bench.until(() => bench.intake.mirrored(bench.path('a.log')).endsWith(text(8000, 8010)));
  const got = bench.intake.mirrored(bench.path('a.log')).slice(text(0, 5000).length);
  assert.ok(
    got
      .split('\n')
      .slice(0, -1)
      .every((one) => /^\d+ a line of a log that is in the middle of other lines$/.test(one)),
  );
  assert.ok(bench.logged.some(({ event, message }) => event === 'file.went_back' && message.includes('twice')));
});

test('other encodings become UTF-8, and what does not decode is counted', async () => {
  await using bench = benchOf({ encoding: 'shift_jis' });
  bench.write('a.log', Buffer.from([0x82, 0xb1, 0x0a, 0x41, 0xff, 0x0a]));
  await bench.start();
  await bench.holds('a.log', 'こ\nA\ufffd\n');
  assert.equal(bench.collector!.status().gauges.undecodable_sequences, 1);
});
