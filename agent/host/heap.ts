/** V8's heap, which can be made as small as it goes. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Heap } from '../ports.ts';

/** What `--expose-gc` gives. */
type Collect = (options: { readonly type: 'minor' | 'major'; readonly flavor?: 'last-resort' }) => void;

let collect: Collect | undefined;

export function hostHeap(): Heap {
  return {
    cpuMs() {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    bytes: () => getHeapStatistics().total_heap_size,
    shrink() {
      collect ??= exposed();
      collect({ type: 'major', flavor: 'last-resort' });
    },
  };
}

/** Lets go of what was made lately and is not needed any more, buffers too; takes a fraction of a millisecond. */
export function collectYoung(): void {
  collect ??= exposed();
  collect({ type: 'minor' });
}

/** Not as a flag of the executable: then V8 would take no code cache that was made without it. */
function exposed(): Collect {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  return gc;
}
