/**
 * `npm run build`: one executable, `dist/tailspool`, with Node, the program and the zstd addon in it (Node's single executable
 * application). The same sources and packages give the same bytes.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { addonAsset, bytesAsset, datagramAsset, notifyAsset } from '../agent/host/addon.ts';
import { bytesAddon, compileAddon, datagramAddon, notifyAddon, zstdAddon } from './executable/addons.ts';
import { bundle, cacheParts, partAssets, reproducibleCache } from './executable/bundle.ts';
import { isNewer, type Needs, needsOf, sayNeeds } from './executable/needs.ts';
import { nodeFor } from './executable/node-base.ts';
import { root, run } from './executable/run.ts';
import { type Target, targetNamed } from './executable/target.ts';

const usage = `npm run build [-- --target linux-arm64] [-- --codec=zlib] [-- --fresh]
  --target NAME   what it is to run on: linux-x64 or linux-arm64; this machine where it is not given
  --codec zlib    without the fast codec: slower, and needs no compiler
  --fresh         compile the native parts again, though they are known
`;

const dist = join(root, 'dist');
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

interface Order {
  readonly target: Target;
  readonly codec: 'zstd-napi' | 'zlib';
  readonly fresh: boolean;
  /** Everything is made here, with relative names. */
  readonly work: string;
}

/** The oldest C library that the hosts in docs/install.md have. */
const glibcMax = '2.28';
/** See docs/footprint.md. */
const executableBytesMax = 115e6;

const order = readOrder();
try {
  await make(order);
} finally {
  fs.rmSync(order.work, { recursive: true, force: true });
}

function readOrder(): Order {
  const { values } = parseArgs({
    options: {
      target: { type: 'string' },
      codec: { type: 'string', default: 'zstd-napi' },
      fresh: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const { codec, fresh } = values;
  if (codec !== 'zstd-napi' && codec !== 'zlib') throw new Error(`there is no codec ${codec}: zstd-napi or zlib`);
  const target = targetNamed(values.target);
  fs.mkdirSync(dist, { recursive: true });
  return { target, codec, fresh, work: fs.mkdtempSync(join(dist, 'work-')) };
}

async function make(order: Order): Promise<void> {
  const assets = await prepareAddons(order);
  const base = prepareBase(order);
  await bundle(order.work);
  if (order.target.native) cacheParts(order.work, execArgv);
  makeBlob(order, assets);
  const postject = join(root, 'node_modules/postject/dist/cli.js');
  run(process.execPath, [postject, 'node', 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse], { cwd: order.work });
  const needs = tellNeeds(order, [base, ...Object.values(assets).map((name) => join(order.work, name))]);
  const made = join(dist, order.target.fileName);
  fs.renameSync(base, made);
  const { size } = fs.statSync(made);
  if (size > executableBytesMax && order.codec !== 'zlib')
    throw new Error(`${made} has ${size} bytes; at most ${executableBytesMax}`);
  const megabytes = (size / 1e6).toFixed(0);
  console.log(`dist/${order.target.fileName} (${megabytes} MB): ${said(made, order)}; ${needs}`);
}

function tellNeeds({ codec }: Order, files: readonly string[]): string {
  let needs: Needs;
  try {
    needs = needsOf(files);
  } catch (error) {
    // No binutils: see prepareBase.
    if (codec !== 'zlib') throw error;
    return 'what it needs is not known';
  }
  if (isNewer(needs.versions.get('GLIBC') ?? '0', glibcMax))
    throw new Error(`hosts that it is made for have glibc ${glibcMax}; ${sayNeeds(needs)}`);
  return sayNeeds(needs);
}

/** What it says of itself; it has to have the codec that was asked for. */
function said(made: string, { target, codec }: Order): string {
  if (!target.native) return `for ${target.name}, codec ${codec}, not run here`;
  const version = run(made, ['version']).trim();
  const expected = codec === 'zlib' ? 'codec node:zlib' : 'codec zstd-napi';
  if (!version.split('\n').some((line) => line.startsWith(expected)))
    throw new Error(`${made} does not use the codec that was built in:\n${version}`);
  return version.replaceAll('\n', ', ');
}

/** A copy of Node without symbols. It has to be stripped before the injection: afterwards it would not start. */
function prepareBase({ target, codec, work }: Order): string {
  const base = join(work, 'node');
  fs.copyFileSync(nodeFor(target), base);
  fs.chmodSync(base, 0o755);
  try {
    run(`${target.toolPrefix}strip`, [base]);
  } catch (error) {
    // Without a compiler there may be no binutils either: then it is only larger.
    if (codec !== 'zlib') throw error;
    console.error(`${(error as Error).message}\n${target.fileName} keeps its symbols and is larger`);
  }
  return base;
}

/** The native parts, by the name of their asset. */
async function prepareAddons({ target, codec, fresh, work }: Order): Promise<Record<string, string>> {
  if (codec === 'zlib') return {};
  try {
    await compileAddon(zstdAddon(), target, join(work, addonAsset), fresh);
    await compileAddon(notifyAddon(), target, join(work, notifyAsset), fresh);
    await compileAddon(datagramAddon(), target, join(work, datagramAsset), fresh);
    await compileAddon(bytesAddon(), target, join(work, bytesAsset), fresh);
  } catch (error) {
    const tools = `${target.toolPrefix}g++`;
    const advice = `Install ${tools}, or build with --codec=zlib: the executable then compresses with Node's own zstd, slower.`;
    throw new Error(`the fast codec could not be built for ${target.name}. ${advice}\n${(error as Error).message}`);
  }
  return {
    [addonAsset]: addonAsset,
    [notifyAsset]: notifyAsset,
    [datagramAsset]: datagramAsset,
    [bytesAsset]: bytesAsset,
  };
}

/** Paths relative to the work folder and a fixed seed, so that the code cache is the same every time. */
function makeBlob({ target, work }: Order, assets: Record<string, string>): void {
  const config = {
    main: 'main.cjs',
    output: blob,
    disableExperimentalSEAWarning: true,
    // V8 takes a cache only on the kind of machine that made it.
    useCodeCache: target.native,
    useSnapshot: false,
    execArgvExtension: 'none',
    execArgv,
    assets: {
      ...assets,
      ...Object.fromEntries(partAssets(target.native).map((name) => [name, name])),
    },
  };
  fs.writeFileSync(join(work, 'sea.json'), JSON.stringify(config));
  run(process.execPath, [reproducibleCache, '--experimental-sea-config', 'sea.json'], { cwd: work });
}
