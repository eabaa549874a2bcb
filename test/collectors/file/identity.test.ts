/**
 * Which file is the one that was read, where the host's hints change or lie: device numbers over a reboot, birth times that are none,
 * inodes that are used again.
 */
import * as fs from 'node:fs';
import { test } from 'node:test';
import type { FileStat } from '../../../spool/ports.ts';
import { Bench, filesWith } from './bench.ts';

/** As on file systems and in sandboxes that tell no birth time. */
const birthless: Readonly<Record<string, (stat: FileStat) => bigint>> = {
  'are the time of the last change': ({ changedNs }) => changedNs,
  'are zero': () => 0n,
};

for (const [how, birth] of Object.entries(birthless)) {
  test(`where birth times ${how}, they say nothing: a file that grew while the agent was down goes on`, async () => {
    await using bench = new Bench();
    bench.ports = { files: filesWith((stat) => ({ ...stat, birthNs: birth(stat) })) };
    await bench.started('one\n');
    await bench.pause(20); // the clock of files is coarse
    await bench.restart(() => bench.write('a.log', 'two\n'));
    await bench.holds('a.log', 'one\ntwo\n');
  });
}

test('a device number that changes with a reboot makes no other file of it', async () => {
  await using bench = new Bench();
  let device = 1n;
  bench.ports = { files: filesWith((stat) => ({ ...stat, device, birthNs: 0n })) };
  await bench.started('one\n');
  await bench.restart(() => {
    device = 2n;
    bench.ports = { ...bench.ports, bootId: 'boot 2' };
    bench.write('a.log', 'two\n');
  });
  await bench.holds('a.log', 'one\ntwo\n');
});

test('an inode that is used again for a file with the same first lines: its birth time tells that nothing of it was read', async () => {
  await using bench = new Bench();
  let birthNs = 5n;
  bench.ports = { files: filesWith((stat) => ({ ...stat, inode: stat.kind === 'file' ? 7n : stat.inode, birthNs })) };
  await bench.started('banner\none\n');
  await bench.restart(() => {
    birthNs = 6n;
    bench.write('a.log', 'two\n');
  });
  await bench.holds('a.log', 'banner\none\nbanner\none\ntwo\n');
});

test('a small file grows, and what is known of its head with it: a file that was begun anew with the same end is not taken for it', async () => {
  await using bench = new Bench();
  const end = 'a line like all others\n'.repeat(30);
  await bench.started('log\n');
  bench.write('a.log', `first\n${end}`);
  await bench.holds('a.log', `log\nfirst\n${end}`);
  await bench.restart(() => {
    fs.truncateSync(bench.path('a.log'));
    bench.write('a.log', `log\nother\n${end}more\n`);
  });
  await bench.holds('a.log', `log\nfirst\n${end}log\nother\n${end}more\n`);
});
