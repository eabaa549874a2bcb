/** Several sockets of one collector, each a collector of sockets with a source of its own: as one collector. */
import type { Collector, CollectorStatus } from '../ports.ts';

/** A collector that listens. */
export interface Part extends Collector {
  /** Where it listens; undefined while it does not. */
  readonly address: { readonly host: string; readonly port: number } | undefined;
}

export class Joined<Transport extends string> implements Collector {
  readonly name: string;
  readonly type: string;
  readonly #parts: readonly { readonly transport: Transport; readonly part: Part }[];
  readonly #gauges: () => Readonly<Record<string, number>>;

  /** `gauges`: of all of them together, beside the sums of their own. */
  constructor(
    { name, type }: { readonly name: string; readonly type: string },
    parts: readonly { readonly transport: Transport; readonly part: Part }[],
    gauges: () => Readonly<Record<string, number>>,
  ) {
    this.name = name;
    this.type = type;
    this.#parts = parts;
    this.#gauges = gauges;
  }

  /** Where each transport listens; those that do not (yet) are missing. */
  get addresses(): Readonly<Partial<Record<Transport, { readonly host: string; readonly port: number }>>> {
    const found: Partial<Record<Transport, { readonly host: string; readonly port: number }>> = {};
    for (const { transport, part } of this.#parts) if (part.address) found[transport] = part.address;
    return found;
  }

  async start(): Promise<void> {
    await Promise.all(this.#parts.map(({ part }) => part.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#parts.map(({ part }) => part.stop()));
  }

  status(): CollectorStatus {
    const parts = this.#parts.map(({ part }) => part.status());
    const sum = (of: (status: CollectorStatus) => number) => parts.reduce((total, status) => total + of(status), 0);
    return {
      name: this.name,
      type: this.type,
      read: { records: sum(({ read }) => read.records), bytes: sum(({ read }) => read.bytes) },
      problems: parts.flatMap(({ problems }) => problems),
      sources: [],
      gauges: { ...sumOf(parts.map(({ gauges }) => gauges)), ...this.#gauges() },
    };
  }
}

function sumOf(gauges: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, value] of gauges.flatMap((each) => Object.entries(each))) sums[name] = (sums[name] ?? 0) + value;
  return sums;
}
