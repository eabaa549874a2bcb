/** Containers' logs as kubelet and Docker keep them: rotated, linked, cut off, killed in between. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createContainersCollector } from '../../../collectors/containers/collector.ts';
import type { Event } from '../../../collectors/shared/event.ts';
import type { Run } from '../../../spool/nouns.ts';
import { Bench } from '../file/bench.ts';

const folder = 'pods/shop_web-1_uid-7/nginx';

function benchOf(): Bench {
  const bench = new Bench();
  bench.creator = createContainersCollector;
  bench.options = { include: [bench.path('pods/*/*/*.log')], partialTimeoutMs: 5000 };
  bench.intake.shaped = true;
  return bench;
}

function isBehindRecords(run: Run | undefined): boolean {
  return run !== undefined && run.records === 0 && run.to > run.from && !run.dropped;
}

const line = (text: string, tag = 'F', stream = 'stdout') =>
  `2026-01-02T03:04:05.678901234Z ${stream} ${tag} ${text}\n`;

function eventsOf(bench: Bench, name = `${folder}/0.log`): Event[] {
  const lines = bench.intake.mirrored(bench.path(name)).split('\n').slice(0, -1);
  return lines.map((one) => JSON.parse(one) as Event);
}

async function until(bench: Bench, bodies: readonly unknown[], name?: string): Promise<void> {
  await bench.until(
    () => eventsOf(bench, name).length >= bodies.length,
    () => bench.explain(name ?? `${folder}/0.log`, JSON.stringify(bodies)),
  );
  assert.deepEqual(
    eventsOf(bench, name).map(({ body }) => body),
    bodies,
  );
}

test('a log of a pod has its attributes; parts stay in the file until the last one is there', async () => {
  await using bench = benchOf();
  bench.write(`${folder}/0.log`, line('one') + line('begins ', 'P'));
  await bench.start();
  await until(bench, ['one']);
  bench.write(`${folder}/0.log`, line('ends'));
  await until(bench, ['one', 'begins ends']);
  const [description] = [...bench.intake.descriptions.values()].filter(({ attributes }) => attributes['log.file.path']);
  assert.equal(description!.type, 'containers');
  assert.equal(description!.attributes['k8s.pod.uid'], 'uid-7');
  assert.equal(description!.attributes['k8s.container.restart_count'], '0');
});

for (const [what, multiline] of [
  ['', undefined],
  [', in groups', { start: undefined, continue: /^\s/, traces: [], timeoutMs: 100, linesMax: 9, bytesMax: 9999 }],
] as const) {
  test(`a line that begins before a rotation and ends behind it is one, also over a crash${what}`, async () => {
    for (const lost of [0, 1, 2, 3]) {
      await using bench = benchOf();
      if (multiline) bench.options = { ...bench.options, multiline };
      bench.write(`${folder}/0.log`, line('one') + line('begins ', 'P') + line('between', 'F', 'stderr'));
      await bench.start();
      if (multiline) await bench.pause(30);
      else await until(bench, ['one']);
      bench.rename(`${folder}/0.log`, `${folder}/0.log.20260102-030405`);
      bench.write(`${folder}/0.log`, line('goes on ', 'P'));
      await bench.pause(30);
      bench.write(`${folder}/0.log`, line('ends') + line('two') + line('three'));
      await until(bench, ['one', 'begins goes on ends', 'between', 'two', 'three']);
      // A cursor that moves right behind records is in their block (`Intake.commit`).
      let kept = bench.intake.entries.length - lost;
      while (isBehindRecords(bench.intake.entries[kept]?.run)) kept--;
      await bench.restart(() => {}, {}, kept);
      bench.write(`${folder}/0.log`, line('four'));
      await until(bench, ['one', 'begins goes on ends', 'between', 'two', 'three', 'four']);
    }
  });
}

test('a line whose end never comes is taken as it is after its time, and so is what comes then', async () => {
  await using bench = benchOf();
  bench.options = { ...bench.options, partialTimeoutMs: 100 };
  bench.write(`${folder}/0.log`, line('begins ', 'P'));
  await bench.start();
  await until(bench, ['begins ']);
  await bench.restart();
  bench.write(`${folder}/0.log`, line('ends'));
  await until(bench, ['begins ', 'ends']);
  const flags = eventsOf(bench).map(({ attributes }) => Object.keys(attributes!).slice(1));
  assert.deepEqual(flags, [['tailspool.unterminated'], ['tailspool.continues']]);
});

test('a line that was taken without its end goes on in the next file, and says so', async () => {
  await using bench = benchOf();
  bench.options = { ...bench.options, partialTimeoutMs: 100 };
  bench.write(`${folder}/0.log`, line('other', 'F', 'stderr') + line('begins ', 'P'));
  await bench.start();
  await until(bench, ['other', 'begins ']);
  bench.rename(`${folder}/0.log`, `${folder}/0.log.20260102-030405`);
  await bench.restart();
  bench.write(`${folder}/0.log`, line('more', 'F', 'stderr') + line('ends') + line('two'));
  await until(bench, ['other', 'begins ', 'more', 'ends', 'two']);
  const flags = eventsOf(bench).map(({ attributes }) => Object.keys(attributes!).slice(1).join());
  assert.deepEqual(flags, ['', 'tailspool.unterminated', '', 'tailspool.continues', '']);
});

test('what goes on in one file does not go on in the one after it as well (seed 139 of --shapes)', async () => {
  await using bench = benchOf();
  bench.options = { ...bench.options, partialTimeoutMs: 100 };
  bench.write(`${folder}/0.log`, line('begins ', 'P'));
  await bench.start();
  await until(bench, ['begins ']);
  await bench.restart(() => {
    bench.rename(`${folder}/0.log`, `${folder}/0.log.20260102-030405`);
    fs.writeFileSync(bench.path(`${folder}/0.log.20260102-030406.gz`), gzipSync(line('ends')));
  });
  bench.write(`${folder}/0.log`, line('two'));
  await until(bench, ['begins ', 'ends', 'two']);
  const flags = eventsOf(bench).map(({ attributes }) => Object.keys(attributes!).slice(1).join());
  assert.deepEqual(flags, ['tailspool.unterminated', 'tailspool.continues', '']);
});

test('generations that kubelet compressed while the agent was down are read, oldest first', async () => {
  await using bench = benchOf();
  bench.write(`${folder}/0.log`, line('one'));
  await bench.start();
  await until(bench, ['one']);
  await bench.restart(() => {
    bench.write(`${folder}/0.log`, line('two'));
    fs.writeFileSync(
      bench.path(`${folder}/0.log.20260102-030405.gz`),
      gzipSync(fs.readFileSync(bench.path(`${folder}/0.log`))),
    );
    fs.rmSync(bench.path(`${folder}/0.log`));
    bench.write(`${folder}/0.log.20260102-040506`, line('three'));
    bench.write(`${folder}/0.log`, line('four'));
  });
  await until(bench, ['one', 'two', 'three', 'four']);
});

test('links in containers/ lead to the log, are followed over its rotation, and tell the id', async () => {
  await using bench = benchOf();
  const id = '0123456789abcdef'.repeat(4);
  const link = `containers/web-1_shop_nginx-${id}.log`;
  bench.write(`${folder}/0.log`, line('one') + line('begins ', 'P'));
  fs.mkdirSync(bench.path('containers'));
  fs.symlinkSync(bench.path(`${folder}/0.log`), bench.path(link));
  await bench.start({ include: [bench.path('containers/*.log')] });
  await until(bench, ['one'], link);
  bench.rename(`${folder}/0.log`, `${folder}/0.log.20260102-030405`);
  bench.write(`${folder}/0.log`, line('ends') + line('two'));
  await until(bench, ['one', 'begins ends', 'two'], link);
  const sources = [...bench.intake.descriptions.values()].filter(({ attributes }) => attributes['log.file.path']);
  for (const { attributes } of sources) {
    assert.equal(attributes['container.id'], id);
    assert.equal(attributes['k8s.pod.uid'], 'uid-7');
  }
});

test("Docker's json-file: parts over a rotation, what is no line of it, and the id in the path", async () => {
  await using bench = benchOf();
  const id = 'fedcba9876543210'.repeat(4);
  const name = `docker/${id}/${id}-json.log`;
  const entry = (log: string) => `${JSON.stringify({ log, stream: 'stderr', time: '2026-01-02T03:04:05.6Z' })}\n`;
  bench.write(name, `${entry('one\n')}garbage\n${entry('begins ')}`);
  await bench.start({ include: [bench.path('docker/*/*-json.log')] });
  await until(bench, ['one', 'garbage'], name);
  bench.rename(name, `${name}.1`);
  bench.write(name, entry('ends\n'));
  await until(bench, ['one', 'garbage', 'begins ends'], name);
  assert.equal(bench.collector!.status().gauges.unparsed_lines, 1);
  assert.equal(eventsOf(bench, name)[2]!.timestamp, '2026-01-02T03:04:05.6Z');
  const [source] = [...bench.intake.descriptions.values()].filter(({ attributes }) => attributes['log.file.path']);
  assert.equal(source!.attributes['container.id'], id);
});
