/**
 * The service as its .deb installs it, under a real systemd: ready, sandbox, watchdog, kill -9, upgrade, downgrade, refusals
 * without a crash loop, stop, remove and purge; and that lines written all the while are in the spool once each.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { after, before, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { Machine } from './machine.ts';
import { packageOf, temporaryFolder } from './packages.ts';
import { cannotRun } from './roots.ts';

const skip = cannotRun('systemd-nspawn', 'nsenter');
const configuration = '/etc/tailspool/tailspool.yaml';
const log = '/var/log/numbers.log';
let machine: Machine;
let written = 0;

/** Only root may read it: the service can, by its one capability. */
function write(lines: number): void {
  let text = '';
  for (let line = 0; line < lines; line++) text += `number ${++written}\n`;
  fs.appendFileSync(machine.root.at(log), text, { mode: 0o600 });
}

/** The numbers that the spool holds, in order, each once. */
async function untilAllKept(): Promise<void> {
  const kept = () => machine.try('tailspool', 'spool', 'cat', '--path', log, '/var/lib/tailspool').printed;
  await machine.until(`${written} lines in the spool`, () => kept().includes(`number ${written}\n`));
  assert.equal(kept(), Array.from({ length: written }, (_, index) => `number ${index + 1}\n`).join(''));
}

const active = () => machine.try('systemctl', 'is-active', 'tailspool').printed.trim() === 'active';
const pid = () => machine.show('MainPID');

function dropIn(text: string): void {
  const folder = machine.root.at('/etc/systemd/system/tailspool.service.d');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(`${folder}/test.conf`, text);
  machine.run('systemctl', 'daemon-reload');
}

before(async () => {
  if (skip) return;
  machine = new Machine();
  using folder = temporaryFolder();
  for (const version of ['0.1.0', '0.1.1'])
    machine.root.put(packageOf('deb', version, folder.path), `/root/${version}.deb`);
  await machine.booted();
});
after(() => machine?.[Symbol.asyncDispose]());

test('installing starts it: ready is told, the journal says that it keeps a ring, no native part is missing', {
  skip,
}, async () => {
  write(100);
  machine.run('dpkg', '-i', '/root/0.1.0.deb');
  assert.ok(active());
  assert.match(machine.show('StatusText'), /runs on \/var\/lib\/tailspool; collectors: logs; shippers: none/);
  const journal = machine.run('journalctl', '-u', 'tailspool', '--no-pager');
  assert.match(journal, /there is no shipper: records stay in the spool/);
  assert.doesNotMatch(journal, /codec\.fallback|supervisor\.untold/);
  assert.match(machine.run('tailspool', 'status'), /of 1\.0 GiB/);
  await untilAllKept();
});

test('it runs as a plain user with one capability and may not write elsewhere', { skip }, () => {
  const status = machine.run('cat', `/proc/${pid()}/status`);
  const capDacReadSearch = '0000000000000004';
  for (const kind of ['Prm', 'Eff', 'Bnd', 'Amb'])
    assert.match(status, new RegExp(`^Cap${kind}:\t${capDacReadSearch}$`, 'm'));
  assert.match(status, /^NoNewPrivs:\t1$/m);
  assert.match(status, /^Seccomp:\t2$/m);
  const groups = /^Groups:\t(.*) $/m.exec(status)?.[1]?.split(' ');
  const wanted = ['adm', 'systemd-journal', 'tailspool'].map(
    (name) => machine.run('getent', 'group', name).split(':')[2]!,
  );
  assert.deepEqual(groups?.sort(), wanted.sort());
  assert.match(machine.run('stat', '-c', '%U %a', '/var/lib/tailspool'), /^tailspool 700$/m);
  const mounts = machine.run('cat', `/proc/${pid()}/mountinfo`);
  assert.match(mounts, / \/ \S*ro,/);
  assert.match(mounts, / \/var\/lib\/tailspool rw,/);
});

test('a file system that is mounted later is read too', { skip }, async () => {
  machine.run('mkdir', '/var/log/late');
  machine.run('mount', '-t', 'tmpfs', 'none', '/var/log/late');
  // Seen from within: from outside the container its mounts are not there.
  machine.run('sh', '-c', 'echo a late line > /var/log/late/a.log');
  const kept = () =>
    machine.try('tailspool', 'spool', 'cat', '--path', '/var/log/late/a.log', '/var/lib/tailspool').printed;
  await machine.until('the late line', () => kept() === 'a late line\n');
  // The agent has the file open.
  machine.run('umount', '--lazy', '/var/log/late');
});

