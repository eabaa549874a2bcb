import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hostFiles } from '../../agent/host/files.ts';
import { findSpool } from '../../spool/inspect.ts';
import { type Finding, verifySpool } from '../../spool/verify.ts';
import { codec, temporarySpool, writeLines } from './temporary-spool.ts';

/** A small closed spool of several segments, with a shipper's cursor in the middle. */
async function smallSpool(dir: ReturnType<typeof temporarySpool>): Promise<string[]> {
  const spool = await dir.open({ segmentBytes: 1000 });
  const { intake } = spool;
  const sources = [intake.begin(dir.description('/a.log')), intake.begin(dir.description('/b.log'))];
  for (let round = 0; round < 8; round++) {
    for (const source of sources) await writeLines(spool, source, round * 1000, 2);
    await intake.flush();
  }
  const outlet = spool.outlet('s');
  const read = outlet.read(outlet.oldest, 1);
  assert.equal(read.kind, 'blocks');
  if (read.kind !== 'blocks') throw new Error();
  const [first] = read.blocks;
  await outlet.save(
    { receiver: '', epoch: read.epoch.id, forked: false, position: first!.end, hash: first!.hash },
    true,
  );
  await spool.close();
  return fs.readdirSync(join(dir.path, 'spool')).sort();
}

function verify(path: string) {
  const findings: Finding[] = [];
  const place = findSpool(hostFiles, path);
  assert.ok(place);
  const verdict = verifySpool(hostFiles, codec, place, (finding) => findings.push(finding));
  return { verdict, findings };
}

test('a sound spool has no findings, and all of it is counted', async () => {
  await using dir = temporarySpool();
  const segments = await smallSpool(dir);
  assert.ok(segments.length >= 3, segments.join());
  for (const path of [dir.path, join(dir.path, 'spool')]) {
    const { verdict, findings } = verify(path);
    assert.deepEqual(findings, []);
    assert.equal(verdict.unfinished, undefined);
    assert.equal(verdict.records, 32);
    assert.equal(verdict.segments, segments.length);
  }
});

/** Every byte with EVERY=1 in the environment. */
const every = Number(process.env.EVERY ?? 7);

test('a single wrong bit anywhere in a segment is found', async () => {
  let first = Number(process.env.SEED ?? 0);
  await using dir = temporarySpool();
  for (const name of await smallSpool(dir)) {
    const path = join(dir.path, 'spool', name);
    const sound = fs.readFileSync(path);
    for (let at = first++ % every; at < sound.length; at += every) {
      const bytes = Buffer.from(sound);
      bytes[at]! ^= 1 << (at % 8);
      fs.writeFileSync(path, bytes);
      const { verdict, findings } = verify(dir.path);
      assert.ok(findings.length > 0 || verdict.unfinished, `${name} byte ${at}`);
    }
    fs.writeFileSync(path, sound);
  }
});

test('a segment that is cut off, or missing, is found', async () => {
  await using dir = temporarySpool();
  const names = await smallSpool(dir);
  for (const name of names) {
    const path = join(dir.path, 'spool', name);
    const sound = fs.readFileSync(path);
    for (let length = 0; length < sound.length; length += 13) {
      fs.writeFileSync(path, sound.subarray(0, length));
      const { verdict, findings } = verify(dir.path);
      // The newest one may end anywhere as long as nothing says that there was more.
      assert.ok(findings.length > 0 || name === names.at(-1), `${name} cut to ${length}: ${JSON.stringify(verdict)}`);
    }
    fs.writeFileSync(path, sound);
  }
  fs.unlinkSync(join(dir.path, 'spool', names[1]!));
  assert.match(
    verify(dir.path)
      .findings.map(({ what }) => what)
      .join(),
    /bytes before it are missing/,
  );
});

test('a damaged cursor, and one that stands where nothing ends, are found', async () => {
  await using dir = temporarySpool();
  await smallSpool(dir);
  const path = join(dir.path, 'cursors', 's');
  const sound = fs.readFileSync(path);
  fs.writeFileSync(path, Buffer.alloc(sound.length, 7));
  assert.match(verify(dir.path).findings[0]?.what ?? '', /damaged/);
  fs.writeFileSync(path, sound);
  for (const name of fs.readdirSync(join(dir.path, 'spool'))) fs.unlinkSync(join(dir.path, 'spool', name));
  assert.match(verify(dir.path).findings[0]?.what ?? '', /behind the end of the spool/);
});

test('what is neither a data_dir nor a spool is none', async () => {
  await using dir = temporarySpool();
  assert.equal(findSpool(hostFiles, dir.path), undefined);
  assert.equal(findSpool(hostFiles, join(dir.path, 'nowhere')), undefined);
});
