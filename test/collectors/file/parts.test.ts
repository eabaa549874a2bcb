/** The parts of tailing that decide without looking at the world: cutting, counting, names, patterns, identity, state. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutRecords, holeBytesMin } from '../../../collectors/file/cut.ts';
import { fingerprintAt, headOf, type Point, pointsMax, withPoint } from '../../../collectors/file/fingerprint.ts';
import { compilePatterns } from '../../../collectors/file/glob.ts';
import { type Content, compare, type Known, showsRealBirth } from '../../../collectors/file/identity.ts';
import { countBySearching, countLineFeeds, useForCounting } from '../../../collectors/file/linefeeds.ts';
import { rotatedNames } from '../../../collectors/file/names.ts';
import { isNetworkType, mayFollowLink, mayReadHardLink } from '../../../collectors/file/permission.ts';
import { decodeMark, decodeState, encodeMark, encodeState, type SourceState } from '../../../collectors/file/state.ts';
import type { FileStat } from '../../../spool/ports.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
console.log(`# SEED=${seed}`);

test('line feeds are counted right at any length and alignment', () => {
  for (const length of [0, 1, 15, 16, 17, 255 * 16 - 1, 255 * 16, 255 * 16 + 1, 400_000]) {
    const bytes = Buffer.alloc(length + 64, '\n');
    assert.equal(countLineFeeds(bytes, length), length);
    bytes.fill('x', 0, length);
    assert.equal(countLineFeeds(bytes, length), 0, 'what lies behind the length is not counted');
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(5000), (bytes, length) => {
      const upTo = Math.min(length, bytes.length);
      assert.equal(countLineFeeds(bytes, upTo), countBySearching(bytes, upTo));
    }),
    { seed, numRuns: 200 },
  );
});

test('a counter of the host is used only if it counts the same', () => {
  const bytes = Buffer.from('one\ntwo\n');
  assert.ok(!useForCounting((all) => countBySearching(all, all.length)), 'one that does not heed the length');
  assert.ok(!useForCounting((all, length) => countBySearching(all, length) % 4096), 'one that overflows');
  assert.equal(countLineFeeds(bytes, bytes.length), 2);
  let asked = 0;
  const counter = (all: Uint8Array, length: number) => {
    asked++;
    return countBySearching(all, length);
  };
  assert.ok(useForCounting(counter));
  asked = 0;
  assert.equal(countLineFeeds(bytes, bytes.length), 2);
  assert.equal(asked, 1);
});

/** Cuts a whole content as a reader would that gets it in pieces of some size. */
function cutAll(content: Buffer, pieceBytes: number, lineBytesMax: number): string[] {
  const records: string[] = [];
  let at = 0;
  for (let room = pieceBytes; at < content.length; ) {
    const piece = content.subarray(at, at + room);
    const cut = cutRecords(piece, piece.length, lineBytesMax);
    if (cut.kind === 'open' && at + room < content.length) {
      room += pieceBytes;
      continue;
    }
    const bytes = cut.kind === 'open' ? piece.length : cut.bytes;
    assert(bytes > 0, 'every cut advances');
    if (cut.kind === 'records') records.push(...piece.toString('latin1', 0, bytes).split('\n').slice(0, -1));
    else records.push(`${cut.kind} ${piece.toString('latin1', 0, bytes)}`);
    at += bytes;
    room = pieceBytes;
  }
  return records;
}

test('any chunking of the same bytes gives the same records', () => {
  const byte = fc.oneof(
    { weight: 6, arbitrary: fc.constant(97) },
    { weight: 2, arbitrary: fc.constant(10) },
    fc.constant(0),
  );
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 400 }), fc.integer({ min: 40, max: 500 }), (bytes, pieceBytes) => {
      const content = Buffer.from(bytes);
      assert.deepEqual(cutAll(content, pieceBytes, 20), cutAll(content, 10_000, 20));
    }),
    { seed, numRuns: 500 },
  );
});

test('a hole is cut from the text around it', () => {
  const content = Buffer.concat([Buffer.from('one\ntorn'), Buffer.alloc(holeBytesMin), Buffer.from('two\n')]);
  assert.deepEqual(cutRecords(content, content.length, 100), { kind: 'records', bytes: 4 });
  const rest = content.subarray(4);
  assert.deepEqual(cutRecords(rest, rest.length, 100), { kind: 'piece', bytes: 4 });
  const hole = content.subarray(8);
  assert.deepEqual(cutRecords(hole, hole.length, 100), { kind: 'hole', bytes: holeBytesMin });
});

