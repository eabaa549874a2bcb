/** Which build this is. The executable has it baked in (build/executable.ts); from the sources it is read from package.json. */
import * as fs from 'node:fs';

/** Replaced by the bundler. */
declare const TAILSPOOL_BUILD: { readonly version: string; readonly commit: string } | undefined;

const build = typeof TAILSPOOL_BUILD === 'undefined' ? fromSources() : TAILSPOOL_BUILD;

/** For example `0.1.0 (4f2c1e9, node 24.21.0)`. */
export const versionLine = `${build.version} (${build.commit}, node ${process.versions.node})`;

function fromSources(): { version: string; commit: string } {
  const { version } = JSON.parse(fs.readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return { version, commit: 'from sources' };
}
