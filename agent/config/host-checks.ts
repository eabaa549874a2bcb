/** What a sound configuration will still trip over on this host: files that cannot be read, folders that are not there. */

import type { Finding, KeyPath } from './findings.ts';
import { warning } from './rule-findings.ts';
import type { ConfigurationFile } from './schema.ts';
import type { ConfigurationReader } from './sources.ts';
import { reasonOf } from './sources.ts';

/** The files that hold secrets and certificates. All findings are warnings: a file may come later. */
export function checkSecretFiles(file: ConfigurationFile, files: ConfigurationReader): Finding[] {
  return secretFiles(file).flatMap(({ path, name, secret }) => checkFile(path, name, secret, files));
}

/** The folders that `include` begins in. May wait for a mount that hangs: for `check` only. */
export function checkFolders({ collectors }: ConfigurationFile, files: ConfigurationReader): Finding[] {
  return Object.entries(collectors).flatMap(([collector, one]) => {
    // Those of containers are read from where either runtime keeps them: one of the folders is missing on any host.
    if (one.type !== 'file') return [];
    return one.include.flatMap((pattern, index) =>
      checkFolder(['collectors', collector, 'include', index], pattern, files),
    );
  });
}

interface NamedFile {
  readonly path: KeyPath;
  readonly name: string;
  /** Nobody else should be able to read it. */
  readonly secret: boolean;
}

function tlsOf(one: ConfigurationFile['collectors'][string]) {
  return 'tls' in one ? one.tls : undefined;
}

function secretFiles({ collectors, shippers }: ConfigurationFile): NamedFile[] {
  const found: NamedFile[] = [];
  const add = (path: KeyPath, name: string | undefined, secret: boolean) => {
    if (name !== undefined) found.push({ path, name, secret });
  };
  for (const [name, one] of Object.entries(collectors)) {
    const tls = tlsOf(one);
    const path = ['collectors', name];
    if (one.type === 'fluent') add([...path, 'shared_key_file'], one.shared_key_file, true);
    if ('basic' in one) add([...path, 'basic', 'password_file'], one.basic?.password_file, true);
    if ('token_file' in one) add([...path, 'token_file'], one.token_file, true);
    add([...path, 'tls', 'cert'], tls?.cert, false);
    add([...path, 'tls', 'key'], tls?.key, true);
    add([...path, 'tls', 'client_ca'], tls?.client_ca, false);
  }
  for (const [name, one] of Object.entries(shippers)) {
    if (one.type !== 'http') continue;
    const path = ['shippers', name];
    const { auth, tls, proxy } = one;
    add([...path, 'auth', 'bearer_file'], auth?.bearer_file, true);
    add([...path, 'auth', 'basic', 'password_file'], auth?.basic?.password_file, true);
    add([...path, 'auth', 'oauth2', 'client_secret_file'], auth?.oauth2?.client_secret_file, true);
    add([...path, 'proxy', 'basic', 'password_file'], proxy.basic?.password_file, true);
    add([...path, 'proxy', 'ca'], proxy.ca, false);
    for (const [header, file] of Object.entries(one.header_files ?? {}))
      add([...path, 'header_files', header], file, true);
    for (const [at, files] of [
      [[...path, 'tls'], tls],
      [[...path, 'auth', 'oauth2', 'tls'], auth?.oauth2?.tls],
    ] as const) {
      add([...at, 'ca'], files?.ca, false);
      add([...at, 'cert'], files?.cert, false);
      add([...at, 'key'], files?.key, true);
    }
  }
  return found;
}

function checkFile(path: KeyPath, name: string, secret: boolean, files: ConfigurationReader): Finding[] {
  try {
    const file = files.open(name, 'read');
    const { kind, mode } = file.stat();
    file.close();
    if (kind !== 'file') return [warning(path, `${name} is not a file but a ${kind}`)];
    if (!secret || (mode & 0o004) === 0) return [];
    return [warning(path, `everybody on this host can read ${name}`, `chmod o-r ${name}`)];
  } catch (error) {
    return [warning(path, `${name} cannot be read: ${reasonOf(error)}`)];
  }
}

function checkFolder(path: KeyPath, pattern: string, files: ConfigurationReader): Finding[] {
  const plain = pattern.split(/[*?[{(!+@\\]/, 1)[0] ?? '/';
  const folder = plain.slice(0, plain.lastIndexOf('/')) || '/';
  try {
    if (files.stat(folder).kind !== 'directory') return [warning(path, `${folder} is not a folder`)];
    files.list(folder);
    return [];
  } catch (error) {
    return [warning(path, `${folder} cannot be looked into: ${reasonOf(error)}`, 'it is read as soon as it can be')];
  }
}
