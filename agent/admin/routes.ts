/**
 * What the admin endpoint answers. The whole table: `/metrics`, `/metrics?per=source`, `/livez`, `/healthz`, `/status.json`;
 * anything else is 404, anything but GET and HEAD 405. Bodies of requests are never read.
 */
import type { WireHandler, WireRequest, WireResponse } from '../../collectors/ports.ts';
import type { AgentStatus } from '../status/status.ts';
import { healthText } from '../status/text.ts';

const targetBytesMax = 256;

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
      return json(status());
    case '/metrics':
      return metrics(status(), false);
    case '/metrics?per=source':
      return metrics(status(), true);
    default:
      return plain(404, 'there are /metrics, /metrics?per=source, /livez, /healthz and /status.json');
  }
}

function health(status: AgentStatus): WireResponse {
  return plain(status.red ? 503 : 200, healthText(status));
}

function json(status: AgentStatus): WireResponse {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(status)}\n` };
}

/** Loaded with the first scrape: an agent that nobody scrapes does not pay for it. */
async function metrics(status: AgentStatus, perSource: boolean): Promise<WireResponse> {
  const { metricsContentType, metricsText } = await import('./metrics.ts');
  return { status: 200, headers: { 'content-type': metricsContentType }, body: await metricsText(status, perSource) };
}

function plain(status: number, text: string): WireResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `${text}\n` };
}
