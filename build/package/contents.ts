/**
 * What a package puts where: one list for .deb, .rpm and archives, laid out below a folder as it will lie on the host. All
 * files get one modification time, so that the same sources give the same package.
 */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from '../executable/run.ts';
import { completions } from './completions.ts';
import { manPage } from './man.ts';

const files = join(root, 'build/package/files');

/** What the packages are made of. */
export interface Contents {
  /** The built file. */
  readonly executable: string;
  readonly version: string;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
}

/** Where zsh looks: Debian has a folder of its own. */
export type ZshFolder = 'usr/share/zsh/vendor-completions' | 'usr/share/zsh/site-functions';

/** Lays everything out below `folder`, as on the host, but for what the package managers' own scripts make. */
export function layOut(folder: string, contents: Contents, zshFolder: ZshFolder): void {
  const put = (path: string, bytes: string | Uint8Array, mode = 0o644) => {
    const at = join(folder, path);
    fs.mkdirSync(dirname(at), { recursive: true, mode: 0o755 });
    fs.writeFileSync(at, bytes);
    fs.chmodSync(at, mode);
  };
  const file = (name: string) => fs.readFileSync(join(files, name));
  put('usr/bin/tailspool', fs.readFileSync(contents.executable), 0o755);
  put('etc/tailspool/tailspool.yaml', file('tailspool.yaml'));
  put('usr/lib/systemd/system/tailspool.service', file('tailspool.service'));
  put('usr/lib/sysusers.d/tailspool.conf', file('sysusers.conf'));
  put('usr/share/man/man1/tailspool.1.gz', gzipSync(manPage(contents.version), { level: 9 }));
  const { bash, zsh, fish } = completions();
  put('usr/share/bash-completion/completions/tailspool', bash);
  put(`${zshFolder}/_tailspool`, zsh);
  put('usr/share/fish/vendor_completions.d/tailspool.fish', fish);
  put('usr/share/doc/tailspool/copyright', copyright());
  put('usr/share/doc/tailspool/configuration.md', fs.readFileSync(join(root, 'docs/configuration.md')));
  setTimes(folder, contents.modifiedAt);
}

/** What somebody wants who installs by hand: the same in one flat folder. */
export function layOutFlat(folder: string, contents: Contents): void {
  const whole = `${folder}.whole`;
  layOut(whole, contents, 'usr/share/zsh/site-functions');
  fs.mkdirSync(folder, { recursive: true });
  for (const [from, to] of [
    ['usr/bin/tailspool', 'tailspool'],
    ['etc/tailspool/tailspool.yaml', 'tailspool.yaml'],
    ['usr/lib/systemd/system/tailspool.service', 'tailspool.service'],
    ['usr/lib/sysusers.d/tailspool.conf', 'sysusers.conf'],
    ['usr/share/man/man1/tailspool.1.gz', 'tailspool.1.gz'],
    ['usr/share/bash-completion/completions/tailspool', 'completion.bash'],
    ['usr/share/zsh/site-functions/_tailspool', 'completion.zsh'],
    ['usr/share/fish/vendor_completions.d/tailspool.fish', 'completion.fish'],
    ['usr/share/doc/tailspool/copyright', 'LICENSES'],
    ['usr/share/doc/tailspool/configuration.md', 'configuration.md'],
  ] as const)
    fs.renameSync(join(whole, from), join(folder, to));
  fs.rmSync(whole, { recursive: true });
  setTimes(folder, contents.modifiedAt);
}

/** Folders after what is in them. */
export function setTimes(folder: string, seconds: number): void {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) setTimes(path, seconds);
    else fs.lutimesSync(path, seconds, seconds);
  }
  fs.utimesSync(folder, seconds, seconds);
}

/** Ours, Node's with all that is in it, the fast codec's, and those of all packages that may be bundled. */
function copyright(): string {
  const { packages } = JSON.parse(fs.readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { readonly dev?: boolean }>;
  };
  const bundled = Object.keys(packages).filter((path) => path !== '' && packages[path]?.dev !== true);
  const folders = ['', ...bundled, 'node_modules/zstd-napi/deps/zstd'];
  return folders.map((folder) => licenceIn(folder)).join('');
}

/** Nothing for a package that is not installed here, or brings no text of its own. */
function licenceIn(folder: string): string {
  const path = join(root, folder);
  const found = fs.existsSync(path) ? fs.readdirSync(path) : [];
  const name = found.find((file) => /^(licen[cs]e|copying)(\.|$)/i.test(file));
  if (name === undefined) return '';
  return `==== ${folder.replace(/^.*node_modules\//, '') || 'Tailspool'}\n\n${fs.readFileSync(join(path, name), 'utf8')}\n`;
}
