/** `npm start`, as far as it can be seen without a person: real processes, a sample log, Ctrl-C. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findLogs } from '../../../agent/demo/logs.ts';

const demo = fileURLToPath(new URL('../../../agent/demo/demo.ts', import.meta.url));

test('without logs to read it says so, writes one, ships it, and Ctrl-C ends it cleanly', async (t) => {
  const root = temporary(t);
  const logs = join(root, 'empty');
  fs.mkdirSync(logs);
  const folder = join(root, 'demo');
  const child = spawn(process.execPath, ['--no-warnings', demo, '--logs', logs, '--folder', folder], { stdio: 'pipe' });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (chunk) => (said += chunk));
  child.stderr.on('data', (chunk) => (said += chunk));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await until(
    () => /ACKNOWLEDGED/.test(said) || child.exitCode !== null,
    () => said,
  );
  assert.match(said, /No log that can be read/);
  assert.match(said, /sample\.log +[\d.]+ \w+ +0 B +[\d.]+ \w+ +following/);
  assert.match(said, /spool +[\d.]+ \w+ on disk, [\d.]+:1 compressed/);
  child.kill('SIGINT');
  assert.equal(await ended, 0, said);
  assert.match(said, /Both ended cleanly/);
  const sample = join(folder, 'sample.log');
  const arrived = fs.readFileSync(join(folder, 'received', hostname(), sample), 'utf8');
  assert.ok(arrived.length > 0 && fs.readFileSync(sample, 'utf8').startsWith(arrived));
});

test('logs are readable text: no archives, no rotated generations, no binary files', (t) => {
  const root = temporary(t);
  const files = [
    'a.log',
    'syslog',
    'b.log.1',
    'c.log.2.gz',
    'd.log-20260101',
    'wtmp',
    'e.journal',
    'deep/f.log',
    'has space.log',
  ];
  fs.mkdirSync(join(root, 'deep'));
  for (const [index, file] of files.entries()) fs.writeFileSync(join(root, file), 'x'.repeat(index + 1));
  fs.writeFileSync(join(root, 'binary'), Buffer.from([1, 0, 2]));
  fs.symlinkSync('a.log', join(root, 'link'));
  assert.deepEqual(
    findLogs(root).map((log) => log.path.slice(root.length + 1)),
    ['deep/f.log', 'syslog', 'a.log'],
  );
  assert.deepEqual(findLogs(join(root, 'missing')), []);
});

function temporary(t: TestContext): string {
  const path = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'tailspool-demo-')));
  t.after(() => fs.rmSync(path, { recursive: true, force: true }));
  return path;
}

async function until(condition: () => boolean, describe: () => string): Promise<void> {
  for (const end = performance.now() + 60_000; performance.now() < end; ) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited for 60 s in vain:\n${describe()}`);
}
