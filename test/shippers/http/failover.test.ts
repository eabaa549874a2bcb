/** Several addresses of one destination: which is used, what is refused, what is shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressLimits } from '../../../shippers/http/shared/addresses.ts';
import type { TransportRequest } from '../../../shippers/ports.ts';
import { blankImage } from '../../wire/memory-spool.ts';
import { Pair } from '../../wire/pair.ts';

const second = 'http://second:8600/v1/blocks';
const third = 'http://third:8600/v1/blocks';
const hostOf = ({ url }: TransportRequest) => new URL(url).hostname;

test('while the first address fails the next is used without a pause, each line arrives once, and the first is tried again', async () => {
  const pair = new Pair();
  pair.failover = [second, third];
  let down: ReadonlySet<string> = new Set();
  pair.network.fault = (request) => (down.has(hostOf(request)) ? { kind: 'refused' } : { kind: 'none' });
  await pair.start();
  pair.add(20);
  await pair.drain();
  down = new Set(['center', 'second']);
  pair.add(20);
  const before = pair.clock.now();
  await pair.drain();
  assert.ok(pair.clock.now() - before < 1000, 'it paused although another address worked');
  const { problems, destination } = pair.shipper!.status();
  assert.deepEqual(
    problems.map(({ cause, red }) => [cause, red]),
    [['failed_over', false]],
  );
  assert.match(
    problems[0]!.message,
    /http:\/\/center:8600\/v1\/blocks fails and http:\/\/third:8600\/v1\/blocks is used/,
  );
  assert.equal(destination, third);
  down = new Set();
  await pair.clock.runFor(addressLimits.preferAgainMs * 3);
  pair.add(1);
  await pair.drain();
  assert.deepEqual(pair.shipper!.status().problems, []);
  assert.equal(hostOf(pair.network.seen.at(-1)!.request), 'center');
  pair.assertExactlyOnce();
  await pair.stop();
});

test('while all addresses fail there is one pause for a round of them, and the trouble names an address', async () => {
  const pair = new Pair();
  pair.failover = [second];
  pair.network.fault = () => ({ kind: 'refused' });
  pair.add(3);
  await pair.startReceiver();
  await pair.startShipper();
  await pair.clock.runFor(600_000);
  const { attempts, problems } = pair.shipper!.status();
  const asked = pair.network.seen.map(({ request }) => hostOf(request));
  assert.ok(attempts > 40 && attempts < 400, `${attempts} attempts`);
  assert.ok(Math.abs(asked.filter((host) => host === 'second').length - attempts / 2) <= 1);
  assert.equal(problems[0]?.cause, 'connection_refused');
  assert.match(problems[0]!.message, /^http:\/\/(center|second):8600/);
  pair.network.fault = () => ({ kind: 'none' });
  await pair.drain();
  pair.assertExactlyOnce();
  await pair.stop();
});

test('an address that leads to another receiver is refused and named, and nothing goes there', async () => {
  const pair = new Pair();
  pair.failover = [second];
  await pair.start();
  pair.add(5);
  await pair.drain();
  const mine = pair.network.handler!;
  const center = pair.center;
  const other = pair.open(blankImage('another receiver'));
  await pair.startReceiver(other);
  const theirs = pair.network.handler!;
  let isDown = true;
  pair.network.handler = (request) => (request.headers['x-test-host'] === 'second' ? theirs : mine)(request);
  pair.network.fault = (request) => {
    (request.headers as Record<string, string>)['x-test-host'] = hostOf(request);
    return isDown && hostOf(request) === 'center' ? { kind: 'refused' } : { kind: 'none' };
  };
  pair.add(5);
  await pair.clock.runUntil(() => pair.shipper!.status().problems.some(({ cause }) => cause === 'other_receiver'));
  const problem = pair.shipper!.status().problems.find(({ cause }) => cause === 'other_receiver');
  assert.equal(problem?.red, true);
  assert.match(
    problem!.message,
    /^http:\/\/second:8600\/v1\/blocks: This address is receiver .*, and what was delivered so far/,
  );
  await pair.clock.runFor(600_000);
  assert.equal(other.blocks.length, 0);
  isDown = false;
  await pair.drain();
  pair.center = center;
  pair.assertExactlyOnce();
  await pair.stop();
});
