/**
 * Whether requests may go out. After a failure none does for a while (`open`), then one finds out whether it works again
 * (`half_open`). States and events are a table; how long it stays open is `retry.ts`'s.
 */
export const circuitStates = ['closed', 'half_open', 'open'] as const;
export type CircuitState = (typeof circuitStates)[number];

export const circuitEvents = ['worked', 'failed', 'due'] as const;
/** worked, failed: a request that began in this state ended so; due: the pause is over. */
export type CircuitEvent = (typeof circuitEvents)[number];

const table: Readonly<Record<CircuitState, Readonly<Record<CircuitEvent, CircuitState>>>> = {
  closed: { worked: 'closed', failed: 'open', due: 'closed' },
  half_open: { worked: 'closed', failed: 'open', due: 'half_open' },
  // Requests that were on their way when it opened change nothing.
  open: { worked: 'open', failed: 'open', due: 'half_open' },
};

export function nextCircuit(state: CircuitState, event: CircuitEvent): CircuitState {
  return table[state][event];
}
