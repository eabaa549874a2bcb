/**
 * The parts of undici that the transport uses, loaded with the first request. Its index also loads fetch, WebSocket, caches and
 * test doubles, which costs 10 MiB. The version is pinned; test/agent/host/wire.test.ts notices when a part moves.
 */
import { setFlagsFromString } from 'node:v8';
import apiRequest from 'undici/lib/api/api-request.js';
import buildConnector from 'undici/lib/core/connect.js';
import Pool from 'undici/lib/dispatcher/pool.js';

// undici reads answers with a parser in WebAssembly, of one huge function. To optimise it takes V8 0.25 CPU-s and 23 MiB, half of
// which the allocator keeps; for the few hundred bytes of an answer the first, simple compilation is as good. The budget is
// that of modules made from now on: the tailer's count of line feeds is optimised as ever (which it would not be if
// optimising were switched off, since functions are compiled with their first call).
setFlagsFromString('--wasm-tiering-budget=2000000000');

export { apiRequest, buildConnector, Pool };
