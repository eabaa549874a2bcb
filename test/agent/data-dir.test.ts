import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { takeDataDir } from '../../agent/data-dir.ts';
import { openHost } from '../../agent/host/host.ts';
import type { Host } from '../../agent/ports.ts';
import type { LogEntry } from '../../spool/ports.ts';

const never = new AbortController().signal;

/** The real host on which the first `times` attempts to make a folder fail, and whose pauses last no time. */
function failing(code: string, times: number, entries: LogEntry[] = []): Host {
  const host = openHost({ write: (entry) => void entries.push(entry) });
  let left = times;
  const makeDirectory: Host['files']['makeDirectory'] = (path, mode) => {
    if (left-- > 0) throw Object.assign(new Error(`${code}: no`), { code });
    host.files.makeDirectory(path, mode);
  };
  const after: Host['clock']['after'] = (_delay, call) => host.clock.after(0, call);
  return { ...host, files: { ...host.files, makeDirectory }, clock: { ...host.clock, after } };
}

function folder(t: { after(end: () => void): void }): string {
  const path = fs.mkdtempSync(join(tmpdir(), 'tailspool-data-'));
  t.after(() => fs.rmSync(path, { recursive: true }));
  return path;
}

test('a data_dir is made for us alone, and one that others may enter is closed', async (t) => {
  const parent = folder(t);
  const open = join(parent, 'open');
  fs.mkdirSync(open);
  fs.chmodSync(open, 0o755);
  for (const path of [join(parent, 'new/data'), open]) {
    const taken = await takeDataDir(path, failing('', 0), never);
    assert.equal(taken.kind, 'taken');
    assert.equal(fs.statSync(path).mode & 0o777, 0o700);
    if (taken.kind === 'taken') taken.lock[Symbol.dispose]();
  }
});

test('a disk without space is waited for', async (t) => {
  for (const code of ['ENOSPC', 'EDQUOT', 'EROFS']) {
    const entries: LogEntry[] = [];
    const taken = await takeDataDir(join(folder(t), 'data'), failing(code, 3, entries), never);
    assert.equal(taken.kind, 'taken');
    assert.deepEqual(new Set(entries.map(({ event }) => event)), new Set(['data_dir.no_space']));
    if (taken.kind === 'taken') taken.lock[Symbol.dispose]();
  }
});

test('waiting for space ends when the agent is told to end', async (t) => {
  const stop = new AbortController();
  const waiting = takeDataDir(join(folder(t), 'data'), failing('ENOSPC', Number.POSITIVE_INFINITY), stop.signal);
  setImmediate(() => stop.abort(new Error('told to end')));
  // The host's timers do not keep a process alive.
  const alive = setTimeout(() => {}, 60_000);
  await assert.rejects(waiting, /told to end/);
  clearTimeout(alive);
});

test('a data_dir that cannot be entered is an error that names it', async (t) => {
  const path = join(folder(t), 'data');
  await assert.rejects(
    takeDataDir(path, failing('EACCES', 1), never),
    new RegExp(`cannot use data_dir ${path}: EACCES`),
  );
});
