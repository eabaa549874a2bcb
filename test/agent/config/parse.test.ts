// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax under test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, parseAll, printed, sound, withSections } from './texts.ts';

test('the shortest configuration gets a default for everything else', () => {
  const configuration = sound(parse(withSections({})));
  assert.deepEqual(configuration.spool, {
    maxBytes: undefined,
    minFreeBytes: undefined,
    whenFull: 'block',
    syncIntervalMs: 100,
    retainAckedBytes: 0,
    segmentBytes: 64 * 1024 * 1024,
    damagedBytesMax: 256 * 1024 * 1024,
  });
  const [collector] = configuration.collectors;
  assert.ok(collector?.type === 'file');
  assert.equal(collector.startAt, 'beginning');
  assert.equal(collector.maxLineBytes, 1024 * 1024);
  assert.equal(collector.partialTimeoutMs, 5000);
  assert.equal(collector.networkFs, false);
  assert.equal(configuration.shippers[0]?.whenFull, 'block');
});

test('every problem is told at once, in the order of the file, each with its place and a hint', () => {
  const text = [
    'data_dir: var/lib',
    'colectors: {}',
    'collectors:',
    '  nginx:',
    '    type: file',
    '    include: [/var/log/*.log, x.log]',
    '    max_line: 64kib',
    '    start_at: begining',
    '    inclde: [/a]',
    '  edge: {type: blocks, listen: "0.0.0.0:8600"}',
    'spool: {max_size: 10MiB, segment_size: 8MiB, when_full: blok}',
    'shippers:',
    '  x: {type: http, url: "https://u:geheim@h/", rate_limit: "${NOPE}"}',
  ].join('\n');
  assert.equal(
    printed(parse(text)),
    [
      'a.yaml:1:11: error: `data_dir`: `var/lib` is not an absolute path',
      '    hint: begin it with `/`',
      'a.yaml:2:1: error: unknown key `colectors`',
      '    hint: did you mean `collectors`?',
      'a.yaml:6:31: error: `collectors.nginx.include[1]`: `x.log` is not an absolute pattern',
      '    hint: begin it with `/`',
      'a.yaml:7:15: error: `collectors.nginx.max_line`: `64kib` has an unknown unit `kib`',
      '    hint: did you mean `64KiB`?',
      'a.yaml:8:15: error: `collectors.nginx.start_at`: `begining` is not known',
      '    hint: did you mean `beginning`? (one of: beginning, end)',
      'a.yaml:9:5: error: unknown key `inclde` in `collectors.nginx`',
      '    hint: did you mean `include`?',
      'a.yaml:10:32: error: listening beyond loopback needs `token_file` and `tls`',
      '    hint: give them, listen on 127.0.0.1, or say `insecure: true` (`--insecure`) if the network is trusted',
      'a.yaml:11:40: error: `segment_size` must fit 4 times into `max_size`',
      '    hint: at most 2560KiB',
      'a.yaml:11:57: error: `spool.when_full`: `blok` is not known',
      '    hint: did you mean `block`? (one of: block, drop_oldest)',
      'a.yaml:13:3: error: `shippers.x.protocol` is missing',
      '    hint: one of: native, plain',
      'a.yaml:13:24: error: `shippers.x.url`: `https://…@h/` has a user or password in it',
      '    hint: put them in `auth`, with the secret in a file',
      'a.yaml:13:59: error: `${NOPE}` needs the environment variable `NOPE`, which is not set',
      '    hint: set the variable, or write `${NAME:-default}`; a dollar sign itself is `$$`',
      '',
    ].join('\n'),
  );
});

test('a value is what the schema wants, whether it was written or came from a variable', () => {
  const text = withSections({
    resource: '{version: 1.10, yes: true, port: "${PORT}", nothing: "null"}',
    collectors: '{a: {type: file, include: ["${FOLDER}/*.log"], network_fs: "${FLAG}", open_files_max: "${COUNT}"}}',
    admin: '{listen: "127.0.0.1:${PORT}"}',
  });
  const environment = { PORT: '8601', FOLDER: '/logs', FLAG: 'true', COUNT: '12' };
  const configuration = sound(parse(text, environment));
  assert.deepEqual(configuration.resource, { version: '1.10', yes: 'true', port: '8601', nothing: 'null' });
  assert.deepEqual(configuration.admin.listen, { host: '127.0.0.1', port: 8601 });
  const [collector] = configuration.collectors;
  assert.ok(collector?.type === 'file');
  assert.deepEqual([collector.networkFs, collector.openFilesMax, collector.include[0]], [true, 12, '/logs/*.log']);
});

