/**
 * Bundles the program for the executable, in two parts: `main.cjs`, which Node runs, and the application as an asset that
 * `main.cjs` loads when a command needs it. So `version` does not have a megabyte of code read in for it.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { root, run } from './run.ts';

/**
 * The parts that are assets, each with a code cache of its own (`<name>.cache`): the application, which `main.cjs` loads when a
 * command needs it, and in it the code that reads configurations, which goes when it was used.
 */
const parts = [
  { name: 'application.cjs', entry: 'agent/application.ts', stands: /\/agent\/application\.ts$/ },
  { name: 'configuration.cjs', entry: 'agent/config/reading.ts', stands: /\/agent\/config\/code\.ts$/ },
] as const;

/** All assets that `bundle` and `cacheParts` make, by name. */
export function partAssets(cached: boolean): string[] {
  return parts.flatMap(({ name }) => (cached ? [name, cacheOf(name)] : [name]));
}

function cacheOf(name: string): string {
  return `${name.replace(/\.cjs$/, '')}.cache`;
}

const parameters = "['exports', 'require', 'module']";

/** So that V8's code cache is the same every time. */
export const reproducibleCache = '--random-seed=42';

/** CommonJS, which starts faster than a module does; `import()` inside it stays lazy. */
export async function bundle(work: string): Promise<void> {
  const shared = { ...(await options()), plugins: [assetsInstead] };
  for (const { name, entry } of parts) await build({ ...shared, entryPoints: [entry], outfile: join(work, name) });
  // V8 then compiles all its functions when the cache is made, and none at the start.
  const banner = { js: '//# allFunctionsCalledOnLoad' };
  await build({ ...shared, banner, entryPoints: ['agent/main.ts'], outfile: join(work, 'main.cjs') });
}

/** Writes V8's code caches of the parts. V8 takes them only on the kind of machine, and with the options, that made them. */
export function cacheParts(work: string, execArgv: readonly string[]): void {
  for (const { name } of parts) {
    const program = `
      const { readFileSync, writeFileSync } = require('node:fs');
      const { compileFunction } = require('node:vm');
      const source = readFileSync('${name}', 'latin1');
      const { cachedData } = compileFunction(source, ${parameters}, { filename: '${name}', produceCachedData: true });
      writeFileSync('${cacheOf(name)}', cachedData);`;
    run(process.execPath, [reproducibleCache, ...execArgv, '--eval', program], { cwd: work });
  }
}

async function options(): Promise<BuildOptions> {
  const { version } = JSON.parse(fs.readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return {
    // Names of modules stay in the bundle: relative to the checkout, also where node_modules is a link to somewhere else.
    absWorkingDir: root,
    preserveSymlinks: true,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    charset: 'ascii',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    define: {
      TAILSPOOL_BUILD: JSON.stringify({ version, commit: commit() }),
      'import.meta.url': '"file:///tailspool"',
    },
    logLevel: 'warning',
  };
}

/** In place of a part's module its asset is loaded. A cache that V8 does not take costs time and nothing else. */
const assetsInstead: Plugin = {
  name: 'assets-instead',
  setup({ initialOptions, onLoad }) {
    const [application, configuration] = parts;
    // Once: its modules have state. Not where it is itself what is bundled.
    if (initialOptions.entryPoints?.toString() !== application.entry)
      onLoad({ filter: application.stands }, () => ({
        loader: 'js',
        contents: `${loader(application.name)}\nexport const { runProgram, openHost } = load();`,
      }));
    onLoad({ filter: configuration.stands }, () => ({
      loader: 'js',
      contents: `${loader(configuration.name)}
        export async function configurationCode() {
          const code = load();
          // What zod leaves behind for other copies of itself would keep all of the script.
          for (const name of ['__zod_globalConfig', '__zod_globalRegistry']) delete globalThis[name];
          return code;
        }`,
    }));
  },
};

function loader(name: string): string {
  return `
    import { getRawAsset } from 'node:sea';
    import { compileFunction } from 'node:vm';
    function load() {
      const source = Buffer.from(getRawAsset('${name}')).latin1Slice();
      const part = { exports: {} };
      compileFunction(source, ${parameters}, { filename: '${name}', cachedData: cache() })(part.exports, require, part);
      return part.exports;
    }
    function cache() {
      try {
        return Buffer.from(getRawAsset('${cacheOf(name)}'));
      } catch {
        return undefined; // left out for another kind of machine
      }
    }`;
}

/** Twelve digits; with a plus where the working tree differs. `unknown` outside a git repository. */
function commit(): string {
  try {
    const changed = run('git', ['status', '--porcelain'], { cwd: root }).trim() !== '';
    return run('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: root }).trim() + (changed ? '+' : '');
  } catch {
    return 'unknown';
  }
}
