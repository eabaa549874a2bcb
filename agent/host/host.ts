/** The real host: every port of the agent in one bundle. */
import type { ByteWork, Log } from '../../spool/ports.ts';
import type { Host } from '../ports.ts';
import { loadByteWork, loadZstdBinding } from './addon.ts';
import { hostChildren } from './child.ts';
import { hostClock } from './clock.ts';
import { chooseCodec } from './codec.ts';
import { hostDatagramListener } from './datagram-listener.ts';
import { hostFiles } from './files.ts';
import { hostInflater } from './inflater.ts';
import { hostListener } from './listener.ts';
import { hostLocks } from './lock.ts';
import { hostMounts } from './mounts.ts';
import { hostProcess } from './process.ts';
import { hostRandom } from './random.ts';
import { hostStandardInput } from './standard-input.ts';
import { hostStreamListener } from './stream-listener.ts';
import { hostTransports } from './transport.ts';
import { hostWatcher } from './watcher.ts';

/** `dataDir`: one more place to load the fast codec through. A codec that is not the fast one is said in the log. */
export function openHost(log: Log, dataDir?: string): Host {
  const chosen = chooseCodec(() => loadZstdBinding(dataDir === undefined ? [] : [dataDir]));
  if (chosen.fallbackReason !== undefined) {
    const message = `blocks are compressed with ${chosen.codec.name}, which takes more CPU: ${chosen.fallbackReason}`;
    log.write({ severity: 'warn', event: 'codec.fallback', message });
  }
  return {
    files: hostFiles,
    clock: hostClock,
    random: hostRandom,
    codec: chosen.codec,
    byteWork: byteWork(dataDir),
    log,
    watcher: hostWatcher,
    mounts: hostMounts(),
    inflater: hostInflater,
    listener: hostListener(log),
    children: hostChildren,
    standardInput: hostStandardInput(),
    streams: hostStreamListener(log),
    datagrams: hostDatagramListener(dataDir),
    transports: hostTransports,
    locks: hostLocks(),
    process: hostProcess(),
  };
}

/** Without it everything works, and costs a little more: nothing is said of it, the fast codec's absence says enough. */
function byteWork(dataDir: string | undefined): ByteWork | undefined {
  try {
    return loadByteWork(dataDir === undefined ? [] : [dataDir]);
  } catch {
    return undefined;
  }
}
