/**
 * What may be done through the socket in data_dir, and nowhere else: `POST /dead/retry?shipper=NAME[&until=POSITION]` and `POST
 * /dead/drop?shipper=NAME`. Everything else is answered as for everybody.
 */
import type { WireHandler, WireResponse } from '../../collectors/ports.ts';
import type { DeadActions } from '../../shippers/ports.ts';

/** A retry answers after about so long, and is asked to go on. */
const retryMsMax = 5_000;

export interface Acting {
  readonly name: string;
  readonly deadActions?: DeadActions;
}

export function withActions(shippers: readonly Acting[], others: WireHandler): WireHandler {
  return async (request) => {
    const { pathname, searchParams } = new URL(request.target, 'http://admin');
    if (request.method !== 'POST' || !pathname.startsWith('/dead/')) return others(request);
    return act(shippers, pathname, searchParams);
  };
}

async function act(shippers: readonly Acting[], path: string, parameters: URLSearchParams): Promise<WireResponse> {
  const name = parameters.get('shipper') ?? '';
  const actions = shippers.find((shipper) => shipper.name === name)?.deadActions;
  if (!actions) return answer(404, { message: `no shipper with dead letters is named ${name}` });
  try {
    if (path === '/dead/drop') return answer(200, { dropped: await actions.drop() });
    if (path !== '/dead/retry') return answer(404, { message: `there is no ${path}` });
    const until = parameters.get('until');
    return answer(200, await actions.retry(retryMsMax, until === null ? undefined : Number(until)));
  } catch (error) {
    return answer(409, { message: (error as Error).message });
  }
}

function answer(status: number, body: unknown): WireResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(body)}\n` };
}
