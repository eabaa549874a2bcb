/**
 * The Node that goes into an executable: the very package that package-lock.json names, for the machine it is built for. npm
 * installs only this machine's own; another's is fetched from the same registry and held against the lock's checksum.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, root, run } from './run.ts';
import type { Target } from './target.ts';

/** The path of `bin/node`. */
export function nodeFor(target: Target): string {
  return target.native ? process.execPath : fetched(target);
}

function fetched(target: Target): string {
  const name = `node-${target.name}`;
  const { version, integrity } = locked(name);
  const folder = join(cacheFolder(), `${name}-${version}`);
  const node = join(folder, 'package/bin/node');
  if (fs.existsSync(node)) return node;
  const unpacked = fs.mkdtempSync(`${folder}.`);
  try {
    const args = ['pack', `${name}@${version}`, '--silent', '--pack-destination', unpacked];
    const archive = join(unpacked, run('npm', args, { cwd: unpacked }).trim());
    const digest = `sha512-${createHash('sha512').update(fs.readFileSync(archive)).digest('base64')}`;
    if (digest !== integrity) throw new Error(`${name}@${version} is not what package-lock.json says: ${digest}`);
    run('tar', ['-xzf', archive, '-C', unpacked, 'package/bin/node']);
    fs.rmSync(archive);
    moveTo(unpacked, folder);
  } finally {
    fs.rmSync(unpacked, { recursive: true, force: true });
  }
  return node;
}

/** Another build may have been quicker: then its folder stays. */
function moveTo(made: string, folder: string): void {
  try {
    fs.renameSync(made, folder);
  } catch (error) {
    if (!fs.existsSync(folder)) throw error;
  }
}

function locked(name: string): { version: string; integrity: string } {
  const lock = JSON.parse(fs.readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string; integrity: string } | undefined>;
  };
  const found = lock.packages[`node_modules/${name}`];
  if (found === undefined) throw new Error(`package-lock.json does not name ${name}`);
  return found;
}
