/** Requests that say who they come from. */
import type { Authorization, TransportAnswer } from '../../ports.ts';
import type { Route, RouteRequest } from './route.ts';

/** A 401 is tried once more where something else can be shown. */
export async function sendAuthorized(
  route: Route,
  request: RouteRequest,
  authorization: Authorization | undefined,
): Promise<TransportAnswer> {
  if (authorization === undefined) return route.send(request);
  const send = async () =>
    route.send({
      ...request,
      headers: { ...request.headers, authorization: await authorization.header(request.signal) },
    });
  const got = await send();
  if (got.status !== 401 || !authorization.refused()) return got;
  const second = await send();
  if (second.status === 401) authorization.refused();
  return second;
}
