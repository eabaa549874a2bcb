/**
 * The law that all counters obey at every moment, for every collector and shipper:
 *
 *     read    = spooled + dropped before the spool
 *     spooled = acknowledged + waiting + dropped by (or for) the shipper
 *
 *     refused = held + delivered + dropped by hand, of a shipper's dead letters
 *
 * together: read = acknowledged + waiting + dropped(reason). It holds right after a start too, since totals live in the
 * spool. Whatever breaks it is a bug of ours: somewhere a record was lost, invented or counted twice.
 */
import type { Tally } from '../../spool/nouns.ts';
import type { Picture } from './status.ts';
import { addTallies, noTally, sumOf } from './tallies.ts';

export interface Imbalance {
  /** '' for dead letters. */
  readonly collector: string;
  /** undefined: between the outside and the spool. */
  readonly shipper: string | undefined;
  readonly unit: 'records' | 'bytes';
  readonly expected: number;
  readonly found: number;
}

/** Empty when everything is accounted for. */
export function imbalances(picture: Picture): Imbalance[] {
  return [...ofCollectors(picture), ...ofDeadLetters(picture)];
}

function ofDeadLetters({ shippers }: Picture): Imbalance[] {
  return shippers.flatMap(({ name, dead }) => {
    if (!dead) return [];
    return compare('', name, dead.refused, addTallies(addTallies(dead.held, dead.delivered), dead.dropped));
  });
}

function ofCollectors(picture: Picture): Imbalance[] {
  return picture.collectors.flatMap((collector) => {
    const { spooled, dropped } = collector.totals;
    const atTheDoor = compare(collector.name, undefined, collector.readTotal, addTallies(spooled, sumOf(dropped)));
    const behind = picture.shippers.flatMap((shipper) => {
      const totals = shipper.totals.collectors[collector.name];
      const found = totals
        ? addTallies(addTallies(totals.acknowledged, totals.waiting), sumOf(totals.dropped))
        : noTally;
      return compare(collector.name, shipper.name, spooled, found);
    });
    return [...atTheDoor, ...behind];
  });
}

function compare(collector: string, shipper: string | undefined, expected: Tally, found: Tally): Imbalance[] {
  return (['records', 'bytes'] as const)
    .filter((unit) => expected[unit] !== found[unit])
    .map((unit) => ({ collector, shipper, unit, expected: expected[unit], found: found[unit] }));
}
