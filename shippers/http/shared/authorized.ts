/** Requests that say who they come from. */
import type { Authorization, Transport, TransportAnswer, TransportRequest } from '../../ports.ts';

/** A 401 is tried once more where something else can be shown. */
export async function sendAuthorized(
  transport: Transport,
  request: TransportRequest,
  authorization: Authorization | undefined,
): Promise<TransportAnswer> {
  if (authorization === undefined) return transport.send(request);
  const send = async () =>
    transport.send({
      ...request,
      headers: { ...request.headers, authorization: await authorization.header(request.signal) },
    });
  const got = await send();
  return got.status === 401 && authorization.refused() ? send() : got;
}
