/**
 * All metrics, as a table: everything under `/metrics` is in here (but the latency histogram) and nothing else is. Names
 * are a contract: dashboards rely on them.
 */
import type { Tally } from '../../spool/nouns.ts';
import type { AgentStatus, CollectorShown, ShipperShown } from '../status/status.ts';
import { noTally } from '../status/tallies.ts';
import {
  type Family,
  type LabelledTally,
  pair,
  perCollector,
  perShipper,
  perSource,
  type Sample,
  single,
} from './family.ts';

/** read = acknowledged + waiting + dropped, for each collector and shipper, at every scrape. */
const flow: readonly Family[] = [
  ...pair('counter', 'read', ['collector'], 'taken from the outside, over the life of the spool', (status) =>
    status.collectors.map(({ name, readTotal }) => [{ collector: name }, readTotal]),
  ),
  ...pair('counter', 'spooled', ['collector'], 'put into the spool', (status) =>
    status.collectors.map(({ name, totals }) => [{ collector: name }, totals.spooled]),
  ),
  ...pair('counter', 'acknowledged', ['collector', 'shipper'], 'proven to be at the destination', (status) =>
    eachFlow(status, ({ acknowledged }) => acknowledged),
  ),
  ...pair(
    'counter',
    'dropped',
    ['collector', 'shipper', 'reason'],
    'not delivered, by reason (shipper is empty for what never came into the spool)',
    droppedTallies,
  ),
  ...pair('gauge', 'waiting', ['collector', 'shipper'], 'in the spool and not yet acknowledged', (status) =>
    eachFlow(status, ({ waiting }) => waiting),
  ),
];

const collectors: readonly Family[] = [
  perCollector('gauge', 'tailspool_lag_bytes', 'Bytes at the sources that are not read yet', (one) => one.lagBytes),
  perCollector(
    'gauge',
    'tailspool_lag_seconds',
    'Age of the oldest byte that is not read yet, at least',
    (one) => one.lagMs / 1000,
  ),
  perCollector(
    'gauge',
    'tailspool_lag_records',
    'Records that wait for the shipper that is furthest behind',
    mostWaiting,
  ),
  {
    name: 'tailspool_collector_sources',
    help: 'Sources by state',
    kind: 'gauge',
    labels: ['collector', 'state'],
    read: (status) => status.collectors.flatMap(sourcesByState),
  },
  {
    name: 'tailspool_collector',
    help: 'Figures of this collector’s own, by name',
    kind: 'gauge',
    labels: ['collector', 'figure'],
    read: (status) => status.collectors.flatMap((one) => ownFigures('collector', one)),
  },
];

const shippers: readonly Family[] = [
  perShipper('gauge', 'tailspool_oldest_waiting_seconds', 'Age of the oldest record that waits', oldestWaitingSeconds),
  perShipper('counter', 'tailspool_shipper_attempts_total', 'Requests (or writes) begun', (one) => one.attempts),
  perShipper('counter', 'tailspool_shipper_wire_bytes_total', 'Bytes of bodies sent', (one) => one.wireBytes),
  perShipper(
    'gauge',
    'tailspool_shipper_last_acknowledged_timestamp_seconds',
    'When something was last acknowledged; 0: not since the process began',
    (one) => (one.lastAcknowledgedAt ?? 0) / 1000,
  ),
  {
    name: 'tailspool_shipper_outcomes_total',
    help: 'Attempts by how they ended',
    kind: 'counter',
    labels: ['shipper', 'outcome'],
    read: (status) =>
      status.shippers.flatMap(({ name, outcomes }) =>
        Object.entries(outcomes).map(([outcome, value]) => ({ labels: { shipper: name, outcome }, value })),
      ),
  },
  {
    name: 'tailspool_shipper_state',
    help: 'The state that the shipper is in has the value 1',
    kind: 'gauge',
    labels: ['shipper', 'state'],
    read: (status) => status.shippers.map(({ name, state }) => ({ labels: { shipper: name, state }, value: 1 })),
  },
  dead('tailspool_dead_records', 'Dead letters: refused = held + delivered + dropped', ({ records }) => records),
  dead('tailspool_dead_bytes', 'What these letters take as lines, with all that stands in them', ({ bytes }) => bytes),
  {
    name: 'tailspool_shipper_circuit',
    help: '0: requests go out; 1: one finds out whether the endpoint works again; 2: none goes out for a while',
    kind: 'gauge',
    labels: ['shipper'],
    read: (status) =>
      status.shippers.flatMap(({ name, circuit }) =>
        circuit === undefined
          ? []
          : [{ labels: { shipper: name }, value: { closed: 0, half_open: 1, open: 2 }[circuit] }],
      ),
  },
  {
    name: 'tailspool_shipper',
    help: 'Figures of this shipper’s own, by name',
    kind: 'gauge',
    labels: ['shipper', 'figure'],
    read: (status) => status.shippers.flatMap((one) => ownFigures('shipper', one)),
  },
];

