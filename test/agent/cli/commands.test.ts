// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configuration's own syntax.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runProgram } from '../../../agent/cli/program.ts';
import { program, run } from '../../end-to-end/tailspool.ts';

const folder = mkdtempSync(join(tmpdir(), 'tailspool-cli-'));
after(() => rmSync(folder, { recursive: true }));

function configFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const broken = configFile(
  'broken.yaml',
  `data_dir: ${folder}/never\ncolectors: {}\ncollectors: {a: {type: fil}}\nspool: {when_full: "\${NOPE_NOT_SET}", max_size: 1}\n`,
);

/** The same without a process of its own: quicker, for what is decided before anything is opened. */
async function here(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const code = await runProgram(args, {
    out: async (data) => {
      out += data;
    },
    err: (text) => {
      err += text;
    },
    terminal: { outIsTerminal: false, errIsTerminal: false, columns: 80, errColors: false },
    environment: {},
    workingDirectory: folder,
    onSignal: () => assert.fail('nothing is to run'),
    openHost: () => assert.fail('nothing is to be opened'),
  });
  return { code, out, err };
}

test('run and check print every mistake with its place, end with 2 and change nothing', async () => {
  const before = readdirSync(folder).sort();
  for (const command of ['run', 'check']) {
    const { code, out, err } = await run(command, '--config', broken);
    assert.equal(code, 2, err);
    assert.equal(out, '');
    assert.match(err, /broken\.yaml:2:1: error: unknown key `colectors`\n {4}hint: did you mean `collectors`\?/);
    assert.match(err, /broken\.yaml:3:24: error: `collectors\.a\.type`: `fil` is not known/);
    assert.match(err, /broken\.yaml:4:20: error: .*NOPE_NOT_SET/);
    assert.match(err, /broken\.yaml:4:49: error: `spool\.max_size`: `1` is too small/);
    assert.doesNotMatch(err, /\n\s+at |node:internal/);
  }
  assert.deepEqual(readdirSync(folder).sort(), before);
});

test('check says on standard output that a configuration is sound, warnings elsewhere', async () => {
  const path = configFile(
    'sound.yaml',
    `data_dir: ${folder}/never\ncollectors: {a: {type: file, include: [${folder}/*.log]}}\n`,
  );
  const { code, out, err } = await run('check', '--config', path);
  assert.equal(code, 0, err);
  assert.equal(out, 'The configuration is sound: 1 collector, no shipper. 1 warning.\n');
  assert.match(err, /sound\.yaml:1:1: warning: there is no shipper/);
  assert.ok(!readdirSync(folder).includes('never'));
});

test('several --config and folders are one configuration', async () => {
  const parts = join(folder, 'parts');
  mkdirSync(parts);
  writeFileSync(join(parts, 'b.yaml'), 'collectors: {b: {type: file, include: [/b]}}\n');
  const base = configFile('base.yaml', `data_dir: ${folder}/never\ncollectors: {a: {type: file, include: [/a]}}\n`);
  assert.match((await here('check', '--config', base, '--config', parts)).out, /2 collectors/);
  assert.match((await here('check', '--config', base, parts)).out, /2 collectors/);
  const twice = await here('check', '--config', base, base);
  assert.equal(twice.code, 2);
  assert.match(twice.err, /`data_dir` is given twice; the first stands at .*base\.yaml:1:1/);
});

test('what is wrong with the command line is told on standard error, with exit code 2', async () => {
  const cases: [string[], RegExp][] = [
    [[], /Usage: tailspool/],
    [['chek'], /unknown command 'chek'\n\(Did you mean check\?\)/],
    [['run'], /required: --config/],
    [['run', '--confg', 'x'], /unknown option '--confg'/],
    [['run', '--config'], /argument missing/],
    [['spool'], /Usage: tailspool spool/],
    [['spool', 'ls'], /folder/],
    [['spool', 'dance'], /unknown command 'dance'/],
    [['status', '--config', 'a', '--data-dir', 'b'], /cannot be used with/],
    [['receive'], /required: --listen <host:port>, --data-dir <folder>/],
    [
      ['receive', '--listen', '0.0.0.0:0', '--data-dir', `${folder}/never`],
      /receive: --listen: error: listening beyond loopback/,
    ],
    [['run', '--config', `${folder}/nowhere.yaml`], /nowhere\.yaml: error: cannot be read: there is no such file/],
    [['--nonsense'], /unknown option/],
  ];
  const results = await Promise.all(cases.map(([args]) => here(...args)));
  for (const [index, { code, out, err }] of results.entries()) {
    const [args, expected] = cases[index]!;
    assert.equal(code, 2, `${args.join(' ')}: ${err}`);
    assert.equal(out, '', args.join(' '));
    assert.match(err, expected, args.join(' '));
    assert.doesNotMatch(err, /\n\s+at /);
  }
  assert.ok(!readdirSync(folder).includes('never'));
  assert.equal((await run('run', '--confg', 'x')).code, 2);
});

test('words that are kept for later say so, whatever follows them', async () => {
  for (const word of ['init', 'install', 'test', 'pipe', 'grep', 'why', 'top', 'tap', 'replay', 'audit']) {
    const { code, out, err } = await here(word, '--some', 'thing', '-x');
    assert.equal(code, 2, word);
    assert.equal(out, '');
    assert.match(err, new RegExp(`\`${word}\` comes later`));
  }
});

test('help and version go to standard output', async () => {
  const help = await run('help');
  assert.equal(help.code, 0);
  assert.match(help.out, /Usage: tailspool/);
  assert.equal(help.err, '');
  assert.match((await here('run', '--help')).out, /--config <path\.\.\.>/);
  assert.match((await here('help', 'receive')).out, /--insecure/);
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  for (const word of ['version', '--version']) {
    const { code, out } = await run(word);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^tailspool ${version} .*\ncodec .*\n$`));
  }
});

test('an output that nobody reads any more ends quietly', () => {
  const [command, ...first] = program;
  const shell = `"$@" help | true; echo "\${PIPESTATUS[0]}"`;
  for (let round = 0; round < 2; round++) {
    const out = execFileSync('bash', ['-c', shell, 'bash', command, ...first], { stdio: ['ignore', 'pipe', 'pipe'] });
    assert.equal(out.toString(), '0\n');
  }
});
