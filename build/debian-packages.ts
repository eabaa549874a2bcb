/**
 * Programs as Debian packages them, downloaded by apt-get with the libraries that the system lacks, and unpacked into a folder:
 * nothing of the system is touched. Only for benchmarks and checks.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../tmp/peers', import.meta.url));
const fetchLimitMs = 120_000;

/** Where `unpackPackages` puts what is kept under this name. */
export function unpackedFolder(name: string): string {
  return join(root, name);
}

/** Fetches and unpacks; undefined, or why it cannot be done. */
export function unpackPackages(name: string, packages: readonly string[]): string | undefined {
  const archives = join(root, 'archives', name);
  fs.mkdirSync(join(archives, 'partial'), { recursive: true });
  const options = ['-o', `Dir::Cache::archives=${archives}`, '-o', 'Debug::NoLocking=1', '--no-install-recommends'];
  const got = spawnSync('apt-get', ['install', '--download-only', '-qy', ...options, ...packages], {
    encoding: 'utf8',
    timeout: fetchLimitMs,
  });
  if (got.error) return `it is not installed, and there is no apt-get (${got.error.message})`;
  if (got.status !== 0) return `it is not installed, and apt-get does not fetch it: ${lastLine(got.stderr)}`;
  for (const file of fs.readdirSync(archives).filter((each) => each.endsWith('.deb'))) {
    const unpacked = spawnSync('dpkg-deb', ['-x', join(archives, file), unpackedFolder(name)], { encoding: 'utf8' });
    if (unpacked.status !== 0) return `dpkg-deb does not unpack ${file}: ${lastLine(unpacked.stderr)}`;
  }
  return undefined;
}

/** The environment in which what was unpacked there finds its libraries. */
export function unpackedEnvironment(prefix: string): NodeJS.ProcessEnv {
  return { ...process.env, LD_LIBRARY_PATH: libraryFolders(prefix).join(':') };
}

/** Every folder with shared libraries that are no modules. */
function libraryFolders(prefix: string): string[] {
  const found = ['lib', 'usr/lib'].flatMap((folder) =>
    fs.globSync('**/lib*.so.*', { cwd: join(prefix, folder) }).map((path) => join(prefix, folder, path, '..')),
  );
  return [...new Set(found)];
}

function lastLine(text: string | null): string {
  return (text ?? '').trim().split('\n').at(-1) ?? '';
}
