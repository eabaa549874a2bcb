/** Faults for one life of a spool, any mixture of them, as the seed says. */
import type { Fault } from '../simulation/faults.ts';
import { fails, losesPages, short } from '../simulation/faults.ts';
import type { SeededRandom } from '../simulation/random.ts';

const spoolOnly = /^\/data\/spool\//;

export function drawFaults(random: SeededRandom): Fault[] {
  const where = { from: random.below(30), times: 1 };
  const all: Fault[] = [
    fails('EIO', { kinds: ['datasync'], path: spoolOnly, ...where }),
    losesPages({ path: spoolOnly, ...where }),
    fails('ENOSPC', { kinds: ['write', 'create'], ...where }),
    fails('EIO', { kinds: ['truncate', 'unlink', 'rename'], ...where }),
    fails('EIO', { kinds: ['syncDirectory'], ...where }),
    fails('EIO', { kinds: ['datasync', 'write'], path: /cursors/, ...where }),
    short(random.uint32(), 0.2, { kinds: ['write'], ...where }),
  ];
  return all.filter(() => random.chance(0.3));
}
