/** Reading back what was committed of a source: what a collector compares a file with that went back. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import type { SourceNumber } from '../../spool/nouns.ts';
import type { Spool } from '../../spool/spool.ts';
import { temporarySpool, textRun, writeLines } from './temporary-spool.ts';

/** All stretches from an offset on, joined; a hole shows as `…`. */
async function recalled(spool: Spool, source: SourceNumber, from: number): Promise<string> {
  let text = '';
  let at = from;
  for await (const stretch of spool.intake.recall(source, from)) {
    const bytes = Buffer.from(stretch.bytes);
    if (stretch.from > at) text += '…';
    text += bytes.toString('latin1', Math.max(0, at - stretch.from));
    at = stretch.from + bytes.length;
  }
  return text;
}

test('what was committed of a source can be read back from any offset, over blocks, segments and openings', async () => {
  await using dir = temporarySpool();
  let spool = await dir.open({ segmentBytes: 1000 });
  const [one, other] = [spool.intake.begin(dir.description('/a.log')), spool.intake.begin(dir.description('/b.log'))];
  const lines: string[] = [];
  let otherAt = 0;
  for (let round = 0; round < 12; round++) {
    for (let turn = 0; turn < 5; turn++) {
      lines.push(...(await writeLines(spool, one, lines.join('').length, 4)));
      otherAt += (await writeLines(spool, other, otherAt, 3)).join('').length;
    }
    await spool.intake.flush();
  }
  assert(spool.status().segments > 2);
  const text = lines.join('');
  for (let opening = 0; opening < 2; opening++) {
    assert.equal(await recalled(spool, one, 0), text);
    assert.equal(await recalled(spool, one, 4321), text.slice(4321));
    assert.equal(await recalled(spool, one, text.length), '');
    await spool.close();
    spool = await dir.open({ segmentBytes: 1000 });
  }
  await spool.close();
});

test('line feeds that were added are not recalled, and what was passed over is a hole', async () => {
  await using dir = temporarySpool();
  await using closing = { spool: await dir.open(), [Symbol.asyncDispose]: () => closing.spool.close() };
  const { spool } = closing;
  const source = spool.intake.begin(dir.description('/a.log'));
  const commit = (text: string, over: Parameters<typeof textRun>[0]) => {
    const view = spool.intake.reserve(100)!;
    view.set(Buffer.from(text));
    spool.intake.commit(textRun(over));
  };
  commit('one\nopen\n', { source, from: 0, to: 8, bytes: 9, records: 2, unterminated: true });
  commit('', { source, from: 8, to: 20, bytes: 0, records: 0, dropped: { reason: 'hole', records: -1, bytes: 12 } });
  commit('two\n', { source, from: 20, bytes: 4, records: 1 });
  await spool.intake.flush();
  assert.equal(await recalled(spool, source, 0), 'one\nopen…two\n');
});

test('a block that was damaged is a hole in what is recalled, and the rest stands', async () => {
  await using dir = temporarySpool();
  let spool = await dir.open();
  const source = spool.intake.begin(dir.description('/a.log'));
  const parts: string[] = [];
  const ends: number[] = [];
  for (let block = 0; block < 3; block++) {
    parts.push((await writeLines(spool, source, parts.join('').length, 10)).join(''));
    await spool.intake.flush();
    ends.push(spool.intake.durable);
  }
  await spool.close();
  const [name] = readdirSync(`${dir.path}/spool`).sort();
  const segment = readFileSync(`${dir.path}/spool/${name}`);
  segment[ends[1]! - 10]! ^= 1;
  writeFileSync(`${dir.path}/spool/${name}`, segment);
  spool = await dir.open();
  assert.equal(await recalled(spool, source, 0), `${parts[0]}…${parts[2]}`);
  await spool.close();
});
