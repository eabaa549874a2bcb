// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax under test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { interpolate, interpolatedCharactersMax } from '../../../agent/config/interpolate.ts';
import { checked } from './checked.ts';

const environment = { HOST: 'a.example', EMPTY: '', TRICK: 'x"\n}: ${HOST} $$' };

function filled(text: string): string {
  const result = interpolate(text, environment);
  assert.equal(result.kind, 'ok', JSON.stringify(result));
  return result.kind === 'ok' ? result.value : '';
}

test('variables are filled in, defaults stand in for unset and empty ones', () => {
  assert.equal(filled('https://${HOST}:8600'), 'https://a.example:8600');
  assert.equal(filled('${HOST}${HOST}'), 'a.examplea.example');
  assert.equal(filled('${NOPE:-8600}'), '8600');
  assert.equal(filled('${EMPTY:-d}'), 'd');
  assert.equal(filled('${HOST:-d}'), 'a.example');
  assert.equal(filled('[${EMPTY}${NOPE:-}]'), '[]');
});

test('two dollar signs are one, and a lone one stays', () => {
  assert.equal(filled('$$5, $${HOST}, $HOST, a$'), '$5, ${HOST}, $HOST, a$');
});

test('what a variable holds is not looked at again', () => {
  assert.equal(filled('${TRICK}'), environment.TRICK);
});

test('unset, misspelled and unclosed variables are errors, each named', () => {
  const result = interpolate('${NOPE} ${also nope} ${HOST', environment);
  assert.ok(result.kind === 'bad');
  assert.match(result.message, /`NOPE`, which is not set; .*also nope.*; .*without its `}`/);
  for (const text of ['${}', '${1A}', '${A-b}', '${A:=b}', '${constructor}', '${__proto__}']) {
    assert.equal(interpolate(text, environment).kind, 'bad', text);
  }
});

test('a value that grows without measure is refused', () => {
  const long = { LONG: 'x'.repeat(interpolatedCharactersMax) };
  assert.equal(interpolate('${LONG}', long).kind, 'ok');
  assert.equal(interpolate('${LONG}${LONG}', long).kind, 'bad');
});

test('text without a dollar sign comes back as it is, and none makes it throw', () => {
  checked(fc.property(fc.string(), (text) => text.includes('$') || filled(text) === text));
  checked(
    fc.property(fc.string({ unit: fc.constantFrom(...'${}:-AB\n') }), (text) => {
      interpolate(text, { A: '1', B: '$' });
    }),
  );
});
