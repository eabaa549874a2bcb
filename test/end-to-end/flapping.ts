/**
 * An endpoint that is up for a second and down for a second, again and again, under a steady load: everything arrives, nothing
 * more than the ordinary ever waits long, and memory stays what it was.
 */
import assert from 'node:assert/strict';
import { Endpoint } from './endpoint.ts';
import { PlainAgent } from './plain-agent.ts';
import { sleep, until } from './tailspool.ts';

const linesEachTick = 200;
const tickMs = 100;
/** What the last third may need more than the first. */
const growthBytesMax = 12 * 1024 * 1024;

export interface Flapped {
  readonly lines: number;
  readonly downs: number;
  readonly privateMiB: readonly number[];
}

/** `seconds` of load; throws where it does not hold. */
export async function flap(seconds: number, shipper: readonly string[] = []): Promise<Flapped> {
  const port = await portOf();
  await using agent = new PlainAgent(`http://127.0.0.1:${port}/in`, ['encoding: text', ...shipper]);
  const taken = new Set<string>();
  const lines: string[] = [];
  let ending = false;
  let downs = 0;
  const flapping = (async () => {
    while (!ending) {
      const endpoint = await Endpoint.start({ honoursKeys: true, keys: taken, into: lines }, { port });
      await sleep(1000);
      if (ending) return endpoint;
      await endpoint[Symbol.asyncDispose]();
      downs++;
      await sleep(1000);
    }
    return await Endpoint.start({ honoursKeys: true, keys: taken, into: lines }, { port });
  })();
  agent.start();
  await until('an agent', async () => (await agent.status()) !== undefined);
  const samples: number[] = [];
  let written = 0;
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    let text = '';
    for (let line = 0; line < linesEachTick; line++) text += `line ${written++} of a steady log with some text in it\n`;
    agent.write('a.log', text);
    if (written % (linesEachTick * 10) === 0) samples.push((await agent.status())?.process.privateBytes ?? 0);
    await sleep(tickMs);
  }
  ending = true;
  await using _endpoint = await flapping;
  await agent.untilDelivered(written);
  assert.equal(lines.length, written, 'lines lost or repeated');
  for (const [index, line] of lines.entries()) assert.ok(line.startsWith(`line ${index} `), `${line} at ${index}`);
  const thirds = [0, 1, 2].map((third) =>
    largest(samples.slice((third * samples.length) / 3, ((third + 1) * samples.length) / 3)),
  );
  // The first seconds of a process are warm-up.
  if (seconds >= 120)
    assert.ok(thirds[2]! <= thirds[0]! + growthBytesMax, `private memory by thirds: ${thirds.join(', ')}`);
  return { lines: written, downs, privateMiB: thirds.map((bytes) => Math.round(bytes / 1024 / 1024)) };
}

function largest(values: readonly number[]): number {
  return Math.max(0, ...values);
}

async function portOf(): Promise<number> {
  await using endpoint = await Endpoint.start();
  return endpoint.port;
}
