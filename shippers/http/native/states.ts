/** The shipper's states and events, as a table that does not compile until every cell is filled. */
import type { ShipperStatus } from '../../ports.ts';

export const states = ['asking', 'reading', 'waiting', 'sending', 'pausing', 'holding', 'stopped'] as const;
/**
 * - asking: a GET is on its way: what does the receiver hold?
 * - reading: the next batch is being put together.
 * - waiting: everything durable is delivered. Now and then the receiver is asked whether it still holds it.
 * - sending: a POST is on its way.
 * - pausing: something failed that passes by itself; a short time-out runs.
 * - holding: something failed that somebody has to mend; a long time-out runs. Health is red.
 */
export type State = (typeof states)[number];

export const events = [
  'located',
  'batch',
  'nothing',
  'readable',
  'advanced',
  'doubt',
  'later',
  'trouble',
  'due',
  'surprise',
  'stop',
] as const;
/**
 * - located: it is known from where to send.
 * - batch, nothing: there is something to send, or not; readable: there is again.
 * - advanced: the receiver proved that it holds more of ours.
 * - doubt: it has to be asked.
 * - later, trouble: the attempt failed; due: it is time for the next one.
 * - surprise: something threw that should not.
 */
export type Event = (typeof events)[number];

const no = undefined;
const table: Readonly<Record<State, Readonly<Record<Event, State | undefined>>>> = {
  asking: {
    located: 'reading',
    batch: no,
    nothing: no,
    readable: no,
    advanced: no,
    doubt: no,
    later: 'pausing',
    trouble: 'holding',
    due: no,
    surprise: 'holding',
    stop: 'stopped',
  },
  reading: {
    located: no,
    batch: 'sending',
    nothing: 'waiting',
    readable: no,
    advanced: no,
    doubt: no,
    later: no,
    trouble: no,
    due: no,
    surprise: 'holding',
    stop: 'stopped',
  },
  waiting: {
    located: no,
    batch: no,
    nothing: no,
    readable: 'reading',
    advanced: no,
    doubt: no,
    later: no,
    trouble: no,
    due: 'asking',
    surprise: 'holding',
    stop: 'stopped',
  },
  sending: {
    located: 'reading',
    batch: no,
    nothing: no,
    readable: no,
    advanced: 'reading',
    doubt: 'asking',
    later: 'pausing',
    trouble: 'holding',
    due: no,
    surprise: 'holding',
    stop: 'stopped',
  },
  pausing: {
    located: no,
    batch: no,
    nothing: no,
    readable: no,
    advanced: no,
    doubt: no,
    later: no,
    trouble: no,
    due: 'asking',
    surprise: 'holding',
    stop: 'stopped',
  },
  holding: {
    located: no,
    batch: no,
    nothing: no,
    readable: no,
    advanced: no,
    doubt: no,
    later: no,
    trouble: no,
    due: 'asking',
    surprise: 'holding',
    stop: 'stopped',
  },
  stopped: {
    located: no,
    batch: no,
    nothing: no,
    readable: no,
    advanced: no,
    doubt: no,
    later: no,
    trouble: no,
    due: no,
    surprise: no,
    stop: 'stopped',
  },
};

/** undefined: the event cannot happen in this state. */
export function next(state: State, event: Event): State | undefined {
  return table[state][event];
}

/** A state as everybody is shown it; `trouble` is what there is at that moment. */
export function showState(
  state: State,
  trouble: 'none' | 'passing' | 'lasting',
): { readonly shown: ShipperStatus['state']; readonly circuit: NonNullable<ShipperStatus['circuit']> } {
  switch (state) {
    case 'asking':
      if (trouble === 'none') return { shown: 'starting', circuit: 'closed' };
      return { shown: trouble === 'lasting' ? 'holding' : 'retrying', circuit: 'half_open' };
    case 'waiting':
      return { shown: 'idle', circuit: 'closed' };
    case 'reading':
    case 'sending':
      return { shown: 'sending', circuit: 'closed' };
    case 'pausing':
      return { shown: 'retrying', circuit: 'open' };
    case 'holding':
      return { shown: 'holding', circuit: 'open' };
    case 'stopped':
      return { shown: 'stopped', circuit: 'closed' };
    default:
      return state satisfies never;
  }
}
