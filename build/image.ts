/**
 * `npm run image [-- --target linux-arm64]`: the content of a container image, dist/image/root-<target>.tar, and its Dockerfile. The root holds
 * the executable, the shared libraries it needs and nothing else that runs: no shell, no package manager. The libraries are this
 * machine's for its own kind, those of Debian's cross compiler for another.
 */
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, run } from './executable/run.ts';
import { type Target, targetNamed } from './executable/target.ts';
import { setTimes } from './package/contents.ts';

const { values } = parseArgs({
  options: { target: { type: 'string' }, out: { type: 'string', default: join(root, 'dist/image') } },
});
const target = targetNamed(values.target);
const executable = join(root, 'dist', target.fileName);
if (!fs.existsSync(executable))
  throw new Error(`dist/${target.fileName} is not there: npm run build -- --target ${target.name}`);

const libraries = ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'libstdc++.so.6', 'libgcc_s.so.1'];
/** The loader's path is part of the executable. */
const loaders = { 'linux-x64': '/lib64/ld-linux-x86-64.so.2', 'linux-arm64': '/lib/ld-linux-aarch64.so.1' } as const;
const modifiedAt = 1_700_000_000;

fs.mkdirSync(values.out, { recursive: true });
const work = fs.mkdtempSync(join(values.out, 'work-'));
try {
  fill(work, target);
  setTimes(work, modifiedAt);
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--format=gnu'];
  const tar = join(values.out, `root-${target.name}.tar`);
  run('tar', [...same, '-C', work, '-cf', tar, '.']);
  fs.copyFileSync(join(root, 'build/image/Dockerfile'), join(values.out, 'Dockerfile'));
  console.log(`${tar} (${(fs.statSync(tar).size / 1e6).toFixed(0)} MB); beside it a Dockerfile`);
} finally {
  fs.rmSync(work, { recursive: true, force: true });
}

function fill(folder: string, one: Target): void {
  const put = (path: string, bytes: string | Uint8Array, mode: number) => {
    fs.mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o755 });
    fs.writeFileSync(join(folder, path), bytes);
    fs.chmodSync(join(folder, path), mode);
  };
  put('/usr/bin/tailspool', fs.readFileSync(executable), 0o755);
  put('/etc/tailspool/tailspool.yaml', fs.readFileSync(join(root, 'build/package/files/tailspool.yaml')), 0o644);
  put('/etc/passwd', 'root:x:0:0:root:/:/none\n', 0o644);
  put('/etc/group', 'root:x:0:\nadm:x:4:\n', 0o644);
  put('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n', 0o644);
  const loader = loaders[one.name];
  put(loader, fs.readFileSync(placeOf(basename(loader), one)), 0o755);
  for (const name of libraries) put(`/lib/${name}`, fs.readFileSync(placeOf(name, one)), 0o644);
  for (const [path, mode] of [
    ['/tmp', 0o1777],
    ['/var/log', 0o755],
    ['/var/lib/tailspool', 0o700],
    ['/proc', 0o555],
    ['/dev', 0o755],
    ['/run', 0o755],
  ] as const) {
    fs.mkdirSync(join(folder, path), { recursive: true, mode: 0o755 });
    fs.chmodSync(join(folder, path), mode);
  }
}

/** Where this machine has it. */
function placeOf(library: string, one: Target): string {
  const triplet = one.toolPrefix.replace(/-$/, '');
  const places = one.native
    ? run(`gcc`, ['-print-search-dirs'])
        .match(/^libraries: =(.*)$/m)![1]!
        .split(':')
        .concat('/lib64', '/lib')
    : [`/usr/${triplet}/lib`];
  const found = places.map((place) => join(place, library)).find((path) => fs.existsSync(path));
  if (found === undefined) throw new Error(`${library} for ${one.name} is not installed here`);
  return found;
}
