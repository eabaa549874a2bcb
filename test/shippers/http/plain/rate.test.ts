import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../../../simulation/clock.ts';
import { SeededRandom } from '../../../simulation/random.ts';
import { Side } from '../../../simulation/side.ts';
import { Network } from '../../../wire/network.ts';

test('rate_limit holds over many requests, several outstanding', async () => {
  const clock = new SimulatedClock();
  const network = new Network(clock);
  const arrived: { readonly at: number; readonly bytes: number }[] = [];
  network.handler = async (request) => {
    arrived.push({ at: clock.monotonic(), bytes: Number(request.headers['content-length']) });
    return { status: 204 };
  };
  const yaml = `
data_dir: /data
collectors: { app: { type: file, include: [/log/*.log], scan_interval: 1s } }
spool: { max_size: 16MiB, min_free: 0 }
shippers:
  s: { type: http, protocol: plain, url: "http://h/", encoding: text, compression: none, rate_limit: 10KiB/s, outstanding: 4 }
`;
  const side = new Side('edge', yaml, clock, network, new SeededRandom(1));
  side.disk.files.makeDirectory('/log');
  side.disk.files.open('/log/a.log', 'create').close();
  await side.start();
  const file = side.disk.files.open('/log/a.log', 'write');
  const text = `${'x'.repeat(511)}\n`.repeat(40);
  for (let round = 0; round < 20; round++) {
    file.write(Buffer.from(text), round * text.length);
    await clock.advance(1100);
  }
  await clock.advance(120_000);
  const bytes = arrived.reduce((sum, one) => sum + one.bytes, 0);
  assert.equal(bytes, 20 * text.length);
  // What went before a moment never exceeds what the limit allows up to then, but for the request that is going.
  for (const [index, { at }] of arrived.entries()) {
    const before = arrived.slice(0, index).reduce((sum, one) => sum + one.bytes, 0);
    assert.ok(
      before <= ((at - arrived[0]!.at) / 1000) * 10 * 1024 + 1,
      `${before} bytes after ${at - arrived[0]!.at} ms`,
    );
  }
  await side.stop();
});
