import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Pair } from './pair.ts';

const corpus = process.env.CORPUS ?? join(import.meta.dirname, '../../../shared/corpus/loghub');
const skip = fs.existsSync(corpus) ? false : `no logs at ${corpus} (CORPUS names a folder of *.log)`;

test('the logs of real systems go through byte for byte, whatever their line ends', { skip }, async () => {
  await using pair = await Pair.make({ collector: ['partial_timeout: 200ms'] });
  const names = fs.readdirSync(corpus).filter((name) => name.endsWith('.log'));
  assert.ok(names.length > 0);
  for (const name of names) fs.copyFileSync(join(corpus, name), join(pair.logs, name));
  pair.startReceiver();
  pair.startAgent();
  for (const name of names) {
    const original = fs.readFileSync(join(corpus, name));
    await pair.untilMirrored(name, original.length);
    assert.ok(pair.mirrored(name)?.equals(original), `${name} differs`);
  }
});
