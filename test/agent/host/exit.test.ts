import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const exitModule = new URL('../../../agent/host/exit.ts', import.meta.url).href;

/** Runs a process that waits in two threads on a file system that never answers (a FIFO), and then ends itself. */
async function endsWith(code: number, fifo: string): Promise<number | null | 'hangs'> {
  const script = `
    import { open } from 'node:fs';
    import { endProcess } from ${JSON.stringify(exitModule)};
    open(${JSON.stringify(fifo)}, 'r', () => {});
    open(${JSON.stringify(fifo)}, 'r', () => {});
    setTimeout(() => endProcess(${code}), 50);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  const [ended, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once('exit', (exitCode, exitSignal) => resolve([exitCode, exitSignal])),
  );
  clearTimeout(timer);
  return signal === 'SIGKILL' ? 'hangs' : ended;
}

test('a process ends with its code although a file system holds its threads for ever', async (t) => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-exit-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const fifo = join(folder, 'hung');
  execFileSync('mkfifo', [fifo]);
  assert.deepEqual(await Promise.all([endsWith(0, fifo), endsWith(3, fifo)]), [0, 3]);
});