test('what a variable holds cannot become YAML and is never printed', () => {
  const evil = '/x]}\nspool: {when_full: drop_oldest}\nq: [';
  const text = withSections({ collectors: '{a: {type: file, include: ["${EVIL}"]}}' });
  const configuration = sound(parse(text, { EVIL: evil }));
  assert.equal(configuration.spool.whenFull, 'block');
  const [collector] = configuration.collectors;
  assert.deepEqual(collector?.type === 'file' && collector.include, [evil]);

  const secret = printed(parse(withSections({ admin: '{listen: "${SECRET}"}' }), { SECRET: 'geheim' }));
  assert.match(secret, /`\$\{SECRET\}` is not HOST:PORT/);
  assert.doesNotMatch(secret, /geheim/);
});

test('sections of several files are merged, a name given twice names both places', () => {
  const base = withSections({});
  const more = 'collectors: {b: {type: file, include: [/b]}}\nspool: {max_size: 1GiB}\nlog:\n';
  const configuration = sound(parseAll({ 'a.yaml': base, 'b.yaml': more }));
  assert.deepEqual(
    configuration.collectors.map(({ name }) => name),
    ['a', 'b'],
  );
  assert.equal(configuration.spool.maxBytes, 1024 ** 3);

  const twice = 'data_dir: /elsewhere\ncollectors:\n  a: {type: file, include: [/b]}\n';
  const text = printed(parseAll({ 'a.yaml': base, 'b.yaml': twice }));
  assert.match(text, /b\.yaml:1:1: error: `data_dir` is given twice; the first stands at a\.yaml:1:1/);
  assert.match(text, /b\.yaml:3:3: error: `collectors\.a` is given twice; the first stands at a\.yaml:2:14/);
});

test('a name given twice in one file names both places', () => {
  const text = withSections({ collectors: '\n  a: {type: file, include: [/a]}\n  a: {type: file, include: [/b]}' });
  assert.match(printed(parse(text)), /a\.yaml:4:3: error: `a` is given twice; the first stands at a\.yaml:3:3/);
});

test('what is not there is missing, what is empty has no value, what has another shape is told', () => {
  const text = withSections({
    collectors:
      '{a: , b: 5, c: {type: file}, d: {include: [/d]}, e: {type: file, include: /e}, f: {type: [x], include: {}}}',
    spool: '[1]',
    log: '{level: {}}',
    shippers: '{c: {type: http, protocol: native, url: }}',
  });
  const told = printed(parse(text));
  for (const line of [
    '`collectors.a` has no value',
    '`collectors.b` must be a map, not a single value',
    '`collectors.c.include` is missing',
    '`collectors.d.type` is missing',
    '`collectors.e.include` must be a list, not a single value',
    '`collectors.f.type` must be a single value, not a list',
    '`spool` must be a map, not a list',
    '`log.level` must be a single value, not a map',
    '`shippers.c.url` has no value',
  ]) {
    assert.ok(told.includes(`error: ${line}`), `${line}\n${told}`);
  }
});

test('an empty file lacks what is required, and says so once', () => {
  for (const text of ['', '# nothing\n', '~', '---\n']) {
    const told = printed(parse(text));
    assert.equal(told.match(/error/g)?.length, 2, told);
    assert.match(told, /`data_dir` is missing/);
    assert.match(told, /`collectors` is missing/);
  }
});

test('what is not YAML is told with its place, without a stack trace', () => {
  for (const [text, expected] of [
    ['a: [1\nb: 2', /^a\.yaml:\d:\d: error: /],
    ['a: b: c', /^a\.yaml:1:\d: error: /],
    ['a:\n\t- b', /a\.yaml:2:1: error: .*[Tt]ab/],
    ['a: !!binary x', /a\.yaml:1:13: error: has a tag/],
    ['a: 1\n---\nb: 2', /error: .*document/],
    ['- a', /a\.yaml:1:1: error: the file must hold a map/],
    ['? {a: 1}\n: 2', /a key must be a plain word/],
    ['__proto__: {a: 1}', /a key must be a plain word/],
    ['a: *nowhere', /`\*nowhere` names no anchor/],
    ['"a', /error/],
    ['\0', /error/],
  ] as const) {
    const told = printed(parse(text));
    assert.match(told, expected, JSON.stringify(text));
    assert.doesNotMatch(told, /\n\s+at |\.ts:/);
  }
});

test('aliases work, and cannot blow a file up', () => {
  const anchored = withSections({ collectors: '{a: &a {type: file, include: [/a]}, b: *a}' });
  assert.equal(sound(parse(anchored)).collectors.length, 2);
  const bomb = ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]'];
  for (let level = 1; level < 12; level++) {
    bomb.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(',')}]`);
  }
  assert.match(printed(parse(bomb.join('\n'))), /holds more than 100000 values/);
  assert.match(printed(parse('a: &a [*a]')), /is nested deeper than 32 levels/);
  assert.match(printed(parse(`a: ${'['.repeat(20_000)}`)), /error/);
});

test('a file full of mistakes prints a hundred of them and counts the rest', () => {
  const text = Array.from({ length: 150 }, (_, index) => `key${index}: 1\n`).join('');
  const told = printed(parse(text));
  assert.match(told, /… and 53 more\n$/);
});
