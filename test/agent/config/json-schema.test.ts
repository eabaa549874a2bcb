import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse as parseYaml } from 'yaml';
import { configurationJsonSchema } from '../../../agent/config/json-schema.ts';

type Node = Record<string, unknown>;

const schema = configurationJsonSchema() as Node;

/** What is wrong with a value, as an editor would find it; the words of JSON Schema that ours uses, and no others. */
function wrong(value: unknown, node: Node, path = ''): string[] {
  const found: string[] = [];
  const say = (what: string) => found.push(`${path || '/'}: ${what}`);
  for (const word of Object.keys(node)) assert.ok(known.has(word), `"${word}" is not looked at here`);
  const types = [node.type ?? []].flat() as string[];
  if (types.length > 0 && !types.includes(typeOf(value)) && !(typeOf(value) === 'integer' && types.includes('number')))
    say(`is ${typeOf(value)}`);
  if (Array.isArray(node.enum) && !node.enum.includes(value)) say(`is none of ${node.enum.join(', ')}`);
  if ('const' in node && node.const !== value) say(`is not ${String(node.const)}`);
  if (typeof value === 'string' && node.pattern && !new RegExp(String(node.pattern)).test(value)) say('does not match');
  if (typeof value === 'number' && typeof node.maximum === 'number' && value > node.maximum) say('is too large');
  if (typeof value === 'number' && typeof node.minimum === 'number' && value < node.minimum) say('is too small');
  if (Array.isArray(value))
    for (const [index, item] of value.entries())
      found.push(...wrong(item, (node.items ?? {}) as Node, `${path}/${index}`));
  if (Array.isArray(node.oneOf)) {
    const each = (node.oneOf as Node[]).map((option) => wrong(value, option, path));
    if (each.filter((list) => list.length === 0).length !== 1)
      found.push(...each.sort((a, b) => a.length - b.length)[0]!);
  }
  if (typeOf(value) === 'object') found.push(...wrongKeys(value as Node, node, path));
  return found;
}

function wrongKeys(value: Node, node: Node, path: string): string[] {
  const found: string[] = [];
  const properties = (node.properties ?? {}) as Record<string, Node>;
  for (const name of (node.required ?? []) as string[]) if (!(name in value)) found.push(`${path}: ${name} is missing`);
  for (const [name, inner] of Object.entries(value)) {
    const at = `${path}/${name}`;
    if (properties[name]) found.push(...wrong(inner, properties[name], at));
    else if (node.additionalProperties === false) found.push(`${at}: is not known`);
    else if (node.additionalProperties) found.push(...wrong(inner, node.additionalProperties as Node, at));
    if (node.propertyNames) found.push(...wrong(name, node.propertyNames as Node, at));
  }
  return found;
}

const known = new Set([
  ...['$schema', 'title', 'description', 'default', 'type', 'enum', 'const', 'pattern', 'minimum', 'maximum', 'items'],
  ...[
    'minItems',
    'maxItems',
    'minLength',
    'maxLength',
    'oneOf',
    'properties',
    'required',
    'additionalProperties',
    'propertyNames',
  ],
]);

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text ?? '');

test('every example in the reference follows the JSON Schema', () => {
  assert.ok(examples.length >= 4);
  for (const text of examples) assert.deepEqual(wrong(parseYaml(text), schema), [], text);
});

test('values as YAML types them are taken, variables too', () => {
  const text = `
data_dir: "\${STATE}/tailspool"
resource: { rack: 7, spare: true }
collectors: { a: { type: file, include: [/x], network_fs: true, open_files_max: 64, deleted_file_limit: 0 } }
spool:
shippers:
  s: { type: http, protocol: plain, url: "https://h/", outstanding: 4, rate_limit: 1MiB/s, tls: { min_version: 1.3 } }
`;
  assert.deepEqual(wrong(parseYaml(text), schema), []);
});

test('mistakes are found where they stand', () => {
  const mistaken = (text: string) => wrong(parseYaml(`data_dir: /d\n${text}`), schema);
  const collectors = 'collectors: { a: { type: file, include: [/x] } }\n';
  assert.deepEqual(mistaken(''), [': collectors is missing']);
  assert.deepEqual(mistaken(`${collectors}spol: {}`), ['/spol: is not known']);
  assert.deepEqual(mistaken(`${collectors}spool: { max_size: 10 GB }`), ['/spool/max_size: does not match']);
  assert.deepEqual(mistaken(`${collectors}spool: { sync_interval: 100 }`), ['/spool/sync_interval: is too large']);
  const ship = (more: string) => mistaken(`${collectors}shippers: { s: { type: http, url: "http://h/", ${more} } }`);
  assert.deepEqual(ship('protocol: plain'), []);
  assert.deepEqual(ship('protocol: plian'), ['/shippers/s/protocol: is none of native, plain']);
  assert.deepEqual(ship('protocol: plain, outstanding: many'), ['/shippers/s/outstanding: does not match']);
});

test('every key has a description', () => {
  const undescribed: string[] = [];
  const visit = (node: Node, path: string) => {
    for (const [name, inner] of Object.entries((node.properties ?? {}) as Record<string, Node>)) {
      if (typeof inner.description !== 'string') undescribed.push(`${path}.${name}`);
      visit(inner, `${path}.${name}`);
    }
    for (const option of (node.oneOf ?? []) as Node[]) visit(option, path);
    if (node.additionalProperties) visit(node.additionalProperties as Node, `${path}.NAME`);
  };
  visit(schema, '');
  assert.deepEqual(undescribed, []);
});
