/** The .rpm by rpm itself, with --root: what it installs, what an upgrade keeps, and that nothing in the executable was changed. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { run } from '../../build/executable/run.ts';
import { executable, packageOf, temporaryFolder } from './packages.ts';
import { cannotRun, Root } from './roots.ts';

const configuration = '/etc/tailspool/tailspool.yaml';

test('rpm installs, upgrades, downgrades and erases it below a root of its own', {
  skip: cannotRun('rpm', 'rpmbuild'),
}, () => {
  using folder = temporaryFolder();
  using root = new Root('minbase');
  const [older, newer] = ['0.1.0', '0.1.1'].map((version) => packageOf('rpm', version, folder.path)) as [
    string,
    string,
  ];
  // That root's libraries came by dpkg, which rpm does not know of.
  const rpm = (...args: string[]) => run('rpm', ['--root', root.folder, '--nodeps', ...args]);
  const query = () => run('rpm', ['--root', root.folder, '-q', 'tailspool']).trim();
  rpm('-i', older);
  assert.match(query(), /^tailspool-0\.1\.0-1\./);
  const digest = (file: string) => createHash('sha256').update(fs.readFileSync(file)).digest('hex');
  assert.equal(digest(root.at('/usr/bin/tailspool')), digest(executable));
  assert.match(root.in('tailspool', 'version'), /^tailspool /);
  assert.match(root.in('tailspool', 'check', '--config', configuration), /The configuration is sound/);
  assert.match(root.in('stat', '-c', '%a %U %G', '/var/lib/tailspool'), /^700 tailspool tailspool$/m);

  fs.appendFileSync(root.at(configuration), '# mine\n');
  fs.writeFileSync(root.at('/var/lib/tailspool/precious'), 'data');
  const kept = (where = configuration) => {
    assert.match(fs.readFileSync(root.at(where), 'utf8'), /# mine\n$/);
    assert.equal(fs.readFileSync(root.at('/var/lib/tailspool/precious'), 'utf8'), 'data');
  };
  rpm('-U', newer);
  assert.match(query(), /^tailspool-0\.1\.1-1\./);
  kept();
  rpm('-U', '--oldpackage', older);
  assert.match(query(), /^tailspool-0\.1\.0-1\./);
  kept();
  rpm('-e', 'tailspool');
  assert.ok(!fs.existsSync(root.at('/usr/bin/tailspool')));
  kept(`${configuration}.rpmsave`);
});
