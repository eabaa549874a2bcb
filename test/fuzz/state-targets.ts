/** Decoders of what collectors and the mirror keep, and of files that others write: archives, tokens, mounts, names. */
import assert from 'node:assert/strict';
import { crc32, gzipSync, zstdCompressSync } from 'node:zlib';
import { hostInflater } from '../../agent/host/inflater.ts';
import { parseMounts } from '../../agent/host/mounts.ts';
import { bytesFromName, nameFromBytes } from '../../agent/host/names.ts';
import { SecretFile } from '../../agent/secrets.ts';
import { decodeMark, decodeState, encodeMark, encodeState, type SourceState } from '../../collectors/file/state.ts';
import { Claims } from '../../shippers/mirror/claims.ts';
import { EpochMap } from '../../shippers/mirror/epoch-map.ts';
import { decodeIntent, encodeIntent } from '../../shippers/mirror/intent.ts';
import { Journal } from '../../shippers/mirror/journal.ts';
import { baseName, formatPath, hostFolder } from '../../shippers/mirror/names.ts';
import { Written } from '../../shippers/mirror/written.ts';
import type { Files } from '../../spool/ports.ts';
import { diskWith, typed } from './spool-targets.ts';
import type { Target } from './target.ts';

const state: SourceState = {
  device: 2049n,
  inode: 2n ** 63n,
  birthNs: 1_780_000_000_000_000_000n,
  modifiedMs: 1_780_000_000_000,
  finished: true,
  head: { length: 256, crc: 4711 },
  points: [
    { offset: 100, crc: 1 },
    { offset: 2 ** 40, crc: 2 },
  ],
  place: '/var/log/caf\udce9.log.1',
};
const intent = {
  sequence: 5,
  spool: '5'.repeat(32),
  folder: 'f'.repeat(32),
  from: { position: 100, epoch: 'e'.repeat(32), hash: 'a'.repeat(32) },
  files: [{ path: 'h/caf\udce9.log', inode: 2n ** 63n, lengthBytes: 10 }],
};
const lines = Buffer.from([1, ['two', '\udcff'], { three: 3 }].map(lineOf).join(''));
/** Lines whose checksum is right, whatever stands in them. */
const journals = [
  {
    name: 'hosts',
    valid: ['["web","0123456789abcdef0123456789abcdef","web"]', '["db","0123456789abcdef0123456789abcdef",null]'],
    async open(files: Files, path: string) {
      const claims = new Claims(files, path);
      assert.ok(claims.claim('f'.repeat(32), 'here'));
      await claims.flush();
    },
  },
  {
    name: 'sources',
    valid: ['[3,"fweb/var/log/a.log"]', '[3,"web/other","json"]'],
    async open(files: Files, path: string) {
      const map = new EpochMap(files, path);
      map.put(9, 'file', 'web/b.log');
      await map.flush();
      assert.equal(new EpochMap(files, path).path(9, 'text'), 'web/b.log');
    },
  },
  {
    name: 'written',
    valid: ['[7,"0123456789abcdef01234567","89"]', '[7]'],
    async open(files: Files, path: string) {
      const written = new Written(files, path);
      written.add(9, ['f'.repeat(32)]);
      await written.flush();
      assert.ok(new Written(files, path).has('f'.repeat(32)));
    },
  },
];
const archived = Buffer.from('a line of a log\n'.repeat(20));
const mounts = Buffer.from(
  '36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n37 1 0:5 / / rw - tmpfs none rw\n',
);

