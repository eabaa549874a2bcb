/**
 * Loaded before everything else in a process that is to have a planted bug (`--import`): the canary that `CANARY` names is put
 * into the source of the file it is for, as that is loaded. Fails loudly where the source is not what the canary expects, and where
 * the process is asked for work without having loaded the file: a canary that changes nothing proves nothing.
 */
import { registerHooks } from 'node:module';
import { canaryNamed } from './canaries.ts';

const canary = canaryNamed(process.env.CANARY ?? '');
const target = new URL(`../../${canary.file}`, import.meta.url).href;
let planted = false;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    const source = String(loaded.source);
    const parts = source.split(canary.from);
    if (parts.length !== 2) throw new Error(`canary ${canary.name}: ${canary.file} holds "${canary.from}" not once`);
    planted = true;
    return { ...loaded, source: parts.join(canary.to) };
  },
});

process.once('message', () => {
  if (planted) return;
  console.error(`canary ${canary.name}: ${canary.file} was never loaded`);
  process.exit(1);
});
