/**
 * Debian 12 roots to try packages in: minbase with nothing added, and one with systemd. Made once by debootstrap (root only, from
 * the mirror that this host's apt can reach), kept in a cache folder; each test gets a copy that is removed with it.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../build/executable/run.ts';

export type RootKind = 'minbase' | 'systemd';

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tailspool');

/** Why these tests cannot run here; false where they can. */
export function cannotRun(...programs: readonly string[]): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  const missing = ['debootstrap', 'dpkg-deb', ...programs].filter(
    (program) => spawnSync('sh', ['-c', `command -v ${program}`], { env: { PATH: path } }).status !== 0,
  );
  return missing.length > 0 && `not installed: ${missing.join(', ')}`;
}

export const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export class Root implements Disposable {
  readonly folder: string;

  /** A fresh copy. The first ever takes a minute or two. */
  constructor(kind: RootKind) {
    const kept = keptRoot(kind);
    this.folder = fs.mkdtempSync(join(tmpdir(), `tailspool-${kind}-`));
    fs.chmodSync(this.folder, 0o755);
    run('cp', ['-a', '--reflink=auto', `${kept}/.`, this.folder]);
  }

  /** What it printed; throws where it failed. */
  in(...command: readonly string[]): string {
    return run('chroot', [this.folder, ...command], {
      env: { PATH: path, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    });
  }

  /** How it ended and what it printed. */
  tryIn(...command: readonly string[]): { readonly code: number | null; readonly printed: string } {
    const options = { env: { PATH: path, LC_ALL: 'C' }, encoding: 'utf8' } as const;
    const { status, stdout, stderr } = spawnSync('chroot', [this.folder, ...command], options);
    return { code: status, printed: stdout + stderr };
  }

  at(inside: string): string {
    return join(this.folder, inside);
  }

  put(from: string, inside: string): void {
    fs.copyFileSync(from, this.at(inside));
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

function keptRoot(kind: RootKind): string {
  const kept = join(cache, `bookworm-${kind}`);
  if (fs.existsSync(kept)) return kept;
  fs.mkdirSync(cache, { recursive: true });
  const arriving = `${kept}.${process.pid}`;
  const environment = { env: { ...process.env, PATH: path, DEBIAN_FRONTEND: 'noninteractive' } };
  if (kind === 'minbase') run('debootstrap', ['--variant=minbase', 'bookworm', arriving], environment);
  else {
    run('cp', ['-a', keptRoot('minbase'), arriving]);
    // As this host reaches its mirror.
    run('cp', ['-a', '/etc/apt/apt.conf.d/.', `${arriving}/etc/apt/apt.conf.d/`]);
    run('cp', ['-L', '/etc/resolv.conf', `${arriving}/etc/resolv.conf`]);
    const packages = ['systemd', 'systemd-sysv', 'dbus'];
    run('chroot', [arriving, 'apt-get', 'install', '-qy', '--no-install-recommends', ...packages], environment);
  }
  fs.renameSync(arriving, kept);
  return kept;
}
