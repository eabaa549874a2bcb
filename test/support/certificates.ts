/** Certificates for tests, made with the `openssl` command: an authority, and what it signed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
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

export interface CertificateWishes {
  /** As OpenSSL writes them. */
  readonly names?: string;
  readonly validFrom?: Date;
  readonly validUntil?: Date;
}

const dayMs = 86_400_000;

/** A certificate for localhost, 127.0.0.1 and ::1, valid for two days, good for servers and clients; or as wished. */
export function makeCertificate(
  folder: string,
  name: string,
  authority: MadeCertificate,
  wishes: CertificateWishes = {},
): MadeCertificate {
  const { names = 'DNS:localhost,IP:127.0.0.1,IP:::1', validFrom, validUntil } = wishes;
  const made = { certFile: join(folder, `${name}.pem`), keyFile: join(folder, `${name}.key`) };
  const of = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`];
  const signer = [authority.certFile, authority.keyFile] as const;
  if (validFrom === undefined && validUntil === undefined) {
    const signed = ['-CA', signer[0], '-CAkey', signer[1], '-days', '2'];
    openssl('req', '-x509', ...newKey(made.keyFile), '-out', made.certFile, ...of, ...signed);
    return made;
  }
  // only `openssl ca` gives a certificate whose days are over
  const place = mkdtempSync(join(folder, `${name}-ca-`));
  const request = join(place, 'request.csr');
  const settings = join(place, 'ca.conf');
  writeFileSync(settings, authoritySettings(place));
  writeFileSync(join(place, 'index'), '');
  writeFileSync(join(place, 'serial'), '01\n');
  openssl('req', '-new', ...newKey(made.keyFile), '-out', request, ...of);
  const dates = [
    ['-startdate', stamp(validFrom ?? new Date(Date.now() - dayMs))],
    ['-enddate', stamp(validUntil ?? new Date(Date.now() + dayMs))],
  ].flat();
  const files = ['-cert', signer[0], '-keyfile', signer[1], '-in', request, '-out', made.certFile];
  openssl('ca', '-batch', '-notext', '-config', settings, ...files, ...dates);
  return made;
}

function authoritySettings(place: string): string {
  const own = [`database = ${place}/index`, `serial = ${place}/serial`, `new_certs_dir = ${place}`];
  const rules = ['default_md = sha256', 'policy = any', 'copy_extensions = copy'];
  return ['[ca]', 'default_ca = own', '[own]', ...own, ...rules, '[any]', 'commonName = supplied', ''].join('\n');
}

/** 20261123151500Z */
function stamp(date: Date): string {
  return `${date
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/[-:T]/g, '')}Z`;
}

function newKey(keyFile: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
