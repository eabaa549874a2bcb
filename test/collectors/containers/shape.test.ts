/** The lines of containers' logs: both formats, parts, streams, groups; the same in any pieces. SEED=n replays one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerAttributes } from '../../../collectors/containers/attributes.ts';
import { parseLine } from '../../../collectors/containers/format.ts';
import { ContainerLines } from '../../../collectors/containers/shape.ts';
import type { Event } from '../../../collectors/shared/event.ts';
import type { MultilineOptions } from '../../../collectors/shared/multiline.ts';
import { SeededRandom } from '../../simulation/random.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const groups: MultilineOptions = {
  start: undefined,
  continue: /^\s/,
  traces: [],
  timeoutMs: 1000,
  linesMax: 5,
  bytesMax: 300,
};

/** What comes out where the bytes come in such pieces; nothing is forced before the end. */
function eventsOf(shape: ContainerLines, bytes: Uint8Array, pieceOf: () => number): Event[] {
  const events: Event[] = [];
  let memory = { unterminated: false, state: 0 };
  let offset = 0;
  const take = (upto: number, ends: boolean): boolean => {
    if (upto <= offset) return false;
    const fresh = { bytes: bytes.subarray(offset, upto), offset, start: bytes.subarray(0, 3), ends };
    const { taken, records, unterminated, state } = shape.cut({ ...fresh, ...memory });
    assert.ok(records.length === 0 || taken > 0);
    for (const record of records) events.push(JSON.parse(Buffer.from(record).toString()));
    memory = { unterminated, state };
    assert.ok(state < 2 ** 52);
    offset += taken;
    return taken > 0;
  };
  for (let upto = 0; upto < bytes.length; ) {
    upto = Math.min(bytes.length, upto + pieceOf());
    while (take(upto, false));
  }
  while (take(bytes.length, true));
  assert.equal(offset, bytes.length);
  return events;
}

const cri = (stream: string, tag: string, text: string, at = '2026-01-02T03:04:05.678901234Z') =>
  `${at} ${stream} ${tag} ${text}\n`;
const docker = (stream: string, log: string) =>
  `${JSON.stringify({ log, stream, time: '2026-01-02T03:04:05.678901234Z' })}\n`;
const whole = () => 1e9;

test('a line of CRI and one of Docker become the same event', () => {
  for (const text of [cri('stderr', 'F', 'it is so'), docker('stderr', 'it is so\n')]) {
    assert.deepEqual(
      eventsOf(new ContainerLines({ multiline: undefined, maxLineBytes: 1000 }), Buffer.from(text), whole),
      [{ timestamp: '2026-01-02T03:04:05.678901234Z', body: 'it is so', attributes: { 'log.iostream': 'stderr' } }],
    );
  }
});

test('times with an offset are the same moment in UTC, with all their digits; empty lines and further tags are none the less lines', () => {
  const time = (text: string) => parseLine(Buffer.from(`${text} stdout F x`))?.timestamp;
  assert.equal(time('2026-01-02T03:04:05.000000001+08:00'), '2026-01-01T19:04:05.000000001Z');
  assert.equal(time('2026-01-02T03:04:05Z'), '2026-01-02T03:04:05Z');
  assert.equal(time('2026-13-02T03:04:05Z'), undefined);
  assert.equal(time('yesterday'), undefined);
  for (const line of ['2026-01-02T03:04:05Z stdout F', '2026-01-02T03:04:05Z stdout F '])
    assert.equal(Buffer.from(parseLine(Buffer.from(line))!.content).toString(), '');
  assert.equal(parseLine(Buffer.from('2026-01-02T03:04:05Z stdout P:a:b x'))?.partial, true);
  for (const line of ['2026-01-02T03:04:05Z stdin F x', '2026-01-02T03:04:05Z stdout X x', '{"log":"x"}', '{', '', ' '])
    assert.equal(parseLine(Buffer.from(line)), undefined, line);
});

test('parts are put together within each stream, in the order in which the lines begin', () => {
  const text =
    cri('stdout', 'P', 'one ') +
    cri('stderr', 'F', 'between') +
    cri('stdout', 'P', 'two ') +
    cri('stdout', 'F', 'three');
  const bodies = (bytes: string) =>
    eventsOf(new ContainerLines({ multiline: undefined, maxLineBytes: 1000 }), Buffer.from(bytes), whole).map(
      (event) => event.body,
    );
  assert.deepEqual(bodies(text), ['one two three', 'between']);
  assert.deepEqual(bodies(docker('stdout', 'a') + docker('stderr', 'x\n') + docker('stdout', 'b\n')), ['ab', 'x']);
});

test('a character that the runtime cut in two is whole again', () => {
  const euro = Buffer.from('€');
  const part = (tag: string, bytes: Uint8Array) =>
    Buffer.concat([Buffer.from(`2026-01-02T03:04:05Z stdout ${tag} `), bytes, Buffer.from('\n')]);
  const bytes = Buffer.concat([part('P', euro.subarray(0, 1)), part('F', euro.subarray(1))]);
  const shape = new ContainerLines({ multiline: undefined, maxLineBytes: 1000 });
  assert.deepEqual(eventsOf(shape, bytes, whole)[0]!.body, '€');
  assert.deepEqual(eventsOf(shape, part('F', Buffer.from([0xff])), whole)[0]!.body, { bytes: '/w==' });
});

