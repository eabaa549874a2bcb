/** The executable and its .deb in Debian 12's minbase with nothing added: it starts, and dpkg keeps what is the user's. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { test } from 'node:test';
import { run } from '../../build/executable/run.ts';
import { executable, packageOf, temporaryFolder } from './packages.ts';
import { cannotRun, Root } from './roots.ts';

const skip = cannotRun();
const tailspool = '/usr/bin/tailspool';
const data = '/var/lib/tailspool';
/** In dpkg-query's own words. */
const versionAndStatus = `\${Version} \${db:Status-Status}`;

test('the executable starts where nothing was added, with and without /proc, and passes its own test', { skip }, () => {
  using root = new Root('minbase');
  root.put(executable, tailspool);
  assert.match(root.in(tailspool, 'version'), /^tailspool \d.*\ncodec node:zlib \(zstd-napi cannot be used: .*\)\n$/s);
  run('mount', ['-t', 'proc', 'proc', root.at('/proc')]);
  try {
    assert.match(root.in(tailspool, 'version'), /\ncodec zstd-napi\n$/);
    assert.match(root.in(tailspool, 'selftest'), /^ok .*codec/m);
  } finally {
    run('umount', [root.at('/proc')]);
  }
});

test('dpkg installs, upgrades, downgrades, removes and purges it; configuration and data stay until purge', {
  skip,
}, () => {
  using folder = temporaryFolder();
  using root = new Root('minbase');
  for (const version of ['0.1.0', '0.1.1']) root.put(packageOf('deb', version, folder.path), `/root/${version}.deb`);
  const dpkg = (...args: string[]) => root.in('dpkg', ...args);
  const state = () => root.tryIn('dpkg-query', '-W', '-f', versionAndStatus, 'tailspool').printed;
  // The libraries that it names are all there already.
  dpkg('-i', '/root/0.1.0.deb');
  assert.equal(state(), '0.1.0 installed');
  assert.match(root.in('getent', 'passwd', 'tailspool'), /^tailspool:.*:\/var\/lib\/tailspool:\/usr\/sbin\/nologin$/m);
  assert.match(root.in('stat', '-c', '%a %U %G', data), /^700 tailspool tailspool$/m);
  assert.match(
    root.in(tailspool, 'check', '--config', '/etc/tailspool/tailspool.yaml'),
    /^The configuration is sound: 1 collector, no shipper/m,
  );
  assert.match(root.in('sh', '-c', 'ls /usr/share/man/man1/ /usr/share/bash-completion/completions/'), /tailspool/);

  fs.appendFileSync(root.at('/etc/tailspool/tailspool.yaml'), '# mine\n');
  fs.writeFileSync(root.at(`${data}/precious`), 'data');
  const kept = () => {
    assert.match(fs.readFileSync(root.at('/etc/tailspool/tailspool.yaml'), 'utf8'), /# mine\n$/);
    assert.equal(fs.readFileSync(root.at(`${data}/precious`), 'utf8'), 'data');
  };
  dpkg('-i', '/root/0.1.1.deb');
  assert.equal(state(), '0.1.1 installed');
  kept();
  dpkg('-i', '/root/0.1.0.deb');
  assert.equal(state(), '0.1.0 installed');
  kept();
  dpkg('-r', 'tailspool');
  assert.equal(state(), '0.1.0 config-files');
  assert.ok(!fs.existsSync(root.at(tailspool)));
  kept();
  dpkg('-i', '/root/0.1.1.deb');
  kept();
  dpkg('-P', 'tailspool');
  assert.ok(!fs.existsSync(root.at(data)) && !fs.existsSync(root.at('/etc/tailspool')));
});
