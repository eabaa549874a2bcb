/**
 * `node build/compare-sockets.ts OLD NEW [--protocols udp,syslog-udp,syslog-tcp] [--rates 30000,0] [--rounds 5] [--seconds 5]`: two builds
 * of the executable as receivers of syslog lines over sockets, both at the same time, each with a sender of its own: on a machine that
 * others use too they differ by what they do, not by the minute in which they did it. The ratio is the median over the rounds of new to old;
 * what two receivers and two senders lose on two cores says nothing of one. Rate 0: as fast as they are taken.
 */
import * as fs from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Measured } from './bench/figures.ts';
import { median, mib, shortNumber } from './bench/numbers.ts';
import { prioritised } from './bench/parts/sockets.ts';
import { measureTaker } from './bench/socket-load.ts';
import { makeText } from './bench/texts/text.ts';
import { type Protocol, tailspoolTaker, transportOf } from './bench/ways/sockets.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    protocols: { type: 'string', default: 'udp,syslog-udp,syslog-tcp' },
    rates: { type: 'string', default: '30000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
  },
});
const [before, after] = positionals;
if (before === undefined || after === undefined) throw new Error('which two executables? OLD NEW');
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-compare-'));
process.once('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
const seconds = Number(values.seconds);
const text = prioritised(folder, makeText(join(folder, 'lines.log'), 'syslog', 4 * mib, 1));

for (const protocol of values.protocols.split(',').map(protocolOf))
  for (const rate of values.rates.split(',').map(Number)) await compare([before, after], protocol, rate);

async function compare(builds: readonly [string, string], protocol: Protocol, rate: number): Promise<void> {
  const runs: [Measured[], Measured[]] = [[], []];
  for (let round = 0; round < Number(values.rounds); round++) {
    const measured = builds.map((executable, which) => {
      const place = join(folder, `${protocol}-${rate}-${round}-${which}`);
      return measureTaker(() => tailspoolTaker(place, protocol, executable), { protocol, rate, seconds, text });
    });
    for (const [which, run] of (await Promise.all(measured)).entries()) runs[which]!.push(run);
  }
  print(`${protocol}, ${rate === 0 ? 'full speed' : `${rate}/s`}`, runs[0], runs[1]);
}

function print(what: string, old: readonly Measured[], recent: readonly Measured[]): void {
  const [a, b] = [old, recent].map((all) => all.map(({ figures }) => figures.cpuSecondsPerMillion!));
  const ratio = median(b!.map((value, at) => value / a![at]!));
  const lost = [old, recent].map((all) => all.map((run) => run.lost));
  console.log(
    `${what}: CPU-s/million ${shortNumber(median(a!))} → ${shortNumber(median(b!))} (${ratio.toFixed(3)}, ` +
      `least ${shortNumber(Math.min(...a!))} → ${shortNumber(Math.min(...b!))}), lost ${lost[0]} → ${lost[1]}, load ${loadavg()[0]!.toFixed(1)}`,
  );
}

function protocolOf(name: string): Protocol {
  if (!Object.hasOwn(transportOf, name)) throw new Error(`${name}: one of ${Object.keys(transportOf).join(', ')}`);
  return name as Protocol;
}