test('names of rotated files are told from ordinary ones', () => {
  const originals = (name: string) => rotatedNames(name).map((one) => one.original);
  for (const name of [
    'app.log.1',
    'app.log.10.gz',
    'app.log-20260131',
    'app.log.2026-01-31T10',
    'app.log.old',
    'app.log~',
  ])
    assert.equal(originals(name)[0], 'app.log', name);
  assert(originals('app.log.gz').includes('app.log'));
  for (const name of ['app.1.log', 'app-20260131.log', 'app.2026-01-31.log.zst'])
    assert(originals(name).includes('app.log'), name);
  for (const name of ['app.log', 'app-errors.log', 'access_log', 'a.b.c', 'syslog'])
    assert.deepEqual(originals(name), [], name);
  const age = (name: string) => rotatedNames(name)[0]!.age;
  assert(age('app.log.2') > age('app.log.1'));
  assert(age('app.log-20260130') > age('app.log-20260131'));
});

test('patterns match whole paths, and only directories that can hold matches are walked', () => {
  const cases: [string, string[], string[], string[], string[]][] = [
    [
      '/var/log/*.log',
      ['/var/log/a.log'],
      ['/var/log/x/a.log', '/var/log/a.txt'],
      ['/var', '/var/log'],
      ['/var/log/x', '/etc'],
    ],
    ['/var/**/*.log', ['/var/a.log', '/var/x/y/a.log'], ['/srv/a.log'], ['/var', '/var/x/y'], ['/srv']],
    [
      '/srv/*/log/{a,b}.txt',
      ['/srv/x/log/b.txt'],
      ['/srv/x/y/log/a.txt'],
      ['/srv', '/srv/x', '/srv/x/log'],
      ['/srv/x/data'],
    ],
    [
      '/opt/{one/logs,two}/*.log',
      ['/opt/one/logs/a.log', '/opt/two/a.log'],
      ['/opt/three/a.log'],
      ['/opt', '/opt/two'],
      ['/usr'],
    ],
    ['/var//log//a*//x.log', ['/var/log/ab/x.log'], ['/var/log/x.log'], ['/var/log/ab'], ['/var/log/b']],
    ['/var/log/plain.log', ['/var/log/plain.log'], ['/var/log/plainXlog'], ['/var/log'], ['/var/log/x']],
  ];
  for (const [pattern, matching, others, walked, spared] of cases) {
    const patterns = compilePatterns([pattern], ['/**/never.log']);
    for (const path of matching) assert(patterns.matches(path), `${pattern} matches ${path}`);
    for (const path of [...others, '/var/log/never.log'])
      assert(!patterns.matches(path), `${pattern} does not match ${path}`);
    for (const path of walked) assert(patterns.mayHold(path), `${pattern} needs ${path}`);
    for (const path of spared) assert(!patterns.mayHold(path), `${pattern} does not need ${path}`);
  }
  assert.deepEqual(compilePatterns(['/var/log/*/x*.log']).bases, ['/var/log']);
});

test('a state survives its encoding, and garbage is no state', () => {
  const state: SourceState = {
    ...{ device: 2n ** 63n, inode: 2n ** 64n - 1n, birthNs: 1n, modifiedMs: 1_795_000_000_123, finished: true },
    ...{
      head: { length: 1024, crc: 0xffffffff },
      points: [
        { offset: 5, crc: 1 },
        { offset: 2 ** 50, crc: 2 },
      ],
    },
    place: '/var/log/\udcff.log',
  };
  assert.deepEqual(decodeState(encodeState(state)), state);
  for (const state of [0, 1, 0x80000000, 2 ** 52 - 1]) {
    const mark = { unterminated: true, state, crc: 0xfedcba98 };
    assert.deepEqual(decodeMark(encodeMark(mark)), mark);
  }
  assert.equal(
    encodeMark({ unterminated: false, crc: 1 }).length,
    5,
    'no more than it was where nothing is remembered',
  );
  const bytes = encodeState(state);
  for (let length = 0; length < bytes.length; length++) assert.equal(decodeState(bytes.subarray(0, length)), undefined);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    decodeState(flipped); // may decode to something else, never throws
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
      decodeState(garbage);
      decodeMark(garbage);
    }),
    { seed, numRuns: 1000 },
  );
});

test('a state with the points of many runs since the last table is thinned, and decodes', () => {
  const points = Array.from({ length: 64 }, (_, at) => ({ offset: (at + 1) * 4096, crc: at }));
  const state: SourceState = {
    ...{ device: 1n, inode: 2n, birthNs: 3n, modifiedMs: 4, finished: false },
    ...{ head: { length: 1024, crc: 5 }, points, place: '/var/log/a.log.1' },
  };
  const decoded = decodeState(encodeState(state));
  assert.ok(decoded);
  assert.deepEqual({ ...decoded, points: [] }, { ...state, points: [] });
  assert.deepEqual(decoded.points.at(-1), points.at(-1));
  assert.ok(decoded.points.length > 5 && decoded.points.length <= 24);
});

test('points are thinned: few, the newest always, and never far from any place looked for', () => {
  let points: readonly Point[] = [];
  for (let offset = 65_536; offset < 2 ** 32; offset += Math.max(65_536, Math.floor(offset / 8)))
    points = withPoint(points, { offset, crc: offset % 1000 });
  assert(points.length <= pointsMax);
  assert(points.every((point, at) => at === 0 || point.offset > points[at - 1]!.offset));
});

