/** What a metric is here: a name and a way to read its numbers from a status. The helpers make the usual shapes. */
import type { SourceStatus } from '../../collectors/ports.ts';
import type { Tally } from '../../spool/nouns.ts';
import type { AgentStatus, CollectorShown, ShipperShown } from '../status/status.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge';
  readonly labels: readonly string[];
  /** One sample for each set of labels. */
  read(status: AgentStatus): readonly Sample[];
}

export type LabelledTally = readonly [labels: Sample['labels'], tally: Tally];

/** Two families, `tailspool_<verb>_bytes…` and `tailspool_<verb>_records…`. */
export function pair(
  kind: Family['kind'],
  verb: string,
  labels: readonly string[],
  meaning: string,
  read: (status: AgentStatus) => readonly LabelledTally[],
): Family[] {
  const suffix = kind === 'counter' ? '_total' : '';
  return (['bytes', 'records'] as const).map((unit) => ({
    name: `tailspool_${verb}_${unit}${suffix}`,
    help: `${unit === 'bytes' ? 'Source bytes' : 'Records'} ${meaning}`,
    kind,
    labels,
    read: (status) => read(status).map(([labels, tally]) => ({ labels, value: tally[unit] })),
  }));
}

export function single(
  kind: Family['kind'],
  name: string,
  help: string,
  read: (status: AgentStatus) => number,
): Family {
  return { name, help, kind, labels: [], read: (status) => [{ labels: {}, value: read(status) }] };
}

export function perCollector(
  kind: Family['kind'],
  name: string,
  help: string,
  read: (collector: CollectorShown, status: AgentStatus) => number,
): Family {
  return {
    name,
    help,
    kind,
    labels: ['collector'],
    read: (status) => status.collectors.map((one) => ({ labels: { collector: one.name }, value: read(one, status) })),
  };
}

export function perShipper(
  kind: Family['kind'],
  name: string,
  help: string,
  read: (shipper: ShipperShown, status: AgentStatus) => number,
): Family {
  return {
    name,
    help,
    kind,
    labels: ['shipper'],
    read: (status) => status.shippers.map((one) => ({ labels: { shipper: one.name }, value: read(one, status) })),
  };
}

export function perSource(name: string, help: string, read: (source: SourceStatus) => number): Family {
  return {
    name,
    help,
    kind: 'gauge',
    labels: ['collector', 'source', 'number', 'state'],
    read: (status) =>
      status.collectors.flatMap((collector) =>
        collector.sources.map((source) => ({ labels: sourceLabels(collector, source), value: read(source) })),
      ),
  };
}

function sourceLabels(collector: CollectorShown, source: SourceStatus): Sample['labels'] {
  // A name that is not UTF-8 holds lone surrogates, which the exposition format cannot carry.
  const name = source.name.toWellFormed();
  return { collector: collector.name, source: name, number: String(source.source), state: source.state };
}
