import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { receiveTree } from '../../../agent/cli/receive.ts';
import { configurationDocument } from '../../../agent/config/document.ts';
import { loadedFrom } from '../../../agent/config/load.ts';
import { parse, sound } from './texts.ts';

const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text ?? '');

test('docs/configuration.md is what the schema says (else: node build/configuration-document.ts)', () => {
  assert.equal(page, configurationDocument());
});

test('every key has a description', () => {
  const rows = page.split('\n').filter((line) => /^\| `/.test(line));
  assert.ok(rows.length > 50);
  for (const row of rows) assert.match(row, /\| [A-Z`][^|]{8,} \|$/, row);
});

test('every example in the reference is sound', () => {
  assert.ok(blocks.length >= 4);
  for (const text of blocks) sound(parse(text));
});

test('receive is exactly the configuration that the reference shows for it', () => {
  const shown = blocks.find((text) => text.includes('type: mirror'));
  const command = /`tailspool receive ([^`]*)`/.exec(page)?.[1]?.split(/\s+/) ?? [];
  const given = (option: string) => command[command.indexOf(option) + 1] ?? '';
  const tree = receiveTree(
    {
      listen: given('--listen'),
      dataDir: given('--data-dir'),
      out: given('--out'),
      tokenFile: given('--token-file'),
      tlsCert: given('--tls-cert'),
      tlsKey: given('--tls-key'),
    },
    { workingDirectory: '/' },
  );
  assert.deepEqual(sound(loadedFrom(tree)), sound(parse(shown ?? '')));
});
