/** What the packages hold, made of a stand-in for the executable: the real ones are tried in real roots (test/packages/). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseConfiguration } from '../../../agent/config/load.ts';
import { root, run } from '../../../build/executable/run.ts';
import { targetNamed } from '../../../build/executable/target.ts';
import { commandTree, leaves } from '../../../build/package/command-tree.ts';
import { completions } from '../../../build/package/completions.ts';
import { manPage } from '../../../build/package/man.ts';
import { makeArchives, makeDeb } from '../../../build/package/packages.ts';

const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const file = (name: string) => fs.readFileSync(join(root, 'build/package/files', name), 'utf8');

test('the configuration as installed is sound, keeps a ring of 1 GiB of /var/log, and warns that it sends nothing', () => {
  const loaded = parseConfiguration([{ file: 'tailspool.yaml', text: file('tailspool.yaml') }], {});
  assert.ok(loaded.kind === 'ok', JSON.stringify(loaded));
  const { dataDir, collectors, spool, shippers } = loaded.configuration;
  assert.equal(dataDir, '/var/lib/tailspool');
  assert.equal(spool.maxBytes, 2 ** 30);
  assert.deepEqual(shippers, []);
  assert.ok(
    collectors.every((one) => one.type === 'file' && one.include.every((glob) => glob.startsWith('/var/log/'))),
  );
  assert.match(loaded.warnings.map(({ message }) => message).join(), /no shipper/);
});

test('what is commented out of the configuration is sound too', () => {
  const text = file('tailspool.yaml').replaceAll(
    /^( *)# (?=(shippers:| {2}[a-z]+:| {4,6}[a-z]+:|admin:|resource:))/gm,
    '$1',
  );
  const loaded = parseConfiguration([{ file: 'tailspool.yaml', text }], {});
  assert.ok(loaded.kind === 'ok', JSON.stringify(loaded));
  assert.deepEqual(
    loaded.configuration.shippers.map(({ name }) => name),
    ['central'],
  );
  assert.equal(loaded.configuration.admin.listen?.port, 8601);
});

test('systemd finds no mistake in the unit and gives it a good mark', {
  skip: !has('systemd-analyze') && 'systemd is not installed',
}, () => {
  const unit = join(root, 'build/package/files/tailspool.service');
  const marked = run('systemd-analyze', ['security', '--offline=yes', '--no-pager', '--threshold=21', unit]);
  assert.match(marked, /Overall exposure level for tailspool.service: (1\.\d|2\.[01]) OK/);
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-unit-'));
  const runnable = join(folder, 'tailspool.service');
  fs.writeFileSync(
    runnable,
    file('tailspool.service')
      .replace('/usr/bin/tailspool', '/bin/true')
      .replace(/^Documentation=.*\n/m, ''),
  );
  const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', runnable], { encoding: 'utf8' });
  assert.doesNotMatch(stderr, /tailspool\.service/);
  fs.rmSync(folder, { recursive: true });
});

test('man page and completions name every command and option', () => {
  const man = manPage('1.2.3').replaceAll('\\-', '-');
  const { bash, zsh, fish } = completions();
  const all = leaves(commandTree());
  assert.ok(all.length >= 8, `${all.length} commands`);
  for (const { name, options } of all) {
    assert.ok(man.includes(`.SS ${name}`), name);
    for (const { long } of options) {
      assert.ok(man.includes(long) && bash.includes(long) && zsh.includes(`'${long}[`), `${name} ${long}`);
      assert.ok(fish.includes(` -l ${long.slice(2)} `), `${name} ${long}`);
    }
  }
});

test('bash completes commands, commands below commands, options and files', () => {
  const complete = (...words: string[]) => {
    const script = `source <(cat); COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _tailspool 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return run('bash', ['-c', script], { input: completions().bash }).trim().split('\n');
  };
  assert.ok(complete('tailspool', 'ch').includes('check'));
  assert.deepEqual(complete('tailspool', 'spool', 'v'), ['verify']);
  assert.deepEqual(complete('tailspool', 'status', '--j'), ['--json']);
  assert.ok(complete('tailspool', 'run', '--config', '/et').includes('/etc'));
});

test('.deb and archive hold what belongs there, the same bytes each time', {
  skip: !(has('dpkg-deb') && has('zstd')) && 'needs dpkg-deb and zstd',
}, () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-package-'));
  const executable = join(folder, 'stand-in');
  fs.writeFileSync(executable, 'not really');
  const contents = { executable, version: '1.2.3', modifiedAt: 1_700_000_000 };
  const make = (name: string) => {
    const [work, out] = [join(folder, `${name}-work`), join(folder, name)];
    for (const one of [work, out]) fs.mkdirSync(one);
    const packing = { target: targetNamed('linux-arm64'), contents, work, out, quick: true };
    return [makeDeb(packing), ...makeArchives(packing)];
  };
  const [first, second] = [make('a'), make('b')];
  for (const [index, path] of first.entries())
    assert.ok(fs.readFileSync(path).equals(fs.readFileSync(second[index]!)), path);
  const listed = run('dpkg-deb', ['-c', first[0]!]);
  assert.match(listed, /^-rwxr-xr-x root\/root .* \.\/usr\/bin\/tailspool$/m);
  assert.match(listed, /^-rw-r--r-- root\/root .* \.\/usr\/lib\/systemd\/system\/tailspool\.service$/m);
  const licences = run('sh', [
    '-c',
    `dpkg-deb --fsys-tarfile "$1" | tar -xO ./usr/share/doc/tailspool/copyright`,
    'sh',
    first[0]!,
  ]);
  for (const name of ['Tailspool', `node-linux-${process.arch}`, 'yaml', 'zod', 'deps/zstd']) {
    assert.match(licences, new RegExp(`^==== .*${name}$`, 'm'));
  }
  const about = run('dpkg-deb', ['-I', first[0]!]);
  assert.match(about, /Architecture: arm64/);
  assert.match(about, /conffiles/);
  assert.match(run('tar', ['-tzf', first[2]!]), /^tailspool-1\.2\.3-linux-arm64\/tailspool$/m);
  fs.rmSync(folder, { recursive: true });
});
