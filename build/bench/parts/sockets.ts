/**
 * Records over sockets at rising rates, and as fast as they are taken: what arrives, and what it costs whoever takes them. Tailspool
 * keeps them durably in its spool, compressed; rsyslog writes the same records to a file and syncs nothing.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Measured, Part } from '../figures.ts';
import { mib } from '../numbers.ts';
import type { Options } from '../options.ts';
import { fullSpeedRecords, measureTaker, warmUp } from '../socket-load.ts';
import { type Made, makeText } from '../texts/text.ts';
import { findPeers } from '../ways/peer-programs.ts';
import { type Protocol, rsyslogTaker, tailspoolTaker } from '../ways/sockets.ts';

const secondsMax = 5;

/** Records a second; 0: as fast as they are taken. */
const plan: readonly { readonly protocol: Protocol; readonly rates: readonly number[]; readonly peer: boolean }[] = [
  { protocol: 'udp', rates: [10_000, 30_000, 60_000], peer: false },
  { protocol: 'syslog-udp', rates: [10_000, 30_000, 60_000], peer: true },
  { protocol: 'tcp', rates: [30_000, 0], peer: false },
  { protocol: 'syslog-tcp', rates: [30_000, 0], peer: true },
  { protocol: 'http', rates: [30_000, 0], peer: false },
];

export function sockets(folder: string, options: Options): Part {
  const peers = options.peers ? findPeers() : undefined;
  const made = makeText(join(folder, 'lines.log'), 'syslog', 4 * mib, options.seed);
  const text = prioritised(folder, made);
  const seconds = Math.min(secondsMax, options.seconds);
  const wanted = (name: string) => options.ways.length === 0 || options.ways.some((word) => name.includes(word));
  return {
    name: 'sockets',
    title: `syslog lines (${Math.round(made.bytes / made.lines)} bytes) over sockets: ${seconds} s at each rate, or ${fullSpeedRecords} as fast as they are taken`,
    notes: [
      'tailspool: in a spool, durable, compressed; `syslog`: parsed. rsyslog: parsed, into a file, not synced',
      `before each, ${warmUp.records} records at ${warmUp.recordsPerSecond} a second that are not in the figures`,
      'lost: sent and not taken. drops: those of them that the kernel counted on the socket',
      'the sender is one process beside the receiver: what it takes of two cores is not in the CPU, but in the rate',
      ...(peers?.notes ?? []),
    ],
    async round(round) {
      const measured: Measured[] = [];
      for (const { protocol, rates, peer } of plan) {
        for (const rate of rates) {
          const place = (name: string) => join(folder, `${name}-${protocol}-${rate}-${round}`);
          const takers = [
            ...(wanted(`tailspool ${protocol}`) ? [() => tailspoolTaker(place('tailspool'), protocol)] : []),
            ...(peer && peers?.rsyslog && wanted(`rsyslog ${protocol}`)
              ? [() => rsyslogTaker(peers.rsyslog!, place('rsyslog'), protocol)]
              : []),
          ];
          for (const open of takers) measured.push(await measureTaker(open, { protocol, rate, seconds, text }));
        }
      }
      return measured;
    },
  };
}

/** Each line with a priority, as it travels. */
export function prioritised(folder: string, made: Made): Made {
  const path = join(folder, 'prioritised.log');
  const lines = fs.readFileSync(made.path, 'latin1').split('\n').slice(0, -1);
  fs.writeFileSync(path, lines.map((line, at) => `<${8 * (at % 24) + (at % 8)}>${line}\n`).join(''), 'latin1');
  return { path, bytes: fs.statSync(path).size, lines: made.lines };
}
