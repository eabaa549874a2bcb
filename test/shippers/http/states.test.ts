import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { events, next, states } from '../../../shippers/http/native/states.ts';
import { wireHeaders } from '../../../spool/wire.ts';
import { answerWords } from '../../../spool/wire-answer.ts';

const page = readFileSync(new URL('../../../docs/wire-protocol.md', import.meta.url), 'utf8');

test('the transition table on the page is the one in the code', () => {
  const head = page.split('\n').find((line) => line.startsWith('| | located'))!;
  assert.deepEqual(cells(head).slice(1), [...events]);
  for (const state of states) {
    const row = page.split('\n').find((line) => line.startsWith(`| **${state}**`));
    assert.ok(row, `the page has no row for ${state}`);
    assert.deepEqual(
      cells(row).slice(1),
      events.map((event) => next(state, event) ?? ''),
      state,
    );
  }
});

test('every header and every answer of the protocol stands on the page', () => {
  for (const name of Object.values(wireHeaders)) assert.ok(page.includes(name.replace('tailspool-', '-')), name);
  for (const word of answerWords) assert.ok(page.includes(`\`${word}\``), word);
});

function cells(row: string): string[] {
  return row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
