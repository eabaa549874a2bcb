/**
 * `ChildProcesses` over Node's: no shell, a process group of its own, little of our environment, output read only when asked
 * for (so a program that writes faster than the spool takes waits in its `write`), and at the stop the whole group ends.
 */
import { type ChildProcessByStdio, spawn as spawnProcess } from 'node:child_process';
import * as fs from 'node:fs';
import type { Readable } from 'node:stream';
import type { ByteReader, ChildCommand, ChildEnd, ChildProcess, ChildProcesses } from '../../collectors/ports.ts';
import { Pull } from './pull.ts';

const errorLineBytesMax = 4096;
/** Of a program that was ended: whoever reads its output has so long for the rest of it. */
const drainMsMax = 250;
/** Nothing else of our environment: it may hold secrets. */
const handedDown = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ'];

export const hostChildren: ChildProcesses = { spawn };

function spawn(command: ChildCommand): ChildProcess {
  try {
    return new Child(command);
  } catch (error) {
    return notStarted(error);
  }
}

class Child implements ChildProcess {
  readonly ended: Promise<ChildEnd>;
  readonly #process: ChildProcessByStdio<null, Readable, Readable>;
  readonly #output: Pull;
  readonly #errors: Pull | undefined;
  #gone = false;
  #stopping = false;

  constructor(command: ChildCommand) {
    const { program, folder } = command;
    this.#process = spawnProcess(program, command.arguments, {
      cwd: folder,
      env: command.environment ?? ownEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      ...(command.user === undefined ? {} : idsOf(command.user)),
    });
    this.#output = new Pull(this.#process.stdout);
    const { onErrorLine } = command;
    if (onErrorLine) new ErrorLines(this.#process.stderr, onErrorLine);
    else this.#errors = new Pull(this.#process.stderr);
    this.ended = this.#end();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  read(take: (piece: Uint8Array) => boolean): Promise<boolean> {
    return this.#output.read(take);
  }

  get errors(): ByteReader | undefined {
    return this.#errors;
  }

  async stop(graceMs: number): Promise<ChildEnd> {
    this.#stopping = true;
    this.#signal('SIGTERM');
    const kill = setTimeout(() => this.#signal('SIGKILL'), graceMs);
    const end = await this.ended;
    clearTimeout(kill);
    await this.#drained();
    return end;
  }

  async #drained(): Promise<void> {
    const late = new Promise<void>((resolve) => setTimeout(resolve, drainMsMax).unref());
    await Promise.race([Promise.all([this.#output.over, this.#errors?.over]), late]);
    this.#output.stop();
    this.#errors?.stop();
    this.#process.stderr.destroy();
  }

  #end(): Promise<ChildEnd> {
    const { promise, resolve } = Promise.withResolvers<ChildEnd>();
    this.#process.once('error', (error) => {
      // Also said of a signal that could not be sent: then it still runs.
      if (this.#process.pid === undefined) resolve(endOf(error));
    });
    this.#process.once('exit', (code, signal) => {
      // At once: later its number may be another's.
      if (this.#stopping) this.#signal('SIGKILL');
      this.#gone = true;
      resolve(code === null ? { kind: 'killed', signal: signal ?? 'unknown' } : { kind: 'exited', code });
    });
    return promise;
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    const { pid } = this.#process;
    if (pid === undefined || this.#gone) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // Nothing of the group is left, or it is not ours to end (it became another user): its output is closed instead.
    }
  }
}

/** Of a user's name, or number, as the host's own list of users has it. Throws where it has none. */
function idsOf(user: string): { readonly uid: number; readonly gid: number } {
  for (const line of fs.readFileSync('/etc/passwd', 'latin1').split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if ((name === user || uid === user) && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw Object.assign(new Error(`/etc/passwd has no user ${user}`), { code: 'NO_USER' });
}

function notStarted(error: unknown): ChildProcess {
  const ended = Promise.resolve(endOf(error));
  return { pid: undefined, errors: undefined, ended, stop: () => ended, read: () => Promise.resolve(false) };
}

function endOf(error: unknown): ChildEnd {
  const { code = 'UNKNOWN', message } = error as NodeJS.ErrnoException;
  return { kind: 'not_started', code, message };
}

function ownEnvironment(): Record<string, string> {
  return Object.fromEntries(handedDown.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** Cuts what comes into lines; of a longer one only the beginning is kept. */
class ErrorLines {
  readonly #onLine: (line: string) => void;
  #held = Buffer.alloc(0);

  constructor(stream: Readable, onLine: (line: string) => void) {
    this.#onLine = onLine;
    stream.on('data', (piece: Buffer) => this.#take(piece)).on('error', () => {});
    stream.on('close', () => this.#held.length > 0 && this.#say());
  }

  #take(piece: Buffer): void {
    for (let at = 0; at < piece.length; ) {
      const feed = piece.indexOf(10, at);
      this.#hold(piece.subarray(at, feed < 0 ? piece.length : feed));
      if (feed >= 0) this.#say();
      at = feed < 0 ? piece.length : feed + 1;
    }
  }

  #hold(bytes: Buffer): void {
    const room = errorLineBytesMax - this.#held.length;
    if (room > 0) this.#held = Buffer.concat([this.#held, bytes.subarray(0, room)]);
  }

  #say(): void {
    this.#onLine(this.#held.toString('utf8'));
    this.#held = Buffer.alloc(0);
  }
}