test('it follows the journal as the plain user that it is, but for what it says itself', { skip }, async () => {
  const sound = fs.readFileSync(machine.root.at(configuration), 'utf8');
  const more = 'collectors:\n  journal:\n    type: journald\n';
  fs.writeFileSync(machine.root.at(configuration), sound.replace('collectors:\n', more));
  machine.run('systemctl', 'restart', 'tailspool');
  machine.run('systemd-cat', '-t', 'mine', 'echo', 'an entry of mine');
  const kept = () => machine.try('tailspool', 'spool', 'cat', '/var/lib/tailspool').printed;
  await machine.until('the entry', () => kept().includes('"body":"an entry of mine"'));
  // It told the journal that it runs, more than once by now; systemd told that too.
  assert.match(machine.run('journalctl', '-u', 'tailspool', '--no-pager'), /runs on \/var\/lib\/tailspool/);
  assert.match(kept(), /"body":"Started tailspool/);
  assert.doesNotMatch(kept(), /"systemd.unit":"tailspool.service"/);
  assert.doesNotMatch(machine.run('tailspool', 'status'), /journal_/);
  fs.writeFileSync(machine.root.at(configuration), sound);
  machine.run('systemctl', 'restart', 'tailspool');
});

test('killed, it is started again and goes on where it was', { skip }, async () => {
  const first = pid();
  write(1000);
  machine.run('systemctl', 'kill', '--signal=KILL', '--kill-who=main', 'tailspool');
  write(1000);
  await machine.until('another process', () => active() && ![first, '0'].includes(pid()));
  assert.equal(machine.show('NRestarts'), '1');
  await untilAllKept();
});

test('the watchdog leaves it alone while it turns, and ends and starts it when it does not', { skip }, async () => {
  dropIn('[Service]\nWatchdogSec=3\n');
  machine.run('systemctl', 'restart', 'tailspool');
  const turning = pid();
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  assert.equal(pid(), turning);
  machine.run('systemctl', 'kill', '--signal=STOP', '--kill-who=main', 'tailspool');
  write(1000);
  await machine.until('another process', () => active() && pid() !== turning);
  assert.match(machine.run('journalctl', '-u', 'tailspool', '--no-pager'), /Watchdog timeout/);
  await untilAllKept();
  dropIn('');
});

test('where nothing may be mapped executable from folders, systemd-notify tells and Node’s own codec works', {
  skip,
}, async () => {
  const folders = '/dev/shm /tmp /var/tmp /run /var/lib/tailspool';
  dropIn(`[Service]\nNoExecPaths=${folders}\nWatchdogSec=6\n`);
  machine.run('systemctl', 'restart', 'tailspool');
  const fallback = pid();
  assert.match(machine.run('journalctl', '-u', 'tailspool', '--no-pager', '-n', '20'), /codec\.fallback/);
  write(100);
  await untilAllKept();
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  assert.equal(pid(), fallback);
  dropIn('');
  machine.run('systemctl', 'restart', 'tailspool');
});

test('an upgrade keeps configuration and spool and loses nothing, and so does a downgrade', { skip }, async () => {
  fs.appendFileSync(machine.root.at(configuration), '# mine\n');
  for (const version of ['0.1.1', '0.1.0']) {
    const old = pid();
    write(1000);
    machine.run('dpkg', '-i', `/root/${version}.deb`);
    write(1000);
    assert.ok(active());
    assert.notEqual(pid(), old);
    assert.match(fs.readFileSync(machine.root.at(configuration), 'utf8'), /# mine\n$/);
    await untilAllKept();
  }
});

test('a data_dir that a newer version wrote is refused with exit 3, a wrong configuration with 2, without a crash loop', {
  skip,
}, async () => {
  const refusedWith = async (status: string) => {
    machine.try('systemctl', 'start', 'tailspool');
    await machine.until('failed', () => machine.show('ActiveState') === 'failed');
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    assert.equal(machine.show('ExecMainStatus'), status);
    assert.equal(machine.show('ActiveState'), 'failed');
    assert.equal(machine.show('NRestarts'), '0');
    machine.run('systemctl', 'reset-failed', 'tailspool');
  };
  machine.run('systemctl', 'stop', 'tailspool');
  const folder = machine.root.at('/var/lib/tailspool/spool');
  const segments = fs.readdirSync(folder).map((name) => `${folder}/${name}`);
  const before = segments.map((path) => fs.readFileSync(path));
  for (const [index, path] of segments.entries()) fs.writeFileSync(path, ofVersionNine(before[index]!));
  await refusedWith('3');
  for (const [index, path] of segments.entries()) fs.writeFileSync(path, before[index]!);

  const sound = fs.readFileSync(machine.root.at(configuration), 'utf8');
  fs.writeFileSync(machine.root.at(configuration), sound.replace('collectors:', 'kollectors:'));
  await refusedWith('2');
  fs.writeFileSync(machine.root.at(configuration), sound);
  write(100);
  machine.run('systemctl', 'start', 'tailspool');
  await untilAllKept();
});

test('it stops at once and well', { skip }, () => {
  write(1000);
  machine.run('systemctl', 'stop', 'tailspool');
  assert.equal(machine.show('Result'), 'success');
  assert.equal(machine.show('ExecMainStatus'), '0');
  machine.run('systemctl', 'start', 'tailspool');
});

test('removal stops it and leaves the data, purge takes it', { skip }, async () => {
  await untilAllKept();
  machine.run('dpkg', '-r', 'tailspool');
  assert.ok(!active());
  assert.ok(fs.readdirSync(machine.root.at('/var/lib/tailspool/spool')).length > 0);
  assert.ok(fs.existsSync(machine.root.at(configuration)));
  machine.run('dpkg', '-i', '/root/0.1.1.deb');
  assert.ok(active());
  await untilAllKept();
  machine.run('dpkg', '-P', 'tailspool');
  assert.ok(!active());
  assert.ok(!fs.existsSync(machine.root.at('/var/lib/tailspool')) && !fs.existsSync(machine.root.at('/etc/tailspool')));
});

/** The same segment, its first block of version 9, with a checksum that is right. */
function ofVersionNine(segment: Buffer): Buffer {
  const bytes = Buffer.from(segment);
  bytes.writeUInt16LE(9, 12);
  const length = bytes.readUInt32LE(4) + 8;
  bytes.writeUInt32LE(crc32(bytes.subarray(20, length), crc32(bytes.subarray(0, 16))), 16);
  return bytes;
}
