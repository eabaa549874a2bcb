/**
 * Compiles the native part that receives datagrams, for running from the sources: `node build/native.ts`. The executable
 * brings its own. Ends with 1 and the reason where there is no compiler.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compiledFolder, datagramAsset } from '../agent/host/addon.ts';
import { compileAddon, datagramAddon } from './executable/addons.ts';
import { root } from './executable/run.ts';
import { targetNamed } from './executable/target.ts';

/** Quick when it was compiled before. Throws where it cannot be. */
export async function compileNative(): Promise<void> {
  const folder = join(root, compiledFolder);
  fs.mkdirSync(folder, { recursive: true });
  // Somebody may have the one that stands there loaded: it is replaced, never written to.
  const arriving = join(folder, `${datagramAsset}.${process.pid}`);
  await compileAddon(datagramAddon(), targetNamed(), arriving, false);
  fs.renameSync(arriving, join(folder, datagramAsset));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await compileNative();
  } catch (error) {
    console.error(`tailspool: unix datagram sockets need a C compiler: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
