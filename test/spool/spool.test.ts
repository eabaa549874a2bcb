import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { delivered, temporarySpool, writeLines } from './temporary-spool.ts';

test('what was committed comes out of the spool once, in order, also after closing and opening again', async () => {
  await using dir = temporarySpool();
  let spool = await dir.open();
  const source = spool.intake.begin(dir.description('/a.log'));
  const lines = await writeLines(spool, source, 0, 1000);
  await spool.intake.flush();
  assert.deepEqual(delivered(dir, spool.outlet('s')), lines);
  await spool.close();
  spool = await dir.open();
  assert.deepEqual(delivered(dir, spool.outlet('s')), lines);
  assert.equal(spool.intake.sources.get(source)?.cursor.offset, lines.join('').length);
  const more = await writeLines(spool, source, lines.join('').length, 10);
  await spool.intake.flush();
  assert.deepEqual(delivered(dir, spool.outlet('s')), [...lines, ...more]);
  await spool.close();
  const files = readdirSync(`${dir.path}/spool`)
    .sort()
    .map((name) => `${dir.path}/spool/${name}`);
  execFileSync('zstd', ['-t', ...files], { stdio: 'ignore' });
  assert.equal(execFileSync('zstdcat', files).toString(), [...lines, ...more].join(''));
});
