/**
 * Makes packages of a built executable, with the distributions' own tools (dpkg-deb, rpmbuild, tar): a package that they made
 * is one that they take. The same executable and version give the same bytes. Compressed with xz, not zstd, which the dpkg and
 * rpm of the oldest hosts that the executable runs on do not read; the archives come as .tar.zst and, for hosts without zstd, .tar.gz.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { root, run } from '../executable/run.ts';
import type { Target } from '../executable/target.ts';
import { type Contents, layOut, layOutFlat, setTimes } from './contents.ts';

export interface Packing {
  readonly target: Target;
  readonly contents: Contents;
  /** An empty folder, for what is needed on the way. */
  readonly work: string;
  readonly out: string;
  /** Compressed fast instead of small: for tests. */
  readonly quick: boolean;
}

/** Each gives the path of what it made. */
export function makeDeb({ target, contents, work, out, quick }: Packing): string {
  const folder = join(work, 'deb');
  layOut(folder, contents, 'usr/share/zsh/vendor-completions');
  const kibibytes = Math.ceil(bytesBelow(folder) / 1024);
  const control = join(folder, 'DEBIAN');
  fs.mkdirSync(control, { mode: 0o755 });
  const source = join(root, 'build/package/deb');
  for (const script of ['postinst', 'prerm', 'postrm']) {
    fs.copyFileSync(join(source, script), join(control, script));
    fs.chmodSync(join(control, script), 0o755);
  }
  const text = fs
    .readFileSync(join(source, 'control'), 'utf8')
    .replace('@VERSION@', contents.version)
    .replace('@ARCHITECTURE@', target.debian)
    .replace('@KIBIBYTES@', String(kibibytes));
  fs.writeFileSync(join(control, 'control'), text);
  fs.writeFileSync(join(control, 'conffiles'), '/etc/tailspool/tailspool.yaml\n');
  fs.writeFileSync(join(control, 'md5sums'), checksums(folder));
  for (const name of ['control', 'conffiles', 'md5sums']) fs.chmodSync(join(control, name), 0o644);
  setTimes(folder, contents.modifiedAt);
  const made = join(out, `tailspool_${contents.version}_${target.debian}.deb`);
  const compression = quick ? ['-Zgzip', '-z1'] : ['-Zxz'];
  run('dpkg-deb', ['--root-owner-group', ...compression, '--build', folder, made], { env: environment(contents) });
  return made;
}

export function makeRpm({ target, contents, work, out, quick }: Packing): string {
  const payload = join(work, 'rpm');
  layOut(payload, contents, 'usr/share/zsh/site-functions');
  const top = join(work, 'rpmbuild');
  const defines = {
    _topdir: top,
    payload,
    package_version: contents.version,
    compression: quick ? 'w1.gzdio' : 'w6.xzdio',
    _rpmdir: out,
    _rpmfilename: '%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm',
  };
  const args = ['-bb', '--quiet', '--target', `${target.rpm}-linux`];
  for (const [name, value] of Object.entries(defines)) args.push('--define', `${name} ${value}`);
  run('rpmbuild', [...args, join(root, 'build/package/rpm/tailspool.spec')], { env: environment(contents) });
  return join(out, `tailspool-${contents.version}-1.${target.rpm}.rpm`);
}

export function makeArchives({ target, contents, work, out, quick }: Packing): string[] {
  const name = `tailspool-${contents.version}-${target.name}`;
  layOutFlat(join(work, name), contents);
  const tar = join(work, `${name}.tar`);
  const same = ['--sort=name', `--mtime=@${contents.modifiedAt}`, '--owner=0', '--group=0', '--numeric-owner'];
  run('tar', ['--format=gnu', ...same, '-C', work, '-cf', tar, name]);
  const small = join(out, `${name}.tar.zst`);
  run('zstd', ['-q', '-f', quick ? '-1' : '-19', '-T2', tar, '-o', small]);
  const usual = join(out, `${name}.tar.gz`);
  run('sh', ['-c', 'gzip -n "$3" < "$1" > "$2"', 'sh', tar, usual, quick ? '-1' : '-9']);
  fs.rmSync(tar);
  return [small, usual];
}

function environment({ modifiedAt }: Contents): NodeJS.ProcessEnv {
  return { ...process.env, SOURCE_DATE_EPOCH: String(modifiedAt), TZ: 'UTC', LC_ALL: 'C' };
}

function checksums(folder: string): string {
  const list = 'find . -type f -not -path "./DEBIAN/*" -printf "%P\\0" | LC_ALL=C sort -z | xargs -0 md5sum';
  return run('sh', ['-c', list], { cwd: folder });
}

function bytesBelow(folder: string): number {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .reduce((sum, name) => sum + fs.lstatSync(join(folder, name)).size, 0);
}
