/** A log on disk through everything, beside what a shell does with it and what the peers do. */
import { join } from 'node:path';
import type { Measured, Part } from '../figures.ts';
import { sizeText } from '../numbers.ts';
import type { Options } from '../options.ts';
import { headOf, type Made, makeText, repeatReal } from '../texts/text.ts';
import { codecAlone, pipeline, zstdToCurl, zstdToFile } from '../ways/limits.ts';
import { findPeers } from '../ways/peer-programs.ts';
import { throughRsyslog, throughSyslogNg } from '../ways/peers.ts';
import { wholePath } from '../ways/tailspool.ts';

interface Way {
  /** What `--ways` finds it by. */
  readonly word: string;
  run(round: number): Promise<readonly Measured[]>;
}

export function whole(folder: string, options: Options): Part {
  const log = makeText(join(folder, 'whole.log'), 'nginx', options.bytes, options.seed);
  const ways = [...shell(folder, log), own(folder, log, options)];
  const notes = ['agent and receiver share the cores with each other; what the shell sends is thrown away'];
  const wanted = options.peers && ['rsyslog', 'syslog-ng'].some((word) => chosen(word, options));
  const peers = wanted ? findPeers() : undefined;
  if (peers !== undefined) {
    const small = headOf(join(folder, 'peers.log'), log, options.peerBytes);
    const { rsyslog, syslogNg } = peers;
    if (rsyslog)
      ways.push({ word: 'rsyslog', run: (round) => throughRsyslog(rsyslog, join(folder, `rsyslog-${round}`), small) });
    if (syslogNg)
      ways.push({ word: 'syslog-ng', run: (round) => throughSyslogNg(syslogNg, join(folder, `ng-${round}`), small) });
    notes.push(`the peers had the first ${sizeText(small.bytes)} of it`, ...peers.notes);
  }
  return {
    name: 'whole',
    title: `${describe(log)} of nginx-like text on disk → spool → receiver durable`,
    compare: { with: pipeline, figure: 'cpuSecondsPerGib', as: 'toBase' },
    notes,
    round: (round) => runAll(ways, options, round),
  };
}

/** Other kinds of text: the pipeline and ours. */
export function texts(folder: string, options: Options): Part {
  const logs: [string, Made][] = (['json', 'syslog'] as const).map((kind) => [
    kind,
    makeText(join(folder, `${kind}.log`), kind, options.bytes, options.seed),
  ]);
  if (options.corpus !== undefined)
    logs.push(['real', repeatReal(join(folder, 'real.log'), options.corpus, options.bytes)]);
  return {
    name: 'texts',
    title: `${sizeText(options.bytes)} each: ${logs.map(([kind, { lines }]) => `${kind} ${lines.toLocaleString('en')} lines`).join(', ')}`,
    notes: options.corpus === undefined ? ['real logs: --corpus DIR'] : [],
    async round(round) {
      const measured: Measured[] = [];
      for (const [kind, log] of logs) {
        const ways = [...shell(folder, log), own(join(folder, kind), log, options)];
        const all = await runAll(ways, options, round);
        measured.push(...all.map((one) => ({ ...one, way: `${kind}: ${one.way}` })));
      }
      return measured;
    },
  };
}

function shell(folder: string, log: Made): Way[] {
  return [
    { word: 'zstd', run: async () => [await zstdToFile(folder, log)] },
    { word: 'curl', run: async () => [await zstdToCurl(log)] },
    { word: 'codec', run: async () => [await codecAlone(log)] },
  ];
}

function own(folder: string, log: Made, { out }: Options): Way {
  return { word: 'tailspool', run: (round) => wholePath(`${folder}-round-${round}`, log, { out }) };
}

async function runAll(ways: readonly Way[], options: Options, round: number): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const way of ways) if (chosen(way.word, options)) measured.push(...(await way.run(round)));
  return measured;
}

function chosen(word: string, { ways }: Options): boolean {
  return ways.length === 0 || ways.includes(word);
}

function describe({ bytes, lines }: Made): string {
  return `${sizeText(bytes)} (${lines.toLocaleString('en')} lines)`;
}
