/**
 * Compiles the native parts of an executable with the compiler of the machine it is built for: zstd-napi from the sources in
 * its package, and our own ones (`build/native/`). Not as npm built zstd-napi: without threads of its own it needs glibc 2.14 only instead of
 * 2.34, and the same sources, compiler and flags give the same bytes wherever they lie.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { cacheFolder, root, run, runBeside } from './run.ts';
import type { Target } from './target.ts';

/** What is compiled; paths relative to `from`. */
interface Addon {
  readonly name: string;
  readonly from: string;
  readonly sources: readonly string[];
  readonly flags: readonly string[];
  readonly cxxFlags: readonly string[];
}

const modules = join(root, 'node_modules');
const include = join(root, 'node_modules', `node-linux-${process.arch}`, 'include/node');

const common = ['-O3', '-fPIC', '-fvisibility=hidden', '-D_FORTIFY_SOURCE=2', '-DNAPI_VERSION=8', `-I${include}`];
const linkFlags = ['-shared', '-Wl,-z,noexecstack,-z,relro,-z,now,--as-needed,--build-id=none', '-s'];

export function zstdAddon(): Addon {
  const from = join(modules, 'zstd-napi');
  const zstd = 'deps/zstd/lib';
  const folders = [`${zstd}/common`, `${zstd}/compress`, `${zstd}/decompress`, 'src'];
  return {
    name: 'zstd-napi',
    from,
    sources: folders.flatMap((folder) => sourcesIn(from, folder)),
    flags: [
      ...['-fexceptions', '-DXXH_NAMESPACE=ZSTD_', '-DZSTDERRORLIB_VISIBLE=', '-DZSTDLIB_VISIBLE=', '-DZSTD_NO_TRACE'],
      `-I${zstd}`,
    ],
    cxxFlags: [
      ...['-std=c++17', '-DNODE_ADDON_API_DISABLE_DEPRECATED', '-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
      ...['-DNODE_API_NO_EXTERNAL_BUFFERS_ALLOWED', `-I${join(modules, 'node-addon-api')}`],
    ],
  };
}

export function notifyAddon(): Addon {
  return ownAddon('notify');
}

export function datagramAddon(): Addon {
  return ownAddon('datagram');
}

export function bytesAddon(): Addon {
  return ownAddon('bytes');
}

function ownAddon(name: string): Addon {
  return { name, from: join(root, 'build/native'), sources: [`${name}.c`], flags: ['-Wall'], cxxFlags: [] };
}

/**
 * Puts the compiled addon at `into`. One that was made before from the same sources by the same compiler is taken again, unless
 * `fresh`. Throws where there is no compiler or package.
 */
export async function compileAddon(addon: Addon, target: Target, into: string, fresh: boolean): Promise<void> {
  const kept = join(cacheFolder(), `${addon.name}-${target.name}-${keyOf(addon, `${target.toolPrefix}g++`)}.node`);
  if (!fresh && fs.existsSync(kept)) return fs.copyFileSync(kept, into);
  const work = fs.mkdtempSync(`${into}.`);
  try {
    const objects = await compileAll(addon, target, work);
    const linker = `${target.toolPrefix}${addon.cxxFlags.length > 0 ? 'g++' : 'gcc'}`;
    run(linker, [...linkFlags, '-o', into, ...objects], { cwd: work });
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  if (fresh) return;
  // Another build may take it at any moment: it has to appear whole.
  const arriving = `${kept}.${process.pid}`;
  fs.copyFileSync(into, arriving);
  fs.renameSync(arriving, kept);
}

async function compileAll(addon: Addon, { toolPrefix }: Target, work: string): Promise<string[]> {
  const waiting = [...addon.sources].sort();
  const objects = waiting.map((source) => `${basename(source)}.o`);
  const next = async (): Promise<void> => {
    for (let source = waiting.shift(); source !== undefined; source = waiting.shift()) {
      const language = source.endsWith('.cc') ? addon.cxxFlags : [];
      const compiler = `${toolPrefix}${source.endsWith('.cc') ? 'g++' : 'gcc'}`;
      const object = join(work, `${basename(source)}.o`);
      // Sources are named relative to their folder, and where that lies is told to nobody.
      const places = [`-ffile-prefix-map=${root}=.`, `-ffile-prefix-map=${fs.realpathSync(modules)}=node_modules`];
      const args = [...common, ...addon.flags, ...language, ...places, '-c', source, '-o', object];
      await runBeside(compiler, args, { cwd: addon.from });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, next));
  return objects;
}

function keyOf(addon: Addon, compiler: string): string {
  const hash = createHash('sha256').update(run(compiler, ['--version']));
  hash.update(JSON.stringify([common.slice(0, -1), linkFlags, addon.sources]));
  for (const source of addon.sources) hash.update(fs.readFileSync(join(addon.from, source)));
  hash.update(fs.readFileSync(join(include, 'node_api.h')));
  // What the sources include, and our own flags and order.
  hash.update(fs.readFileSync(new URL(import.meta.url)));
  return hash.digest('hex').slice(0, 16);
}

function sourcesIn(from: string, folder: string): string[] {
  const named = fs.readdirSync(join(from, folder)).filter((name) => /\.(c|cc|S)$/.test(name));
  return named.map((name) => `${folder}/${name}`);
}