const spool: readonly Family[] = [
  single('gauge', 'tailspool_spool_bytes', 'Bytes of segments on disk', (s) => s.spool.bytes),
  single('gauge', 'tailspool_spool_max_bytes', 'What they may come to', (s) => s.spool.maxBytes),
  single('gauge', 'tailspool_spool_segments', 'Segment files', (s) => s.spool.segments),
  single('gauge', 'tailspool_spool_damaged_bytes', 'Bytes set aside in damaged/', (s) => s.spool.damagedBytes),
  single('gauge', 'tailspool_spool_sources', 'Live sources', (s) => s.spool.sources),
  single(
    'gauge',
    'tailspool_spool_unsynced_bytes',
    'Written and not yet durable',
    (s) => s.spool.end - s.spool.durable,
  ),
  single(
    'counter',
    'tailspool_spool_raw_bytes_total',
    'Source bytes put in, over its life',
    (s) => s.spool.rawBytesTotal,
  ),
  single('counter', 'tailspool_spool_written_bytes_total', 'What these took on disk', (s) => s.spool.spooledBytesTotal),
  single('counter', 'tailspool_spool_records_total', 'Records put in, over its life', (s) => s.spool.recordsTotal),
  single('counter', 'tailspool_spool_syncs_total', 'fdatasync calls that returned', (s) => s.spool.syncs),
  {
    name: 'tailspool_spool_hold',
    help: 'Why nothing is taken at the moment; absent while all is well',
    kind: 'gauge',
    labels: ['reason'],
    read: ({ spool: { hold } }) => (hold === undefined ? [] : [{ labels: { reason: hold }, value: 1 }]),
  },
];

const agent: readonly Family[] = [
  single('gauge', 'tailspool_healthy', '1 while nothing is red', (s) => (s.red ? 0 : 1)),
  {
    name: 'tailspool_problems',
    help: 'Problems now, by part and cause',
    kind: 'gauge',
    labels: ['part', 'cause', 'red'],
    read: problemCounts,
  },
  {
    name: 'tailspool_build_info',
    help: 'The version, and the zstd codec in use',
    kind: 'gauge',
    labels: ['version', 'codec'],
    read: ({ process: { version, codec } }) => [{ labels: { version, codec }, value: 1 }],
  },
  single(
    'gauge',
    'tailspool_event_loop_lag_seconds',
    'The worst of about the last minute',
    (s) => s.process.eventLoopLagMs / 1000,
  ),
  single(
    'gauge',
    'tailspool_private_memory_bytes',
    'Memory that is this process’s alone',
    (s) => s.process.privateBytes ?? 0,
  ),
  single('gauge', 'process_resident_memory_bytes', 'Resident memory', (s) => s.process.residentBytes),
  single('counter', 'process_cpu_seconds_total', 'User and system CPU time', (s) => s.process.cpuSeconds),
  single('gauge', 'process_open_fds', 'Open file descriptors', (s) => s.process.openDescriptors ?? 0),
  single('gauge', 'process_start_time_seconds', 'When the process began', (s) => s.process.startedAt / 1000),
];

