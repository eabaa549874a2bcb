/**
 * Secrets live in files and are read again when those change, so that a rotated token needs no restart. Secrets appear in
 * no error: only the file's name and what is wrong with it.
 */
import type { FileStat, Files } from '../spool/ports.ts';
import type { Auth } from './config/types.ts';

const secretBytesMax = 64 * 1024;

/** The lines of a file, without blank ones; read again when the file changes. */
export class SecretFile {
  readonly #files: Files;
  readonly #path: string;
  #version = '';
  #lines: readonly string[] = [];

  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** Throws where the file cannot be read, or holds nothing. */
  lines(): readonly string[] {
    const version = versionOf(this.#files.stat(this.#path));
    if (version !== this.#version) {
      this.#lines = this.#read();
      this.#version = version;
    }
    if (this.#lines.length === 0)
      throw new Error(`${this.#path} is empty: it has to hold the secret on a line of its own`);
    return this.#lines;
  }

  #read(): string[] {
    const file = this.#files.open(this.#path, 'read');
    try {
      const bytes = Buffer.alloc(secretBytesMax);
      let length = 0;
      for (let got = -1; got !== 0 && length < secretBytesMax; length += got)
        got = file.read(bytes.subarray(length), length);
      const lines = bytes.toString('utf8', 0, length).split('\n');
      return lines.map((line) => line.trim()).filter((line) => line !== '');
    } finally {
      file.close();
    }
  }
}

/** What a shipper sends as `authorization`, as the files say at the moment of the call. */
export function authorizationOf(auth: Auth, files: Files): () => string {
  if (auth.kind === 'bearer') {
    const file = new SecretFile(files, auth.tokenFile);
    return () => `Bearer ${file.lines()[0]}`;
  }
  const file = new SecretFile(files, auth.passwordFile);
  return () => `Basic ${Buffer.from(`${auth.user}:${file.lines()[0]}`).toString('base64')}`;
}

/** Any of the file's tokens is good, so that a new one can be handed out before the old one is taken back. */
export function tokensOf(path: string, files: Files): () => readonly string[] {
  const file = new SecretFile(files, path);
  return () => file.lines();
}

function versionOf(stat: FileStat): string {
  return [stat.device, stat.inode, stat.sizeBytes, stat.modifiedMs, stat.changedNs].join(':');
}