export const stateTargets: readonly Target[] = [
  {
    name: 'file state',
    from: 'disk',
    valid: [Buffer.from(encodeState(state))],
    run(input) {
      const decoded = decodeState(input);
      if (decoded) assert.deepEqual(decodeState(encodeState(decoded)), decoded);
    },
  },
  {
    name: 'file mark',
    from: 'disk',
    valid: [{ state: 0 }, { state: 5 }].map((more) =>
      Buffer.from(encodeMark({ unterminated: true, crc: 0xdeadbeef, ...more })),
    ),
    run(input) {
      const decoded = decodeMark(input);
      if (decoded) assert.deepEqual(decodeMark(encodeMark(decoded)), decoded);
    },
  },
  {
    name: 'mirror intent',
    from: 'disk',
    valid: [encodeIntent(intent)],
    seal(bytes) {
      const sealed = Buffer.from(bytes);
      if (sealed.length < 12) return sealed;
      sealed.writeUInt32LE(sealed.length - 12, 4);
      sealed.writeUInt32LE(crc32(sealed.subarray(12)), 8);
      return sealed;
    },
    run(input) {
      const decoded = decodeIntent(input);
      if (decoded) assert.deepEqual(decodeIntent(encodeIntent(decoded)), decoded);
    },
  },
  {
    name: 'mirror journal',
    from: 'disk',
    valid: [lines],
    async run(input) {
      const disk = diskWith('/m/hosts', input);
      const entries: unknown[] = [];
      const { journal } = Journal.open(disk.world, '/m/hosts', (entry) => entries.push(entry));
      await journal.rewrite(entries);
      const again: unknown[] = [];
      Journal.open(disk.world, '/m/hosts', (entry) => again.push(entry));
      assert.deepEqual(again, entries);
    },
  },
  ...journals.map(
    ({ name, valid, open }): Target => ({
      name: `mirror ${name}`,
      from: 'disk',
      valid: [...valid, '[8]', '{"8":1}', 'null'].map((json) => Buffer.from(json)),
      async run(input) {
        const json = input.toString('utf8').replaceAll('\n', ' ');
        const line = `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
        await open(diskWith('/m/file', Buffer.from(line)).world, '/m/file');
      },
    }),
  ),
  {
    name: 'mirror names',
    from: 'wire',
    valid: [Buffer.from('{"h":"../web/1","p":"/var/log/../../etc/\\u0000 \\udce9"}')],
    run(input) {
      const name = input.toString('latin1');
      const attributes = { 'log.file.path': `/${name}` };
      const description = { collector: name, type: 'file', resource: { 'host.name': name }, attributes };
      const path = `${hostFolder(name)}/${formatPath(baseName(description), 'text')}`;
      for (const part of path.split('/')) assert.ok(part !== '..' && part !== '.' && !part.includes('\0'), path);
    },
  },
  {
    name: 'file names',
    from: 'disk',
    valid: [Buffer.from('grün.log'), Buffer.from([0x63, 0x61, 0xe9, 0xed, 0xb3, 0xa9, 0xf0, 0x9f])],
    run(input) {
      assert.ok(bytesFromName(nameFromBytes(input)).equals(input), 'every name has one string and leads back');
    },
  },
  { name: 'archive (gzip)', from: 'disk', valid: [gzipSync(archived)], run: (input) => inflated('gzip', input) },
  {
    name: 'archive (zstd)',
    from: 'disk',
    valid: [zstdCompressSync(archived)],
    run: (input) => inflated('zstd', input),
  },
  {
    name: 'secret file',
    from: 'disk',
    valid: [Buffer.from('s3cret\n\n other \n')],
    run(input) {
      typed(() => new SecretFile(diskWith('/t/token', input).world, '/t/token').lines());
    },
  },
  { name: 'mount table', from: 'disk', valid: [mounts], run: (input) => void parseMounts(input) },
];

async function inflated(compression: 'gzip' | 'zstd', input: Buffer): Promise<void> {
  let bytes = 0;
  try {
    const read = (into: Uint8Array, position: number) =>
      input.copy(into, 0, position, Math.min(input.length, position + into.length));
    for await (const piece of hostInflater.expand(compression, read)) {
      assert.ok(piece.length <= 64 * 1024, 'a piece at a time');
      bytes += piece.length;
      if (bytes > 1024 * 1024) return;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    assert.ok(code === 'TRUNCATED' || code === 'DAMAGED', `${code}: ${(error as Error).message}`);
  }
}

function lineOf(entry: unknown): string {
  const json = JSON.stringify(entry);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}
