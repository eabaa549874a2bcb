/** What systemd is told, in which order, and what happens when it does not listen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Supervised } from '../../agent/supervised.ts';
import type { LogEntry } from '../../spool/ports.ts';
import { SimulatedClock } from '../simulation/clock.ts';

class Manager {
  readonly heard: string[] = [];
  readonly log: LogEntry[] = [];
  readonly clock = new SimulatedClock();
  readonly watchdogMs: number | undefined;
  deaf = false;

  constructor(watchdogMs?: number) {
    this.watchdogMs = watchdogMs;
  }

  async tell(text: string): Promise<string | undefined> {
    if (this.deaf) return 'nobody there';
    this.heard.push(text.split('\n', 1)[0]!);
    return undefined;
  }

  supervise(): Supervised {
    return new Supervised(this, this.clock, { write: (entry) => void this.log.push(entry) });
  }
}

test('a start that takes long is extended, then ready is told once and life every third of the watchdog’s time', async () => {
  const manager = new Manager(30_000);
  using supervised = manager.supervise();
  await manager.clock.advance(11_000);
  assert.deepEqual(
    manager.heard,
    Array.from({ length: 3 }, () => 'EXTEND_TIMEOUT_USEC=60000000'),
  );
  supervised.ready('all is well');
  await manager.clock.advance(29_000);
  assert.deepEqual(manager.heard.slice(3), ['READY=1', 'WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1']);
});

test('without a watchdog nothing is told after ready, and after stopping nothing at all', async () => {
  const quiet = new Manager();
  using supervised = quiet.supervise();
  supervised.ready('all is well');
  await quiet.clock.advance(600_000);
  assert.deepEqual(quiet.heard.slice(1), ['READY=1']);

  const watching = new Manager(3_000);
  using watched = watching.supervise();
  watched.ready('all is well');
  watched.stopping();
  await watching.clock.advance(600_000);
  assert.equal(watching.heard.at(-1), 'STOPPING=1');
});

test('ready is told again until it was taken, and the trouble stands in the log', async () => {
  const manager = new Manager();
  using supervised = manager.supervise();
  manager.deaf = true;
  supervised.ready('all is well');
  await manager.clock.advance(3_500);
  assert.ok(!manager.heard.includes('READY=1'));
  assert.match(manager.log.at(-1)!.message, /READY=1: nobody there/);
  manager.deaf = false;
  await manager.clock.advance(5_000);
  assert.equal(manager.heard.filter((text) => text === 'READY=1').length, 1);
});
