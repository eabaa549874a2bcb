/** The real host: every port of the agent in one bundle. */
import type { Log } from '../../spool/ports.ts';
import type { Host } from '../ports.ts';
import { hostClock } from './clock.ts';
import { type ChosenCodec, chooseCodec } from './codec.ts';
import { hostFiles } from './files.ts';
import { hostInflater } from './inflater.ts';
import { hostListener } from './listener.ts';
import { hostLocks } from './lock.ts';
import { hostMounts } from './mounts.ts';
import { hostProcess } from './process.ts';
import { hostRandom } from './random.ts';
import { hostTransports } from './transport.ts';
import { hostWatcher } from './watcher.ts';

/** `chosen`: the codec where the caller has picked one already. */
export function openHost(log: Log, chosen: ChosenCodec = chooseCodec()): Host {
  return {
    files: hostFiles,
    clock: hostClock,
    random: hostRandom,
    codec: chosen.codec,
    log,
    watcher: hostWatcher,
    mounts: hostMounts(),
    inflater: hostInflater,
    listener: hostListener(log),
    transports: hostTransports,
    locks: hostLocks(),
    process: hostProcess(),
  };
}
