/** Decoders of what people write: the configuration and its values, the command line, and files that they have looked into. */
import assert from 'node:assert/strict';
import type { CommandContext } from '../../agent/cli/commands.ts';
import { runProgram } from '../../agent/cli/program.ts';
import { interpolate } from '../../agent/config/interpolate.ts';
import { formatProblems } from '../../agent/config/problems.ts';
import { formatDuration, formatSize, parseAddress, parseDuration, parseSize } from '../../agent/config/units.ts';
import type { Host } from '../../agent/ports.ts';
import { compilePatterns } from '../../collectors/file/glob.ts';
import { parse, withSections } from '../agent/config/texts.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedDisk } from '../simulation/disk.ts';
import { makeMachine } from '../simulation/host.ts';
import { SeededRandom } from '../simulation/random.ts';
import { Network } from '../wire/network.ts';
import { goldenSegments } from './spool-targets.ts';
import type { Target } from './target.ts';

const configuration = Buffer.from(
  withSections({
    resource: '{a: b}',
    collectors: `
  n: {type: file, include: [/a/*.log], exclude: [/a/b], start_at: end, max_line: 64KiB, attributes: {x: y}, encoding: utf-16, multiline: {start: ^a, traces: [java]}}
  r: {type: blocks, listen: "[::1]:8600", tls: {cert: /c, key: "/\${K:-k}"}}`,
    spool: '{max_size: 1GiB, when_full: block, sync_interval: 10ms}',
    log: '{level: info}',
  }),
);

export const peopleTargets: readonly Target[] = [
  {
    name: 'configuration',
    from: 'configuration',
    valid: [configuration],
    run(input) {
      const loaded = parse(input.toString('utf8'));
      if (loaded.kind === 'ok') return;
      assert.ok(loaded.problems.some(({ severity }) => severity === 'error'));
      assert.doesNotMatch(formatProblems(loaded.problems), /\.ts:\d|node:internal/);
    },
  },
  {
    name: 'sizes, durations, addresses',
    from: 'configuration',
    valid: ['64KiB', '100ms', '3d', '[::1]:8600', 'host:0', '10GiB'].map((text) => Buffer.from(text)),
    run(input) {
      const text = input.toString('utf8');
      const size = parseSize(text);
      if (size.kind === 'ok') assert.deepEqual(parseSize(formatSize(size.value)), size);
      const duration = parseDuration(text);
      if (duration.kind === 'ok') assert.deepEqual(parseDuration(formatDuration(duration.value)), duration);
      const address = parseAddress(text);
      if (address.kind === 'ok') assert.ok(address.value.port >= 0 && address.value.port < 65_536);
    },
  },
  {
    name: 'interpolation',
    from: 'configuration',
    valid: [Buffer.from('/a/#{HOME}/#{X:-y}/$$/#{Z:-}'.replaceAll('#', '$'))],
    run: (input) => void interpolate(input.toString('utf8'), { HOME: '/root', X: `$\{HOME}` }),
  },
  {
    name: 'patterns',
    from: 'configuration',
    valid: ['/var/log/**/*.log', '/a/{b,c}/[d-f]*.{log,txt}', '/x/+(y|z)/!(*.gz)'].map((text) => Buffer.from(text)),
    run(input) {
      const { matches, mayHold } = compilePatterns([`/${input.toString('latin1').slice(0, 200)}`]);
      for (const path of ['/var/log/app/a.log', `/${'a'.repeat(40)}/b`]) {
        matches(path);
        mayHold(path);
      }
    },
  },
  {
    name: 'command line',
    from: 'people',
    valid: ['check --config /a.yaml', 'spool ls /data --json', 'status --data-dir /data', 'version', 'help spool'].map(
      (text) => Buffer.from(text),
    ),
    async run(input) {
      const args = input.toString('utf8').split(' ');
      // These would go on until they are stopped.
      if (args.some((arg) => /^(run|receive)/.test(arg))) return;
      const { code } = await ran(args, new SimulatedDisk());
      assert.ok(code >= 0 && code <= 3, `${code}`);
    },
  },
  {
    // `verify` waits for blocks that may be in the making; what it does with bytes is fed as "segment".
    name: 'spool ls and cat of any file',
    from: 'people',
    valid: goldenSegments.slice(0, 2),
    async run(input) {
      const disk = new SimulatedDisk();
      disk.writeFile('/data/spool/00000000000000000000.zst', input);
      disk.writeFile('/data/cursors/central', input);
      for (const command of ['ls', 'cat']) {
        const { code, err } = await ran(['spool', command, '/data'], disk);
        assert.ok(code === 0 || code === 1 || code === 3, `${command}: ${code} ${err}`);
      }
    },
  },
];

async function ran(args: readonly string[], disk: SimulatedDisk): Promise<{ code: number; err: string }> {
  let err = '';
  const context: CommandContext = {
    out: async () => undefined,
    err(text) {
      err = (err + text).slice(-4096);
    },
    terminal: { outIsTerminal: false, errIsTerminal: false, columns: 80, errColors: false },
    environment: {},
    workingDirectory: '/',
    onSignal: () => ({ [Symbol.dispose]() {} }),
    openHost: async () => hostOf(disk),
  };
  const code = await runProgram([...args], context);
  assert.doesNotMatch(err, /\.ts:\d|node:internal|BUG/);
  return { code, err };
}

function hostOf(disk: SimulatedDisk): Host {
  const clock = new SimulatedClock();
  const random = new SeededRandom(1);
  return makeMachine({ name: 'h', disk, clock, network: new Network(clock), random, bootId: 'b' }).host;
}
