/** Real commands: their output, their ends, their limits, and that none outlives the agent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { hostChildren } from '../../../agent/host/child.ts';
import { ExecCollector } from '../../../collectors/exec/collector.ts';
import type { ExecOptions } from '../../../collectors/exec/options.ts';
import { delivered, type TestSpool, temporarySpool } from '../../spool/temporary-spool.ts';

const defaults: Omit<ExecOptions, 'command'> = {
  ...{ name: 'c', run: 'once', intervalMs: 300, timeoutMs: undefined, outputBytesMax: undefined, errors: 'log' },
  ...{ environment: undefined, folder: undefined, user: undefined, retryDelayMsMin: 50, retryDelayMsMax: 400 },
  ...{ lineBytesMax: 1024, partialTimeoutMs: 5000, attributes: {}, resource: {} },
};

class World implements AsyncDisposable {
  readonly folder: TestSpool = temporarySpool();
  collector!: ExecCollector;
  #spool: Awaited<ReturnType<TestSpool['open']>> | undefined;

  static async start(script: string, options: Partial<ExecOptions> = {}): Promise<World> {
    const world = new World();
    world.#spool = await world.folder.open();
    const { intake } = world.#spool;
    const { clock, log } = world.folder.ports;
    const command: [string, ...string[]] = ['/bin/sh', '-c', script];
    world.collector = new ExecCollector(
      { ...defaults, command, ...options },
      { intake, clock, log, children: hostChildren },
    );
    await world.collector.start();
    return world;
  }

  get gauges(): Readonly<Record<string, number>> {
    return this.collector.status().gauges;
  }

  async until(what: string, check: () => boolean): Promise<void> {
    for (let tries = 0; !check(); tries++) {
      if (tries > 1500) assert.fail(`waited for ${what}: ${JSON.stringify(this.collector.status())}`);
      await pause(10);
    }
  }

  async records(): Promise<string[]> {
    await this.#spool!.intake.flush();
    return delivered(this.folder, this.#spool!.outlet('s'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.collector.stop();
    await this.#spool?.close();
    await this.folder[Symbol.asyncDispose]();
  }
}

test('a command that runs once: all its output, its exit code in status', async () => {
  await using world = await World.start('printf "one\\ntwo\\nthree"; exit 3');
  await world.until('the end', () => world.gauges.exits_failed === 1);
  assert.deepEqual(await world.records(), ['one\n', 'two\n', 'three\n']);
  const { gauges, problems } = world.collector.status();
  assert.deepEqual([gauges.runs, gauges.last_exit_code, gauges.running], [1, 3, 0]);
  assert.match(problems[0]!.message, /ended with code 3/);
  assert.equal(problems[0]!.red, false);
  await pause(200);
  assert.equal(world.gauges.runs, 1);
});

test('a command that runs each interval, never twice at one time', async () => {
  await using world = await World.start('echo run; sleep 0.4', { run: 'every', intervalMs: 150 });
  await world.until('three runs', () => world.gauges.exits_ok! >= 3);
  assert.ok((await world.records()).length <= world.gauges.runs!);
  assert.ok(world.gauges.skipped! >= 4, `${world.gauges.skipped} left out`);
  assert.deepEqual(world.collector.status().problems, []);
});

test('a command that is to run always is started again, after pauses that grow, and what it says is told', async () => {
  await using world = await World.start('echo run; echo it is broken >&2; exit 1', { run: 'always' });
  await world.until('five runs', () => world.gauges.runs! >= 5);
  const [problem] = world.collector.status().problems;
  assert.match(problem!.message, /ended with code 1; it says: it is broken/);
  assert.ok(world.folder.log.some(({ event, message }) => event === 'exec.stderr' && /it is broken/.test(message)));
  assert.ok(world.gauges.error_lines! >= 4);
});

test('a command that is not there is a red problem with the code that shells give it', async () => {
  await using world = await World.start('', { command: ['/nowhere/at-all'], run: 'always' });
  await world.until('a problem', () => world.collector.status().problems.length > 0);
  const { problems, gauges } = world.collector.status();
  assert.deepEqual([problems[0]!.cause, problems[0]!.red, gauges.last_exit_code], ['command_not_started', true, 127]);
});

test('no shell sees the arguments', async () => {
  await using world = await World.start('', { command: ['/bin/echo', '$HOME; `id` "x"', '*'] });
  await world.until('the end', () => world.gauges.exits_ok === 1);
  assert.deepEqual(await world.records(), ['$HOME; `id` "x" *\n']);
});

test('a run that takes too long, or writes too much, is ended with all that it started', async () => {
  await using slow = await World.start('echo begin; sleep 1000 | cat', { timeoutMs: 300 });
  await slow.until('the end', () => slow.gauges.timeouts === 1 && slow.gauges.running === 0);
  assert.deepEqual(await slow.records(), ['begin\n']);
  assert.equal(slow.gauges.last_exit_code, 128 + 15);
  await using loud = await World.start('yes', { outputBytesMax: 10_000 });
  await loud.until('the end', () => loud.gauges.outputs_cut === 1 && loud.gauges.running === 0);
  const records = await loud.records();
  assert.ok(records.length >= 5000 && records.length < 200_000, `${records.length}`);
});

test('standard error as records of their own, or not at all', async () => {
  const script = 'echo out; echo err >&2; head -c 9000 /dev/zero | tr "\\0" e >&2';
  await using kept = await World.start(script, { errors: 'records' });
  await kept.until('the end', () => kept.gauges.exits_ok === 1);
  const records = (await kept.records()).toSorted();
  assert.equal(records.join('').replaceAll('\n', '').length, 9006);
  await using ignored = await World.start(script, { errors: 'ignore' });
  await ignored.until('the end', () => ignored.gauges.exits_ok === 1 && ignored.gauges.error_lines === 2);
  assert.deepEqual(await ignored.records(), ['out\n']);
  assert.ok(!ignored.folder.log.some(({ event }) => event === 'exec.stderr'));
});

test('a stop ends the command, takes what it still wrote, and nothing of it outlives', async () => {
  const world = await World.start('trap "echo bye; exit" TERM; echo $$; while :; do sleep 0.05; done', {
    run: 'always',
  });
  await world.until('it runs', () => world.collector.status().read.records === 1);
  await world.collector.stop();
  const [pid, bye] = await world.records();
  assert.equal(bye, 'bye\n');
  assert.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' });
  await world[Symbol.asyncDispose]();
});

test('what a command left behind does not hold up the end of its run for ever', async () => {
  await using world = await World.start('echo one; sleep 1000 & exit 0');
  await world.until('the end', () => world.gauges.exits_ok === 1);
  assert.deepEqual(await world.records(), ['one\n']);
});
