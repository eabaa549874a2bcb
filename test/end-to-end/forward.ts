/** The real client of Fluent Forward (`@fluent-org/logger`) and a real agent that is killed meanwhile. */
import assert from 'node:assert/strict';
import { FluentClient } from '@fluent-org/logger';
import type { Event } from '../../spool/event.ts';
import { Pair } from './pair.ts';
import { freePort, sleep, until, untilAnswers } from './tailspool.ts';

/** So many events may wait for their acknowledgement. */
const underWayMax = 500;

/** Emits so many events and kills the agent so often meanwhile: what was acknowledged is there, in the end all of it. */
export async function forwardOverKills(records: number, kills: number): Promise<{ readonly twice: number }> {
  const port = await freePort();
  await using pair = await Pair.make({ collectors: ['f:', '  type: fluent', `  listen: 127.0.0.1:${port}`] });
  pair.startReceiver();
  await untilAnswers(pair.receiverData);
  pair.startAgent();
  await untilAnswers(pair.agentData);
  const client = new FluentClient('load', {
    eventMode: 'PackedForward',
    socket: { host: '127.0.0.1', port, timeout: 10_000, reconnect: { delay: 50, maxDelay: 200 } },
    ack: { ackTimeout: 3000 },
    flushInterval: 20,
  });
  let acknowledged = 0;
  const killing = (async () => {
    for (let kill = 1; kill <= kills; kill++) {
      await until(
        'progress',
        () => acknowledged >= (records * kill) / (kills + 1),
        () => `${acknowledged} acknowledged`,
      );
      await pair.agent?.end('SIGKILL');
      pair.startAgent();
      await untilAnswers(pair.agentData);
    }
  })();
  const waiting = new Set<Promise<void>>();
  for (let n = 0; n < records; n++) {
    const sending = emit(client, n).then(() => {
      acknowledged += 1;
      waiting.delete(sending);
    });
    waiting.add(sending);
    if (waiting.size >= underWayMax) await Promise.race(waiting);
  }
  await Promise.all([...waiting, killing]);
  await client.shutdown();
  const arrived = () => bodiesOf(pair);
  const all = async () => {
    await sleep(200);
    return new Set(arrived()).size >= records;
  };
  await until('all in the mirror', all, () => pair.describe());
  const bodies = arrived();
  const distinct = new Set(bodies);
  for (let n = 0; n < records; n++) assert.ok(distinct.has(`event ${n}`), `event ${n}`);
  assert.equal(distinct.size, records, 'nothing is invented');
  return { twice: bodies.length - records };
}

/** Until it is acknowledged. */
async function emit(client: FluentClient, n: number): Promise<void> {
  for (;;) {
    try {
      return await client.emit({ message: `event ${n}`, n, pad: 'x'.repeat(n % 100) });
    } catch {
      await sleep(50);
    }
  }
}

function bodiesOf(pair: Pair): unknown[] {
  const lines = pair.arrived('f').split('\n').slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as Event).body);
}
