/**
 * Which block's piece goes out next. Oldest first, and as many blocks at once as the endpoint may have that the durable cursor has
 * not passed. A suspect is tried again only when nothing else is there to go or on its way, and then alone: whatever is accepted has to find
 * every other suspect waiting for that proof, else one of them might wait for ever.
 */
import type { MonotonicMs } from '../../../spool/ports.ts';
import { again, type Parcel } from './window.ts';

/** Undefined: nothing may go now. A suspect that is chosen is begun anew. */
export function chooseParcel(
  parcels: readonly Parcel[],
  now: MonotonicMs,
  room: boolean,
  sending: number,
): Parcel | undefined {
  // One that was a suspect: on its second try, or told to be to blame before all of it was looked at. It goes without room, since
  // those behind it cannot be passed before it; that is when a crash may repeat one block more.
  const resumed = parcels.find(({ state, suspicions }) => suspicions > 0 && (state === 'ready' || state === 'sending'));
  if (resumed) return resumed.state === 'ready' ? resumed : undefined;
  const ready = parcels.find(({ state, plan }) => state === 'ready' && (plan.begun || room));
  if (ready || sending > 0) return ready;
  const suspect = parcels.find(({ state, retryAt }) => state === 'suspect' && retryAt <= now);
  if (suspect) again(suspect);
  return suspect;
}
