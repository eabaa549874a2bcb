/** Folders whose files are written to all the time: nobody listens there, and nothing that happens there is missed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostClock } from '../../../agent/host/clock.ts';
import { hostWatcher } from '../../../agent/host/watcher.ts';
import { Bench } from './bench.ts';

const syncIntervalMs = 50;

/** A bench whose intake syncs at fixed times, and a log that is written to all the time. */
class NoisyBench extends Bench {
  listening = 0;
  written = '';
  #syncs: NodeJS.Timeout | undefined;
  #writer: NodeJS.Timeout | undefined;
  #lines = 0;

  async noisy(): Promise<void> {
    this.ports = {
      // The folder has been as it is for long.
      clock: { ...hostClock, now: () => Date.now() + 10_000 },
      watcher: {
        watch: (directory, changed) => {
          const watch = hostWatcher.watch(directory, changed);
          this.listening++;
          return {
            [Symbol.dispose]: () => {
              watch[Symbol.dispose]();
              this.listening--;
            },
          };
        },
      },
    };
    await this.started('first\n');
    this.written = 'first\n';
    this.#syncs = setInterval(() => this.intake.sync(performance.now() + syncIntervalMs), syncIntervalMs);
    this.#writer = setInterval(() => this.#write(), 2);
    await this.until(() => this.listening === 0);
  }

  quiet(): void {
    clearInterval(this.#writer);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.quiet();
    clearInterval(this.#syncs);
    await super[Symbol.asyncDispose]();
  }

  #write(): void {
    const line = `line ${this.#lines++} of a log that is written to all the time\n`;
    this.write('a.log', line);
    this.written += line;
  }
}

test('nobody listens to a folder whose files are written to all the time, until it is quiet; all lines are read', async () => {
  await using bench = new NoisyBench();
  await bench.noisy();
  await bench.pause(4 * syncIntervalMs);
  assert.equal(bench.listening, 0);
  bench.quiet();
  await bench.holds('a.log', bench.written);
  await bench.until(() => bench.listening === 1);
  bench.write('a.log', 'the last\n');
  await bench.holds('a.log', `${bench.written}the last\n`);
});

test('a file that comes to a noisy folder is read at once, long before the next scan', async () => {
  await using bench = new NoisyBench();
  bench.options = { scanIntervalMs: 3_600_000 };
  await bench.noisy();
  bench.write('b.log', 'a new one\n');
  await bench.holds('b.log', 'a new one\n');
});

test('rotations in a noisy folder lose and repeat nothing', async () => {
  await using bench = new NoisyBench();
  bench.options = { scanIntervalMs: 3_600_000 };
  await bench.noisy();
  for (const rotated of ['a.log.3', 'a.log.2', 'a.log.1']) {
    bench.rename('a.log', rotated);
    await bench.until(() => bench.listening === 1);
    await bench.until(() => bench.listening === 0);
  }
  bench.quiet();
  await bench.holds('a.log', bench.written);
});

test('a file in a noisy folder that has been quiet so far is read at the next look', async () => {
  await using bench = new NoisyBench();
  bench.options = { scanIntervalMs: 3_600_000, include: [bench.path('*.log'), bench.path('*.txt')] };
  bench.write('b.txt', 'one\n');
  await bench.noisy();
  bench.write('b.txt', 'two\n');
  await bench.holds('b.txt', 'one\ntwo\n');
});