const stat: FileStat = {
  ...{
    kind: 'file',
    device: 1n,
    inode: 7n,
    sizeBytes: 0,
    allocatedBytes: 0,
    modifiedMs: 0,
    changedNs: 9n,
    birthNs: 5n,
  },
  ...{ owner: 0, links: 1, mode: 0o644 },
};

function contentOf(text: string): Content {
  const bytes = Buffer.from(text);
  const read = (into: Uint8Array, at: number) => bytes.copy(into, 0, at);
  return {
    sizeBytes: bytes.length,
    fingerprintAt: (at) => fingerprintAt(read, at),
    headOf: (length) => headOf(read, length),
  };
}

function knownOf(text: string, points: readonly number[] = []): Known {
  const content = contentOf(text);
  const point = (offset: number) => ({ offset, crc: content.fingerprintAt(offset)! });
  return {
    ...{ device: 1n, inode: 7n, birthNs: 5n, offset: text.length, crc: content.fingerprintAt(text.length)! },
    ...{ head: content.headOf(Math.min(text.length, 1024))!, points: points.map(point) },
  };
}

test('identity is decided by object and content together', () => {
  const text = 'the first line\nthe second line\n';
  const usual = { birthIsReal: true, rebooted: false, powerCut: false };
  const afterPowerCut = { birthIsReal: true, rebooted: true, powerCut: true };
  const cases: [string, Partial<FileStat>, string, typeof usual, string][] = [
    ['unchanged', {}, text, usual, 'itself'],
    ['grown', {}, `${text}more\n`, usual, 'itself'],
    ['shorter', {}, 'the first line\n', usual, 'truncated'],
    ['other content', {}, text.toUpperCase(), usual, 'truncated'],
    ['inode used again', { birthNs: 6n }, 'something else\n', usual, 'other'],
    ['inode used again, same content', { birthNs: 6n }, text, usual, 'copy'],
    ['birth times are not real', { birthNs: 6n }, text, { ...usual, birthIsReal: false }, 'itself'],
    [
      'another device number after a reboot',
      { device: 2n },
      text,
      { ...usual, birthIsReal: false, rebooted: true },
      'itself',
    ],
    ['another device', { device: 2n }, 'else\n', { ...usual, birthIsReal: false }, 'other'],
    ['moved', { inode: 8n }, text, usual, 'copy'],
    ['another file', { inode: 8n }, 'else\n', usual, 'other'],
  ];
  for (const [what, change, content, around, expected] of cases)
    assert.equal(compare(knownOf(text), { ...stat, ...change }, contentOf(content), around).kind, expected, what);
  const back = compare(knownOf(text, [15]), stat, contentOf('the first line\n'), afterPowerCut);
  assert.deepEqual(
    back,
    { kind: 'went_back', at: 15 },
    'a point is enough where the file is shorter than its head was',
  );
  assert.equal(
    compare(knownOf(text, [15]), stat, contentOf('the first line\n'), { ...afterPowerCut, powerCut: false }).kind,
    'truncated',
    'it was stopped before the machine was',
  );
  const long = `${'x'.repeat(2000)}\n${text}`;
  const cut = compare(knownOf(long, [2001]), stat, contentOf(long.slice(0, 2010)), afterPowerCut);
  assert.deepEqual(cut, { kind: 'went_back', at: 2001 });
  assert.equal(compare(knownOf(long, [2001]), stat, contentOf(long.slice(0, 2010)), usual).kind, 'truncated');
});

test('a birth time is real where it is older than the last change, and says nothing of a file of which none was known', () => {
  assert(showsRealBirth(stat));
  assert(!showsRealBirth({ ...stat, birthNs: 0n }));
  assert(!showsRealBirth({ ...stat, birthNs: stat.changedNs }));
  const around = { birthIsReal: true, rebooted: false, powerCut: false };
  assert.equal(compare({ ...knownOf('one\n'), birthNs: 0n }, stat, contentOf('one\n'), around).kind, 'itself');
});

test('links: root may link anything, others what is theirs; names may be added only by who owns the file', () => {
  assert(mayFollowLink(0, { owner: 33 }) && mayFollowLink(33, { owner: 33 }));
  assert(!mayFollowLink(33, { owner: 0 }));
  assert(mayReadHardLink({ owner: 33 }, { owner: 33, mode: 0o755 }));
  assert(mayReadHardLink({ owner: 0 }, { owner: 0, mode: 0o755 }));
  assert(!mayReadHardLink({ owner: 0 }, { owner: 33, mode: 0o755 }));
  assert(!mayReadHardLink({ owner: 0 }, { owner: 0, mode: 0o1777 }));
  for (const type of ['nfs4', 'cifs', 'fuse.sshfs', 'fuse', '9p']) assert(isNetworkType(type));
  for (const type of ['ext4', 'xfs', 'tmpfs', 'overlay', 'btrfs']) assert(!isNetworkType(type));
});
