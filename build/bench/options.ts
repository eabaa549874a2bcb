/** What can be asked for after `npm run bench --`. */
import { parseArgs } from 'node:util';
import { gib, mib, parseSize } from './numbers.ts';

export interface Options {
  /** Parts to run, by name; empty: all of the suite. */
  readonly only: readonly string[];
  /** Ways to measure within a part: those whose name has one of these words; empty: all. */
  readonly ways: readonly string[];
  readonly rounds: number;
  readonly seed: number;
  readonly bytes: number;
  /** How much of the log the peers get: a GiB takes them minutes. */
  readonly peerBytes: number;
  /** How long the parts that go by the clock measure. */
  readonly seconds: number;
  /** A folder of real logs. */
  readonly corpus: string | undefined;
  readonly peers: boolean;
  /** The receiver writes its mirror too. */
  readonly out: boolean;
  readonly format: 'text' | 'json' | 'markdown';
  readonly long: boolean;
  readonly help: boolean;
}

export const usage = `npm run bench -- [options]
  --only PART[,PART]    one or some of the parts (below); more than one --only may be given
  --ways WORD[,WORD]    of a part, only the ways whose name has one of the words (tailspool, curl, zstd, codec, rsyslog, syslog-ng)
  --size 1GiB           the log on disk of the parts that read one (bench:long: 10GiB)
  --peer-size 128MiB    how much of it the peers get (at most --size)
  --rounds 5            each way once a round, in turns; medians are printed (bench:long: 1)
  --seconds 30          how long parts that go by the clock measure (bench:long: the outage, 3600)
  --seed 1              what the logs are made from
  --corpus DIR          also real logs: its *.log, repeated to size (part texts)
  --no-peers            without rsyslog and syslog-ng
  --out                 the receiver writes its mirror too
  --json | --markdown   instead of tables of text`;

/** Throws with what is wrong. `args` without the program's own. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      ways: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      size: { type: 'string' },
      'peer-size': { type: 'string', default: '128MiB' },
      seconds: { type: 'string' },
      corpus: { type: 'string' },
      'no-peers': { type: 'boolean', default: false },
      out: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
      long: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const bytes = values.size === undefined ? (values.long ? 10 : 1) * gib : parseSize('size', values.size);
  if (bytes < mib) throw new Error(`--size ${values.size}: at least 1MiB`);
  return {
    only: words(values.only),
    ways: words(values.ways),
    rounds: count('rounds', values.rounds ?? (values.long ? '1' : '5'), 1),
    seed: count('seed', values.seed, 0),
    bytes,
    peerBytes: Math.min(bytes, parseSize('peer-size', values['peer-size'])),
    seconds: count('seconds', values.seconds ?? (values.long ? '3600' : '30'), 1),
    corpus: values.corpus,
    peers: !values['no-peers'],
    out: values.out,
    format: values.json ? 'json' : values.markdown ? 'markdown' : 'text',
    long: values.long,
    help: values.help,
  };
}

function words(given: readonly string[]): string[] {
  return given.flatMap((text) => text.split(',')).filter((word) => word !== '');
}

function count(option: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) throw new Error(`--${option} ${text}: a whole number from ${least}`);
  return value;
}
