/** Pictures of an agent that does well, to be spoiled by a test. */

import type { CollectorShown, Picture, ShipperShown } from '../../agent/status/status.ts';
import type { SourceStatus } from '../../collectors/ports.ts';

export function picture(changes: Partial<Picture> = {}): Picture {
  return {
    at: 1_000_000,
    dataDir: '/data',
    process: {
      pid: 7,
      version: '0.0.0',
      codec: 'test',
      hostName: 'host',
      startedAt: 0,
      eventLoopLagMs: 3,
      residentBytes: 1,
      privateBytes: 1,
      cpuSeconds: 1,
      openDescriptors: 1,
    },
    collectors: [collector()],
    shippers: [shipper()],
    spool: spool(),
    ...changes,
  };
}

export function collector(changes: Partial<CollectorShown> = {}): CollectorShown {
  return {
    name: 'nginx',
    type: 'file',
    read: { records: 10, bytes: 100 },
    readTotal: { records: 10, bytes: 100 },
    totals: { spooled: { records: 9, bytes: 90 }, dropped: { hole: { records: 1, bytes: 10 } } },
    problems: [],
    sources: [],
    sourcesOmitted: 0,
    sourceStates: {},
    lagBytes: 0,
    lagMs: 0,
    gauges: { open_files: 1 },
    ...changes,
  };
}

export function source(changes: Partial<SourceStatus> = {}): SourceStatus {
  return {
    name: '/var/log/a.log',
    source: 1,
    offset: 100,
    size: 100,
    lagBytes: 0,
    lastReadAt: 999_000,
    state: 'following',
    ...changes,
  };
}

export function shipper(changes: Partial<ShipperShown> = {}): ShipperShown {
  return {
    name: 'central',
    type: 'http',
    state: 'idle',
    destination: 'http://127.0.0.1:1/v1/blocks',
    problems: [],
    attempts: 3,
    outcomes: { acknowledged: 3 },
    latency: { bucketsSeconds: [0.1, 1], counts: [2, 1, 0], sum: 0.5 },
    wireBytes: 50,
    lastAcknowledgedAt: 999_500,
    gauges: {},
    waiting: { records: 2, bytes: 20 },
    oldestWaitingAt: 998_000,
    totals: {
      cursor: undefined,
      collectors: {
        nginx: {
          acknowledged: { records: 6, bytes: 60 },
          waiting: { records: 2, bytes: 20 },
          dropped: { retention: { records: 1, bytes: 10 } },
        },
      },
    },
    ...changes,
  };
}

export function spool(changes: Partial<Picture['spool']> = {}): Picture['spool'] {
  return {
    id: '0'.repeat(32),
    epoch: { id: '1'.repeat(32), start: 0, parent: undefined },
    oldest: 0,
    end: 500,
    durable: 500,
    segments: 1,
    bytes: 500,
    maxBytes: 5_000,
    damagedBytes: 0,
    sources: 1,
    rawBytesTotal: 90,
    spooledBytesTotal: 500,
    recordsTotal: 9,
    syncs: 4,
    hold: undefined,
    problems: [],
    recovered: [],
    ...changes,
  };
}
