/**
 * `npm run build`: one executable, `dist/tailspool`, with Node, the program and the zstd addon in it (Node's single executable
 * application). The same sources and packages give the same bytes.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { addonAsset } from '../agent/host/addon.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const work = join(dist, 'work');
const target = join(dist, 'tailspool');
const blob = 'sea.blob';

/** Node looks for this mark to know that something was injected. */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/**
 * What the agent runs with: a small heap, one helper thread (for the garbage collector), and no way in through SIGUSR1 or
 * NODE_OPTIONS. Hot functions are compiled where they run: on the helper thread up to eighty jobs waited for a core at once,
 * each with its memory, and the allocator keeps what they had (docs/performance.md).
 */
const execArgv = [
  '--max-semi-space-size=1',
  '--max-old-space-size=128',
  '--v8-pool-size=1',
  '--no-concurrent-recompilation',
  '--disable-sigusr1',
  '--no-warnings',
];

/** undici goes without HTTP/2 where Node was built without it; we never speak it, and it takes 7 MiB of resident memory. */
const withoutHttp2: Plugin = {
  name: 'without-http2',
  setup(builder) {
    builder.onResolve({ filter: /^node:http2$/ }, () => ({ path: 'node:http2', namespace: 'absent' }));
    builder.onLoad({ filter: /.*/, namespace: 'absent' }, () => ({
      contents: 'throw new Error("HTTP/2 is not built in")',
    }));
  },
};

await main();

async function main(): Promise<void> {
  fs.rmSync(work, { recursive: true, force: true });
  fs.mkdirSync(work, { recursive: true });
  const base = prepareBase();
  await bundle();
  const assets = prepareAddon();
  makeBlob(assets);
  inject(base);
  fs.renameSync(base, target);
  fs.rmSync(work, { recursive: true });
  const megabytes = (fs.statSync(target).size / 1e6).toFixed(0);
  const said = execFileSync(target, ['version'], { encoding: 'utf8' }).trim();
  console.log(`dist/tailspool (${megabytes} MB): ${said.replace('\n', ', ')}`);
}

/** A copy of Node without symbols. It has to be stripped before the injection: afterwards it would not start. */
function prepareBase(): string {
  const base = join(work, 'node');
  fs.copyFileSync(process.execPath, base);
  fs.chmodSync(base, 0o755);
  strip(base);
  return base;
}

function strip(file: string): void {
  const { error, status } = spawnSync('strip', [file], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (error !== undefined) console.error(`binutils are not installed: ${file} keeps its symbols and is larger`);
  else if (status !== 0) throw new Error(`strip ${file} failed (exit ${status})`);
}

/** CommonJS, which starts faster than a module does; `import()` inside it stays lazy. */
async function bundle(): Promise<void> {
  const { version } = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  await build({
    entryPoints: [join(root, 'agent/main.ts')],
    outfile: join(work, 'main.cjs'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    define: {
      TAILSPOOL_BUILD: JSON.stringify({ version, commit: commit() }),
      'import.meta.url': 'TAILSPOOL_URL',
      // undici leaves out its experimental parser where this is defined.
      esbuildDetection: 'true',
    },
    plugins: [withoutHttp2],
    banner: { js: "const TAILSPOOL_URL=require('node:url').pathToFileURL(process.execPath).href;" },
    logLevel: 'warning',
  });
}

/** Twelve digits; with a plus where the working tree differs. `unknown` outside a git repository. */
function commit(): string {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  const found = git('rev-parse', '--short=12', 'HEAD');
  if (found.status !== 0) return 'unknown';
  return found.stdout.trim() + (git('status', '--porcelain').stdout.trim() === '' ? '' : '+');
}

/** The addon as an asset, where it could be built; without it the executable uses Node's own zstd. */
function prepareAddon(): Record<string, string> {
  const built = join(root, 'node_modules/zstd-napi/build/Release/binding.node');
  if (!fs.existsSync(built)) {
    console.error('zstd-napi is not installed: the executable uses Node’s own zstd');
    return {};
  }
  fs.copyFileSync(built, join(work, addonAsset));
  strip(join(work, addonAsset));
  return { [addonAsset]: addonAsset };
}

/** Paths relative to the work folder and a fixed seed, so that the code cache is the same every time. */
function makeBlob(assets: Record<string, string>): void {
  const config = {
    main: 'main.cjs',
    output: blob,
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    useSnapshot: false,
    execArgvExtension: 'none',
    execArgv,
    assets,
  };
  fs.writeFileSync(join(work, 'sea.json'), JSON.stringify(config));
  quietly(['--random-seed=42', '--experimental-sea-config', 'sea.json']);
}

function inject(base: string): void {
  const postject = join(root, 'node_modules/postject/dist/cli.js');
  quietly([postject, base, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse]);
}

/** Both tools print warnings that mean nothing; what they print is shown when they fail. */
function quietly(args: string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: work, encoding: 'utf8' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} failed (exit ${status}):\n${stdout}${stderr}`);
}
