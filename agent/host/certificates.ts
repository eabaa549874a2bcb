/**
 * Certificates and keys from files that may be replaced while we run. Whoever uses them asks `changed()` before a new
 * connection; files that cannot be read at the moment (half replaced) leave the last good ones in use.
 */
import * as fs from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import type { MonotonicMs } from '../../spool/ports.ts';

export interface CertificateFiles {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export type Certificates = Pick<SecureContextOptions, 'ca' | 'cert' | 'key'>;

/** Files are looked at no more often than this. */
const lookIntervalMs = 1000;

export class CertificateSource {
  readonly #files: CertificateFiles;
  #current: Certificates;
  #stamp: string;
  #lookedAt: MonotonicMs = performance.now();
  /** Why the files as they are now cannot be used; undefined when they can. */
  problem: Error | undefined;

  /** Throws what `readCertificates` throws. */
  constructor(files: CertificateFiles) {
    this.#files = files;
    this.#stamp = stampOf(files);
    this.#current = readCertificates(files);
  }

  get current(): Certificates {
    return this.#current;
  }

  /** True once after each change that can be used. */
  changed(): boolean {
    const now = performance.now();
    if (now - this.#lookedAt < lookIntervalMs) return false;
    this.#lookedAt = now;
    const stamp = stampOf(this.#files);
    if (stamp === this.#stamp) return false;
    try {
      this.#current = readCertificates(this.#files);
      this.#stamp = stamp;
      this.problem = undefined;
      return true;
    } catch (error) {
      this.problem = error as Error;
      return false;
    }
  }
}

/** Reads and tries them. Throws with the file's name, and the `code` and `file` of the first error. */
export function readCertificates(files: CertificateFiles): Certificates {
  // Loaded only here: it parses all root certificates, which stay in memory (2 MiB of it).
  const { createSecureContext } = process.getBuiltinModule('node:tls');
  const found: Certificates = {};
  for (const [option, file] of [
    ['ca', files.caFile],
    ['cert', files.certFile],
    ['key', files.keyFile],
  ] as const) {
    if (file === undefined) continue;
    try {
      found[option] = fs.readFileSync(file);
      // A key that does not fit its certificate shows only with both; the key comes last.
      createSecureContext(option === 'key' ? found : { [option]: found[option] });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw Object.assign(new Error(`cannot use ${file}: ${message}`), { code, file });
    }
  }
  return found;
}

function stampOf(files: CertificateFiles): string {
  return [files.caFile, files.certFile, files.keyFile].map(stampOfFile).join(' ');
}

function stampOfFile(file: string | undefined): string {
  if (file === undefined) return '-';
  const stat = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? 'missing' : `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
}
