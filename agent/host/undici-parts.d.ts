/**
 * The parts of undici that are used, by their own files: its index loads fetch, WebSocket, caches and mocks too, which costs
 * 10 MiB of resident memory. The version is pinned; test/agent/host/transport.test.ts notices when a part moves.
 */
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';
  export default Pool;
}

declare module 'undici/lib/core/connect.js' {
  import { buildConnector } from 'undici';
  export default buildConnector;
}

declare module 'undici/lib/api/api-request.js' {
  import type { Dispatcher } from 'undici';
  export default function request(
    this: Dispatcher,
    options: Dispatcher.RequestOptions,
  ): Promise<Dispatcher.ResponseData>;
}
