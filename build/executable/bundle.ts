/**
 * Bundles the program for the executable, in two parts: `main.cjs`, which Node runs, and the application as an asset that
 * `main.cjs` loads when a command needs it. So `version` does not have a megabyte of code read in for it.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { root, run } from './run.ts';

/** The assets' names in the executable. */
export const applicationAsset = 'application.cjs';
export const applicationCacheAsset = 'application.cache';

const parameters = "['exports', 'require', 'module']";

/** So that V8's code cache is the same every time. */
export const reproducibleCache = '--random-seed=42';

/** CommonJS, which starts faster than a module does; `import()` inside it stays lazy. */
export async function bundle(work: string): Promise<void> {
  const shared = await options();
  await build({ ...shared, entryPoints: ['agent/application.ts'], outfile: join(work, applicationAsset) });
  const banner = { js: '//# allFunctionsCalledOnLoad' };
  await build({ ...shared, banner, entryPoints: ['agent/main.ts'], outfile: join(work, 'main.cjs'), plugins: [loadsTheAsset] });
}

/** Writes V8's code cache of the application. V8 takes it only on the kind of machine, and with the options, that made it. */
export function cacheApplication(work: string, execArgv: readonly string[]): void {
  const program = `
    const { readFileSync, writeFileSync } = require('node:fs');
    const { compileFunction } = require('node:vm');
    const source = readFileSync('${applicationAsset}', 'latin1');
    const application = compileFunction(source, ${parameters}, { filename: '${applicationAsset}', produceCachedData: true });
    writeFileSync('${applicationCacheAsset}', application.cachedData);`;
  run(process.execPath, [reproducibleCache, ...execArgv, '--eval', program], { cwd: work });
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

/** In `main.cjs` the application is what the asset gives. A cache that V8 does not take costs time and nothing else. */
const loadsTheAsset: Plugin = {
  name: 'loads-the-asset',
  setup({ onLoad }) {
    onLoad({ filter: /\/agent\/application\.ts$/ }, () => ({
      loader: 'js',
      contents: `
        import { getRawAsset } from 'node:sea';
        import { compileFunction } from 'node:vm';
        const application = { exports: {} };
        load()(application.exports, require, application);
        export const { runProgram, openHost } = application.exports;
        function load() {
          const source = Buffer.from(getRawAsset('${applicationAsset}')).latin1Slice();
          return compileFunction(source, ${parameters}, { filename: '${applicationAsset}', cachedData: cache() });
        }
        function cache() {
          try {
            return Buffer.from(getRawAsset('${applicationCacheAsset}'));
          } catch {
            return undefined; // left out for another kind of machine
          }
        }`,
    }));
  },
};

/** Twelve digits; with a plus where the working tree differs. `unknown` outside a git repository. */
function commit(): string {
  try {
    const changed = run('git', ['status', '--porcelain'], { cwd: root }).trim() !== '';
    return run('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: root }).trim() + (changed ? '+' : '');
  } catch {
    return 'unknown';
  }
}
