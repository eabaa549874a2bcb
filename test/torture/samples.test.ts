import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { boundOf, type Sample, Sampler, sampleOf, trendsOf } from './samples.ts';

const rising = (from: number, to: number, count = 30): Sample[] =>
  Array.from({ length: count }, (_, index) => {
    const value = from + ((to - from) * index) / (count - 1);
    return { rss: value, private: value, descriptors: value };
  });

test('what stays the same is flat, and so is one outlier', () => {
  const samples = rising(80, 80).with(29, { rss: 900, private: 900, descriptors: 900 });
  const trends = trendsOf({ agent: samples, receiver: [] });
  assert.equal(trends.length, 3);
  assert.ok(trends.every(({ flat, side }) => flat && side === 'agent'));
});

test('what doubles over a round is not flat', () => {
  const trends = trendsOf({ agent: [], receiver: rising(80, 200) });
  assert.deepEqual(
    trends.map(({ figure, flat }) => [figure, flat]),
    [
      ['rss', false],
      ['private', false],
      ['descriptors', false],
    ],
  );
});

test('a first third with processes that have just begun is not taken for growth', () => {
  const young = { rss: 33, private: 2, descriptors: 4 };
  const atWork = { rss: 95, private: 35, descriptors: 33 };
  const samples = Array.from({ length: 30 }, (_, index) => (index < 7 ? young : atWork));
  assert.ok(trendsOf({ agent: samples, receiver: [] }).every(({ flat }) => flat));
});

test('only a process that answers is looked at', async () => {
  const asked = { agent: 0, receiver: 0 };
  using sampler = new Sampler((side) => ({
    pid: process.pid,
    async answers() {
      asked[side]++;
      return side === 'agent';
    },
  }));
  while (asked.agent < 2 || asked.receiver < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(sampler.samples.agent.length > 0);
  assert.equal(sampler.samples.receiver.length, 0);
});

test('the bound is a share of the first third and something for noise', () => {
  assert.equal(boundOf('rss', 80), 110);
  assert.equal(boundOf('descriptors', 40), 66);
});

test('what has to be remembered may grow with the generations, by what one of them takes', () => {
  assert.equal(boundOf('private', 80, 1024), 110 + 9.6);
  assert.equal(boundOf('descriptors', 40, 1024), 66);
  const grown = rising(80, 150);
  assert.equal(trendsOf({ agent: grown, receiver: [] }).find(({ figure }) => figure === 'private')!.flat, false);
  assert.equal(trendsOf({ agent: grown, receiver: [] }, 4000).find(({ figure }) => figure === 'private')!.flat, true);
});

test('a handful of samples says nothing', () => {
  assert.deepEqual(trendsOf({ agent: rising(1, 1000, 10), receiver: [] }), []);
});

test('a running process has memory and descriptors; one that is gone has no sample', () => {
  const { rss, private: own, descriptors } = sampleOf(process.pid)!;
  assert.ok(rss > own && own > 1 && descriptors > 3);
  assert.equal(sampleOf(2 ** 22 + 1), undefined);
});

test('the pages of an executable that nobody else runs at the moment are not the private memory of the one that does', async () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-samples-'));
  const alone = join(folder, 'node');
  fs.copyFileSync(process.execPath, alone, fs.constants.COPYFILE_FICLONE);
  const child = spawn(alone, ['-e', 'console.log(1); setInterval(() => {}, 1000)'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const clean = /^Private_Clean: +(\d+) kB/m.exec(fs.readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8'))![1];
    assert.ok(Number(clean) > 20 * 1024, `${clean} kB of it are mapped by nobody else`);
    const { rss, private: own } = sampleOf(child.pid!)!;
    assert.ok(own < 20 && rss > own + 20, `${own} of ${rss} MiB`);
  } finally {
    child.kill('SIGKILL');
    fs.rmSync(folder, { recursive: true });
  }
});
