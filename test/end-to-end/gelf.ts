/** The real client of GELF (`gelf-pro`) and a real agent: what is in the mirror is what was sent. */
import assert from 'node:assert/strict';
import type { Event } from '../../spool/event.ts';
import { send, setUp } from '../collectors/gelf/client.ts';
import { Pair } from './pair.ts';
import { askStatus, freePort, sleep, until, untilAnswers } from './tailspool.ts';

/** So many may be on their way: UDP has nothing else that slows a sender down. */
const underWayMax = 64;
/** Every so many messages one is long enough for several chunks. */
const longEach = 50;

export async function sendGelf(transport: 'udp' | 'tcp', records: number): Promise<void> {
  const port = await freePort();
  await using pair = await Pair.make({
    collectors: ['g:', '  type: gelf', `  listen: { ${transport}: "127.0.0.1:${port}" }`, '  receive_buffer: 64MiB'],
  });
  pair.startReceiver();
  await untilAnswers(pair.receiverData);
  pair.startAgent();
  await until('a listener', async () => (await gaugesOf(pair))?.unparsed === 0);
  setUp(transport, port);
  const waiting = new Set<Promise<void>>();
  for (let n = 0; n < records; n++) {
    const sending = send(messageOf(n), { n }).then(() => void waiting.delete(sending));
    waiting.add(sending);
    if (waiting.size >= underWayMax) await Promise.race(waiting);
  }
  await Promise.all(waiting);
  const lines = () => pair.arrived('g').split('\n').length - 1;
  const all = async () => {
    // Looking costs the agent's own time.
    await sleep(Math.min(5000, 200 + records / 20));
    return lines() >= records;
  };
  await until(`${records} messages`, all, async () => `${lines()} are there\n${await pair.describe()}`);
  check(pair, records);
}

function check(pair: Pair, records: number): void {
  const events = pair.arrived('g').split('\n').slice(0, -1);
  assert.equal(events.length, records);
  const bodies = new Map<unknown, unknown>();
  for (const line of events) {
    const { attributes, body } = JSON.parse(line) as Event;
    bodies.set(attributes?.n, attributes?.['gelf.full_message'] ?? body);
  }
  for (let n = 0; n < records; n++) assert.equal(bodies.get(n), messageOf(n));
}

/** Digits that do not compress well. */
function messageOf(n: number): string {
  if (n % longEach !== 0) return `message ${n}`;
  return Array.from({ length: 900 }, (_, at) => ((n + 1) * (at + 7) * 2_654_435_761) % 4_294_967_296).join(' ');
}

async function gaugesOf(pair: Pair) {
  return (await askStatus(pair.agentData))?.collectors.find(({ name }) => name === 'g')?.gauges;
}
