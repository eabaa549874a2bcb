/**
 * One holder per path. The lock is the kernel's (flock) on a descriptor that stays open, so it is gone the moment the
 * process is, however it ended. Node has no flock: `flock -xn` of util-linux locks our open file description for us, once,
 * through an inherited descriptor. Where that command is missing, SQLite's exclusive transaction on a file beside it.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import type { LockResult, Locks } from '../ports.ts';
import { pathForHost } from './names.ts';

type Method = 'flock' | 'sqlite';

/** `method` is chosen by itself where it is not given. */
export function hostLocks(method?: Method): Locks {
  return { take: (path) => take(path, method) };
}

function take(path: string, method: Method | undefined): LockResult {
  const descriptor = openLock(pathForHost(path));
  let lock: Disposable | 'held' | undefined;
  try {
    lock = method === 'sqlite' ? takeWithSqlite(path) : (takeWithFlock(descriptor) ?? takeWithSqlite(path));
    if (lock === 'held') return { kind: 'held', holder: holderOf(descriptor) };
    if (!stillThere(descriptor, path)) throw new Error(`${path} was replaced while its lock was taken; try again`);
    writeHolder(descriptor, `${process.pid}\n`);
  } catch (error) {
    if (lock !== 'held') lock?.[Symbol.dispose]();
    fs.closeSync(descriptor);
    throw error;
  }
  return { kind: 'taken', lock: releasing(descriptor, lock) };
}

/** On a file system that became read-only an existing lock can still be taken. */
function openLock(path: string | Buffer): number {
  const { O_RDWR, O_RDONLY, O_CREAT, O_NOFOLLOW } = fs.constants;
  try {
    return fs.openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EROFS') throw error;
    return fs.openSync(path, O_RDONLY | O_NOFOLLOW);
  }
}

/** For people only, so a full or read-only disk is no reason to fail. */
function writeHolder(descriptor: number, text: string): void {
  try {
    fs.ftruncateSync(descriptor, 0);
    fs.writeSync(descriptor, text, 0);
  } catch (error) {
    const harmless = ['ENOSPC', 'EDQUOT', 'EROFS', 'EINVAL', 'EBADF'];
    if (!harmless.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Undefined where the command is missing. */
function takeWithFlock(descriptor: number): Disposable | 'held' | undefined {
  const found = spawnSync('flock', ['-x', '-n', '-E', '75', '3'], {
    stdio: ['ignore', 'ignore', 'pipe', descriptor],
    env: { PATH: `${process.env.PATH ?? ''}:/usr/bin:/bin` },
  });
  if ((found.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
  if (found.status === 75) return 'held';
  if (found.status === 0) return { [Symbol.dispose]() {} };
  const reason = found.error?.message ?? found.stderr.toString().trim();
  throw new Error(`flock failed (exit ${found.status}): ${reason}`);
}

/** SQLite's own locks are lost when any descriptor on its file is closed: nothing else may ever open it. */
function takeWithSqlite(path: string): Disposable | 'held' {
  // Not imported above: it is needed hardly ever, and costs time and a warning.
  const { DatabaseSync } = createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite');
  const database = new DatabaseSync(`${path}.sqlite`);
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return { [Symbol.dispose]: () => database.close() };
  } catch (error) {
    database.close();
    if (/locked/.test((error as Error).message)) return 'held';
    throw error;
  }
}

/** False when somebody removed or replaced the file meanwhile: the lock would be on a file that nobody else finds. */
function stillThere(descriptor: number, path: string): boolean {
  const named = fs.statSync(pathForHost(path), { bigint: true, throwIfNoEntry: false });
  return named?.ino === fs.fstatSync(descriptor, { bigint: true }).ino;
}

function releasing(descriptor: number, lock: Disposable): Disposable {
  let held = true;
  return {
    [Symbol.dispose]() {
      if (!held) return;
      held = false;
      writeHolder(descriptor, '');
      lock[Symbol.dispose]();
      fs.closeSync(descriptor);
    },
  };
}

/** `pid 4711 (tailspool run --config /etc/tailspool.yaml)`, as far as it can be told. Closes the descriptor. */
function holderOf(descriptor: number): string {
  const into = Buffer.alloc(20);
  const pid = into.toString('latin1', 0, fs.readSync(descriptor, into, 0, into.length, 0)).trim();
  fs.closeSync(descriptor);
  if (!/^\d+$/.test(pid)) return 'another process';
  const command = commandOf(pid);
  return command === '' ? `pid ${pid}` : `pid ${pid} (${command})`;
}

function commandOf(pid: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim().slice(0, 300);
  } catch {
    return '';
  }
}
