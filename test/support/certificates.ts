/** Certificates for tests, made with the `openssl` command: an authority, and what it signed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const opensslMissing = spawnSync('openssl', ['version']).error !== undefined && 'openssl is not installed';

export interface MadeCertificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A self-signed authority. */
export function makeAuthority(folder: string, name: string): MadeCertificate {
  const made = { certFile: join(folder, `${name}.pem`), keyFile: join(folder, `${name}.key`) };
  const subject = ['-subj', `/CN=${name}`, '-days', '2'];
  openssl(
    'req',
    '-x509',
    ...newKey(made.keyFile),
    '-out',
    made.certFile,
    ...subject,
    '-addext',
    'basicConstraints=critical,CA:TRUE',
  );
  return made;
}

/** A certificate for localhost and 127.0.0.1, good for servers and clients. */
export function makeCertificate(folder: string, name: string, authority: MadeCertificate): MadeCertificate {
  const made = { certFile: join(folder, `${name}.pem`), keyFile: join(folder, `${name}.key`) };
  const signer = ['-CA', authority.certFile, '-CAkey', authority.keyFile];
  const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  openssl(
    'req',
    '-x509',
    ...newKey(made.keyFile),
    '-out',
    made.certFile,
    '-subj',
    `/CN=${name}`,
    '-days',
    '2',
    ...names,
    ...signer,
  );
  return made;
}

function newKey(keyFile: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
