/** V8's heap, which can be made as small as it goes. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Heap } from '../ports.ts';

/** What `--expose-gc` gives. */
type Collect = (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;

export function hostHeap(): Heap {
  let collect: Collect | undefined;
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

/** Not as a flag of the executable: then V8 would take no code cache that was made without it. */
function exposed(): Collect {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
