/**
 * What the admin endpoint answers. The whole table: `/metrics`, `/metrics?per=source`, `/livez`, `/healthz`, `/status.json`,
 * `/status.txt`; anything else is 404, anything but GET and HEAD 405. Bodies of requests are never read. What changes something is
 * in `actions.ts`, and is there on the socket only.
 */
import type { WireHandler, WireRequest, WireResponse } from '../../collectors/ports.ts';
import type { AgentStatus } from '../status/status.ts';
import { healthText, statusText } from '../status/text.ts';

const targetBytesMax = 256;

/** `yes` or `no`, beside a status: so that whoever passes it on need not understand it. */
export const redHeader = 'tailspool-red';

/** `agent` is asked once for each answer that needs it. */
export function adminRoutes(agent: { status(): AgentStatus }): WireHandler {
  const status = () => agent.status();
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return { ...plain(405, 'only GET and HEAD'), headers: { allow: 'GET, HEAD' }, close: true };
    }
    const answer = await route(request, status);
    const whole = { ...answer, headers: { 'cache-control': 'no-store', ...answer.headers } };
    return request.method === 'HEAD' ? { ...whole, body: '' } : whole;
  };
}

async function route({ target }: WireRequest, status: () => AgentStatus): Promise<WireResponse> {
  if (target.length > targetBytesMax) return { ...plain(414, 'too long'), close: true };
  switch (target) {
    case '/livez':
      return plain(200, 'alive');
    case '/healthz':
      return health(status());
    case '/status.json':
      return withRed(status(), 'application/json', JSON.stringify);
    case '/status.txt':
      return withRed(status(), 'text/plain; charset=utf-8', statusText);
    case '/metrics':
      return metrics(status(), false);
    case '/metrics?per=source':
      return metrics(status(), true);
    default:
      return plain(404, 'there are /metrics, /metrics?per=source, /livez, /healthz, /status.json and /status.txt');
  }
}

function health(status: AgentStatus): WireResponse {
  return plain(status.red ? 503 : 200, healthText(status));
}

function withRed(status: AgentStatus, type: string, print: (status: AgentStatus) => string): WireResponse {
  const headers = { 'content-type': type, [redHeader]: status.red ? 'yes' : 'no' };
  return { status: 200, headers, body: `${print(status).toWellFormed()}\n` };
}

/** Loaded with the first scrape: an agent that nobody scrapes does not pay for it. */
async function metrics(status: AgentStatus, perSource: boolean): Promise<WireResponse> {
  const { metricsContentType, metricsText } = await import('./metrics.ts');
  return { status: 200, headers: { 'content-type': metricsContentType }, body: await metricsText(status, perSource) };
}

function plain(status: number, text: string): WireResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `${text}\n` };
}
