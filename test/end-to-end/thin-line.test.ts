import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Pair } from './pair.ts';
import { run, untilAnswers } from './tailspool.ts';

test('one file goes through spool, wire and receiver into the mirror byte for byte', async () => {
  await using pair = await Pair.make();
  const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index} ${'x'.repeat(index % 90)}\n`).join('');
  fs.writeFileSync(join(pair.logs, 'a.log'), lines);
  pair.startReceiver();
  pair.startAgent();
  await pair.untilMirrored('a.log', lines.length);
  fs.appendFileSync(join(pair.logs, 'a.log'), 'and one more\n');
  await pair.untilMirrored('a.log', lines.length + 13);
  assert.equal(pair.mirrored('a.log')?.toString(), `${lines}and one more\n`);
});

test('a second agent on the same data_dir ends with 3 and names the holder', async () => {
  await using pair = await Pair.make();
  const first = pair.startAgent();
  await untilAnswers(pair.agentData);
  const second = await run('run', '--config', pair.config);
  assert.equal(second.code, 3, second.err);
  assert.match(second.err, new RegExp(`\\b${first.pid}\\b`));
  assert.ok(first.running);
});

test('SIGTERM ends agent and receiver with 0 after the work, and before it', async () => {
  await using pair = await Pair.make();
  pair.startAgent();
  await untilAnswers(pair.agentData);
  assert.equal((await pair.agent!.end('SIGTERM')).code, 0, pair.agent!.printed);
  pair.startReceiver();
  await untilAnswers(pair.receiverData);
  assert.equal((await pair.receiver!.end('SIGTERM')).code, 0, pair.receiver!.printed);
});
