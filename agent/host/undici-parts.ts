/**
 * The parts of undici that the transport uses, loaded with the first request. Its index also loads fetch, WebSocket, caches and
 * test doubles, which costs 10 MiB. The version is pinned; test/agent/host/wire.test.ts notices when a part moves.
 */
import { setFlagsFromString } from 'node:v8';
import apiRequest from 'undici/lib/api/api-request.js';
import buildConnector from 'undici/lib/core/connect.js';
import Pool from 'undici/lib/dispatcher/pool.js';

// undici reads answers with a parser in WebAssembly, of one huge function. To optimise it takes V8 0.3 CPU-s and 23 MiB, half of
// which the allocator keeps; for the few hundred bytes of an answer the first, simple compilation is as good. What was called
// before this (the tailer's count of line feeds) is optimised as ever.
setFlagsFromString('--no-wasm-dynamic-tiering');
setFlagsFromString('--no-wasm-tier-up');

export { apiRequest, buildConnector, Pool };
