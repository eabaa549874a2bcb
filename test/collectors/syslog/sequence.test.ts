/** One parser for all messages: none leaves anything behind that another one shows. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { frameOf } from '../../../collectors/shared/framing/frame.ts';
import { SyslogEncoding } from '../../../collectors/syslog/encoder.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SeededRandom } from '../../simulation/random.ts';
import { encoded } from './parsed.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const peer = { address: undefined, port: undefined };
const hourMs = 3_600_000;

const known: string[] = ['rfc-examples.json', 'device-messages.json'].flatMap((file) =>
  JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')).map(({ message }: { message: string }) => message),
);
/** Times that are alike up to their seconds, and mean something else. */
const alike = ['', ' UTC', ' CDT', ' 2019', ' CDT 2019', '.5', '.123456789123', '.25 EST', 'Z', '+05:30', ' 2019:']
  .flatMap((tail) =>
    ['May  6 07:08:09', '2024-05-06 07:08:09', 'Dec 31 23:59:58', '*May  6 2018 07:08:09', 'Feb 29 12:00:00'].map(
      (time) => `<13>${time}${tail} host app: text`,
    ),
  )
  .concat('<134>1 1714979289.774247467 MX84 text');

test('a message becomes the same event whatever came before it, and whenever that was', (t) => {
  t.diagnostic(`SEED=${seed}`);
  const random = new SeededRandom(seed);
  const clock = new SimulatedClock(Date.parse('2024-12-31T20:00:00Z'));
  for (const timezone of ['UTC', 'Europe/Berlin']) {
    const all = new SyslogEncoding(timezone, clock).encoder(peer);
    for (let round = 0; round < 3000; round++) {
      const bytes = Buffer.from(random.pick(random.chance(0.7) ? alike : known));
      const alone = new SyslogEncoding(timezone, clock).encoder(peer);
      const frame = frameOf(bytes);
      assert.equal(encoded(all, frame), encoded(alone, frame), `${bytes} at ${new Date(clock.now()).toISOString()}`);
    }
  }
});

test('the same time is another year’s a year later', async () => {
  const clock = new SimulatedClock(Date.parse('2024-01-01T00:00:10Z'));
  const encode = new SyslogEncoding('UTC', clock).encoder(peer);
  const time = () => JSON.parse(encoded(encode, frameOf(Buffer.from('<13>Dec 31 23:59:58 h a: t'))));
  assert.equal(time().timestamp, '2023-12-31T23:59:58Z');
  await Promise.resolve();
  await clock.advance(366 * 24 * hourMs);
  assert.equal(time().timestamp, '2024-12-31T23:59:58Z');
});
