/** Faults of disks and of the network, as a seed says. */
import type { Fault as NetworkFault } from '../wire/network.ts';
import type { SimulatedDisk } from './disk.ts';
import { type Fault, fails, flaky, lies, losesPages, short, slow } from './faults.ts';
import type { DiskFault } from './plan.ts';
import type { SeededRandom } from './random.ts';

const ours = /^\/data/;

/** Adds the fault to the disk, and says what it is. */
export function drawDiskFault(kind: DiskFault, disk: SimulatedDisk, random: SeededRandom): string {
  if (kind === 'full') {
    disk.capacityBytes = disk.usedBytes + random.below(4096);
    return `full after ${disk.capacityBytes - disk.usedBytes} bytes`;
  }
  const fault = faultOf(kind, random);
  disk.faults.push(fault);
  return fault.name;
}

function faultOf(kind: Exclude<DiskFault, 'full'>, random: SeededRandom): Fault {
  switch (kind) {
    case 'sync_fails':
      return fails('EIO', { kinds: ['datasync'], path: ours, times: 1 + random.below(3) });
    case 'flaky':
      return flaky('EIO', random.uint32(), 0.2, { kinds: ['write', 'datasync', 'syncDirectory'], times: 20 });
    case 'loses_pages':
      return losesPages({ path: ours, from: random.below(10), times: 1 + random.below(2) });
    case 'no_space':
      return fails('ENOSPC', { kinds: ['write', 'create'], times: 1 + random.below(5) });
    case 'short':
      return short(random.uint32(), 0.3);
    case 'slow':
      return slow(1 + random.below(random.chance(0.2) ? 3000 : 60), {
        kinds: random.pick([['datasync', 'syncDirectory'], ['read', 'write', 'stat'], ['datasync']] as const),
        times: 1 + random.below(20),
      });
    case 'lies':
      return lies({ path: /^\/data\/(spool|cursors)/, times: 1 + random.below(20) });
    default:
      throw new Error(`no such fault: ${kind satisfies never}`);
  }
}

export function drawNetworkFault(random: SeededRandom): NetworkFault {
  const fraction = random.fraction();
  const all: NetworkFault[] = [
    { kind: 'refused' },
    { kind: 'lost_request' },
    { kind: 'lost_answer' },
    { kind: 'lost_answer' },
    { kind: 'cut_body', fraction },
    { kind: 'cut_answer', fraction },
    { kind: 'flip', fraction },
    { kind: 'twice' },
    { kind: 'late_copy', delayMs: random.below(random.chance(0.3) ? 60_000 : 5000) },
    { kind: 'none', delayMs: random.below(random.chance(0.2) ? 25_000 : 1000) },
    {
      kind: 'instead',
      answer: { status: random.pick([200, 401, 404, 413, 429, 500, 503]), headers: {}, body: Buffer.from('<html>') },
    },
  ];
  const fault = random.pick(all);
  // Without a draw of its own: what the seeds mean does not change.
  return fault.kind === 'instead' && fraction < 0.5 ? { kind: 'forged' } : fault;
}