export const families: readonly Family[] = [...flow, ...collectors, ...shippers, ...spool, ...agent];

/** Only with `?per=source`; the status has at most `sourcesShownMax` of them. */
export const sourceFamilies: readonly Family[] = [
  perSource('tailspool_source_offset_bytes', 'How far the source is read', (one) => one.offset),
  perSource('tailspool_source_size_bytes', 'How much there is of it', (one) => one.size),
  perSource('tailspool_source_lag_bytes', 'What of it is not read yet', (one) => one.lagBytes),
  perSource(
    'tailspool_source_last_read_timestamp_seconds',
    'When it was last read',
    (one) => (one.lastReadAt ?? 0) / 1000,
  ),
  perCollector(
    'gauge',
    'tailspool_sources_omitted',
    'Sources that are not listed one by one',
    (one) => one.sourcesOmitted,
  ),
];

type ShipperTally = ShipperShown['totals']['collectors'][string];

function eachFlow(status: AgentStatus, read: (tally: ShipperTally) => Tally): LabelledTally[] {
  return status.shippers.flatMap(({ name: shipper, totals }) =>
    Object.entries(totals.collectors).map(([collector, tally]): LabelledTally => [{ collector, shipper }, read(tally)]),
  );
}

function droppedTallies(status: AgentStatus): LabelledTally[] {
  const atTheDoor = status.collectors.flatMap(({ name, totals }) => byReason(name, '', totals.dropped));
  const behindIt = status.shippers.flatMap((shipper) =>
    Object.entries(shipper.totals.collectors).flatMap(([name, { dropped }]) => byReason(name, shipper.name, dropped)),
  );
  return [...atTheDoor, ...behindIt];
}

function dead(name: string, help: string, figure: (tally: Tally) => number): Family {
  const read = ({ shippers }: AgentStatus): Sample[] =>
    shippers.flatMap(({ name: shipper, dead: letters }) => {
      if (!letters) return [];
      const { refused, held, delivered, dropped } = letters;
      return Object.entries({ refused, held, delivered, dropped }).map(([state, tally]) => ({
        labels: { shipper, state },
        value: figure(tally),
      }));
    });
  return { name, help, kind: 'gauge', labels: ['shipper', 'state'], read };
}

function byReason(collector: string, shipper: string, dropped: CollectorShown['totals']['dropped']): LabelledTally[] {
  return Object.entries(dropped).map(([reason, tally = noTally]) => [{ collector, shipper, reason }, tally]);
}

function mostWaiting({ name }: CollectorShown, status: AgentStatus): number {
  return Math.max(0, ...status.shippers.map(({ totals }) => totals.collectors[name]?.waiting.records ?? 0));
}

function oldestWaitingSeconds({ oldestWaitingAt }: ShipperShown, { at }: AgentStatus): number {
  return oldestWaitingAt === undefined ? 0 : Math.max(0, at - oldestWaitingAt) / 1000;
}

function ownFigures(label: string, one: { readonly name: string; readonly gauges: Readonly<Record<string, number>> }) {
  return Object.entries(one.gauges).map(
    ([figure, value]): Sample => ({ labels: { [label]: one.name, figure }, value }),
  );
}

function sourcesByState(collector: CollectorShown): Sample[] {
  return Object.entries(collector.sourceStates).map(([state, value]) => ({
    labels: { collector: collector.name, state },
    value,
  }));
}

function problemCounts(status: AgentStatus): Sample[] {
  const groups = Object.groupBy(status.problems, ({ part, cause, red }) => JSON.stringify([part, cause, red]));
  return Object.values(groups).map((group = []) => {
    const { part, cause, red } = group[0]!;
    return { labels: { part, cause, red: String(red) }, value: group.length };
  });
}
