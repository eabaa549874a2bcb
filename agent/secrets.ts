/**
 * Secrets live in files and are read again when those change, so that a rotated token needs no restart. Secrets appear in
 * no error: only the file's name and what is wrong with it.
 */
import { OAuth2Tokens } from '../shippers/http/shared/oauth2.ts';
import type { Authorization, TransportOptions } from '../shippers/ports.ts';
import type { FileStat, Files } from '../spool/ports.ts';
import type { Auth, BasicAuth } from './config/types.ts';
import type { Host } from './ports.ts';

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

/** What a shipper shows, as the files say at the moment of each request. */
export function authorizationOf(
  auth: Auth,
  host: Pick<Host, 'files' | 'clock' | 'transports'>,
  way: Way,
): Authorization {
  switch (auth.kind) {
    case 'bearer': {
      const token = secretOf(auth.tokenFile, host.files);
      return constant(() => `Bearer ${printable(token(), auth.tokenFile)}`);
    }
    case 'basic':
      return constant(basicOf(auth, host.files));
    case 'oauth2': {
      const { tokenUrl: url, tls, secretFile } = auth;
      const transport = host.transports.open({ ...way, url, tls });
      return new OAuth2Tokens(auth, { transport, clock: host.clock, secret: secretOf(secretFile, host.files) });
    }
    default:
      return auth satisfies never;
  }
}

/** How a token endpoint is reached: as the destination, but for its own address and TLS. */
export type Way = Pick<TransportOptions, 'proxy' | 'connectTimeoutMs'>;

/** The header's value for basic authentication (RFC 7617), at the moment of the call. */
export function basicOf({ user, passwordFile }: BasicAuth, files: Files): () => string {
  const password = secretOf(passwordFile, files);
  return () => `Basic ${Buffer.from(`${user}:${password()}`).toString('base64')}`;
}

/** The first line of a file at the moment of the call. Throws `SECRET_UNREADABLE`; the secret is in no error. */
export function secretOf(path: string, files: Files): () => string {
  const file = new SecretFile(files, path);
  return () => {
    try {
      const secret = file.lines()[0]!;
      if (/[\u0000-\u001f\u007f]/.test(secret)) throw new Error(`${path} holds control characters`);
      return secret;
    } catch (error) {
      throw Object.assign(new Error(error instanceof Error ? error.message : String(error)), {
        code: 'SECRET_UNREADABLE',
      });
    }
  };
}

/** RFC 6750 section 2.1: nothing else can stand in the header. */
function printable(token: string, path: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const message = `${path} holds characters that no token has (blanks, or others than ASCII)`;
  throw Object.assign(new Error(message), { code: 'SECRET_UNREADABLE' });
}

/** Nothing else can be shown than what the file says. */
function constant(value: () => string): Authorization {
  return { header: async () => value(), refused: () => false, close: async () => {} };
}

/** Any of the file's tokens is good, so that a new one can be handed out before the old one is taken back. */
export function tokensOf(path: string, files: Files): () => readonly string[] {
  const file = new SecretFile(files, path);
  return () => file.lines();
}

/** `user:password`, with any of the file's passwords. */
export function loginsOf({ user, passwordFile }: BasicAuth, files: Files): () => readonly string[] {
  const passwords = tokensOf(passwordFile, files);
  return () => passwords().map((password) => `${user}:${password}`);
}

function versionOf(stat: FileStat): string {
  return [stat.device, stat.inode, stat.sizeBytes, stat.modifiedMs, stat.changedNs].join(':');
}