test('what Docker adds to each line by log-opts stands in the attributes', () => {
  const line = { log: 'x\n', stream: 'stdout', time: '2026-01-02T03:04:05Z', attrs: { tag: 'web', n: 1 } };
  const shape = new ContainerLines({ multiline: undefined, maxLineBytes: 1000 });
  assert.deepEqual(eventsOf(shape, Buffer.from(`${JSON.stringify(line)}\n`), whole)[0]!.attributes, {
    'log.iostream': 'stdout',
    'docker.attrs.tag': 'web',
  });
});

test('what is of no format is kept as it is and counted', () => {
  const shape = new ContainerLines({ multiline: undefined, maxLineBytes: 1000 });
  const bytes = Buffer.from(`rpc error: no such container\n${cri('stdout', 'F', 'a')}`);
  const shaped = shape.cut({ bytes, offset: 0, start: bytes, ends: false, unterminated: false, state: 0 });
  assert.equal(shaped.unparsed, 1);
  assert.deepEqual(JSON.parse(Buffer.from(shaped.records[0]!).toString()), { body: 'rpc error: no such container' });
});

test('a line that is never finished is carried in pieces that say so', () => {
  const text =
    Array.from({ length: 5 }, () => cri('stdout', 'P', 'x'.repeat(400))).join('') + cri('stdout', 'F', 'end');
  const shape = new ContainerLines({ multiline: undefined, maxLineBytes: 1000 });
  const events = eventsOf(shape, Buffer.from(text), whole);
  assert.deepEqual(
    events.map(({ body, attributes }) => [
      String(body).length,
      attributes!['tailspool.unterminated'] ?? false,
      attributes!['tailspool.continues'] ?? false,
    ]),
    [
      [1200, true, false],
      [803, false, true],
    ],
  );
});

test('with multiline the lines of each stream are grouped by themselves', () => {
  const text = ['stdout a', 'stdout  b', 'stderr 1', 'stdout  c', 'stderr  2', 'stdout d', 'stderr 3']
    .map((line) => cri(line.slice(0, 6), 'F', line.slice(7)))
    .join('');
  const shape = new ContainerLines({ multiline: groups, maxLineBytes: 1000 });
  assert.deepEqual(
    eventsOf(shape, Buffer.from(text), whole).map(({ body }) => body),
    ['a\n b\n c', '1\n 2', 'd', '3'],
  );
});

test(`events are the same in any pieces, and no text of a stream is lost or out of order (SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  for (let round = 0; round < 5; round++) {
    let text = '';
    const written = { stdout: '', stderr: '' };
    for (let line = 0; line < 60; line++) {
      const stream = random.pick(['stdout', 'stderr'] as const);
      const content = `${random.chance(0.5) ? ' ' : ''}${line} ${'x'.repeat(random.below(120))}`;
      const partial = random.chance(0.3);
      text += random.chance(0.5)
        ? cri(stream, partial ? 'P' : 'F', content)
        : docker(stream, `${content}${partial ? '' : '\n'}`);
      written[stream] += partial ? content : `${content}\n`;
      if (random.chance(0.05)) text += 'no line of a container\n';
    }
    for (const multiline of [undefined, groups]) {
      const shape = new ContainerLines({ multiline, maxLineBytes: 200 });
      const expected = eventsOf(shape, Buffer.from(text), whole);
      for (const max of [7, 80, 2000])
        assert.deepEqual(
          eventsOf(shape, Buffer.from(text), () => 1 + random.below(max)),
          expected,
          `pieces of up to ${max}`,
        );
      const got = { stdout: '', stderr: '' };
      for (const { body, attributes } of expected) {
        const stream = attributes?.['log.iostream'] as 'stdout' | undefined;
        if (stream) got[stream] += `${body}${attributes?.['tailspool.unterminated'] ? '' : '\n'}`;
      }
      assert.deepEqual(got, written);
    }
  }
});

test('any bytes are taken, in any pieces alike', () => {
  const random = new SeededRandom(seed);
  const valid = Buffer.from(cri('stdout', 'P', 'one') + docker('stderr', 'two\n') + cri('stdout', 'F', 'three'));
  for (let round = 0; round < 200; round++) {
    const bytes = Buffer.concat([valid, valid, valid]);
    for (let flips = random.below(20); flips > 0; flips--) bytes[random.below(bytes.length)] = random.below(256);
    const shape = new ContainerLines({ multiline: round % 2 === 0 ? groups : undefined, maxLineBytes: 1000 });
    assert.deepEqual(
      eventsOf(shape, bytes, () => 1 + random.below(9)),
      eventsOf(shape, bytes, whole),
    );
  }
});

test('whose a log is stands in its path, and where links lead', () => {
  const inPod = '/var/log/pods/shop_web-7d9f_0a1b-2c/nginx/3.log';
  const id = 'ab'.repeat(32);
  const link = `/var/log/containers/web-7d9f_shop_nginx-${id}.log`;
  const pod = {
    ...{ 'k8s.namespace.name': 'shop', 'k8s.pod.name': 'web-7d9f', 'k8s.pod.uid': '0a1b-2c' },
    ...{ 'k8s.container.name': 'nginx', 'k8s.container.restart_count': '3' },
  };
  assert.deepEqual(containerAttributes([inPod]), pod);
  assert.deepEqual(containerAttributes([link, inPod]), { ...pod, 'container.id': id });
  assert.deepEqual(containerAttributes([inPod, `/var/lib/docker/containers/${id}/${id}-json.log`]), {
    ...pod,
    'container.id': id,
  });
  assert.deepEqual(containerAttributes(['/var/log/syslog']), {});
});
