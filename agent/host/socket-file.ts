/**
 * The file of a listening unix socket: a dead one that a crash left is replaced, one that somebody answers on is left alone, and
 * anything that is no socket stays. At the end ours is removed, if it is still ours.
 */
import * as fs from 'node:fs';
import { connect } from 'node:net';
import { pathForHost } from './names.ts';
import { type ReachablePath, reachablePath } from './socket-path.ts';

export class SocketFile {
  readonly #path: string;
  readonly #reachable: ReachablePath;
  #own: { readonly dev: bigint; readonly ino: bigint } | undefined;

  /** Resolves when `path` is free; rejects with EADDRINUSE where it is not and with what hinders otherwise (EACCES, ENOENT of its folder). */
  static async claim(path: string): Promise<SocketFile> {
    const file = new SocketFile(path);
    try {
      await file.#removeDead();
      return file;
    } catch (error) {
      file.#reachable[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(path: string) {
    this.#path = path;
    this.#reachable = reachablePath(path);
  }

  /** What to bind: works for paths of any length until `release`. */
  get bindPath(): string {
    return this.#reachable.path;
  }

  /** Call once it is bound. */
  bound(mode: number): void {
    fs.chmodSync(pathForHost(this.#path), mode);
    const { dev, ino } = fs.lstatSync(pathForHost(this.#path), { bigint: true });
    this.#own = { dev, ino };
  }

  release(): void {
    const stat = fs.lstatSync(pathForHost(this.#path), { bigint: true, throwIfNoEntry: false });
    const ours = this.#own !== undefined && stat?.ino === this.#own.ino && stat.dev === this.#own.dev;
    try {
      if (ours) fs.unlinkSync(pathForHost(this.#path));
    } catch {
      // a folder that became read-only: the next start finds the socket dead
    }
    this.#reachable[Symbol.dispose]();
  }

  async #removeDead(): Promise<void> {
    const stat = fs.lstatSync(pathForHost(this.#path), { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (!stat.isSocket()) throw inUse(this.#path, 'something that is no socket stands there');
    if (await isAnswered(this.bindPath)) throw inUse(this.#path, 'another process listens there');
    fs.rmSync(pathForHost(this.#path), { force: true });
  }
}

/** Only a refused connection shows that nobody holds the socket; one of another kind (datagrams) says so otherwise. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}

function inUse(path: string, why: string): Error {
  return Object.assign(new Error(`${path} cannot be used: ${why}`), { code: 'EADDRINUSE' });
}
