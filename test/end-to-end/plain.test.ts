/** Real agents and endpoints that are none of ours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Endpoint } from './endpoint.ts';
import { PlainAgent } from './plain-agent.ts';

const lines = Array.from({ length: 5000 }, (_, number) => `line ${number} of an ordinary log, with "quotes" and \\`);

for (const compression of ['zstd', 'gzip', 'none'] as const)
  for (const encoding of ['text', 'ndjson'] as const)
    test(`${encoding} with ${compression} arrives at a Node server as it was written`, async () => {
      await using endpoint = await Endpoint.start();
      await using agent = new PlainAgent(endpoint.url, [`encoding: ${encoding}`, `compression: ${compression}`]);
      agent.write('a.log', `${lines.join('\n')}\n`);
      agent.start();
      await agent.untilDelivered(lines.length);
      assert.deepEqual(encoding === 'text' ? endpoint.lines : endpoint.bodies, lines);
      const [request] = endpoint.requests;
      assert.equal(request?.method, 'POST');
      assert.equal(request?.path, '/in');
      assert.equal(request?.headers['content-encoding'], compression === 'none' ? undefined : compression);
      assert.equal(request?.headers['content-type'], encoding === 'text' ? 'text/plain' : 'application/x-ndjson');
      assert.match(String(request?.headers['idempotency-key']), /^[0-9a-f]{32}:[0-9a-f]{32}:\d+$/);
    });
