/**
 * `/metrics` in Prometheus' text format, version 0.0.4. The metrics hold no numbers of their own: at each scrape they read
 * those of one status, so that counting costs the hot path nothing and one scrape never disagrees with itself.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import type { AgentStatus } from '../status/status.ts';
import { families, sourceFamilies } from './families.ts';
import type { Family } from './family.ts';

export const metricsContentType = Registry.PROMETHEUS_CONTENT_TYPE;

/** The text for one status; `perSource` adds a few lines for each source that the status shows. */
export async function metricsText(status: AgentStatus, perSource: boolean): Promise<string> {
  const registry = new Registry();
  for (const family of perSource ? [...families, ...sourceFamilies] : families) register(registry, family, status);
  return `${await registry.metrics()}\n${latencyText(status)}`;
}

function register(registry: Registry, family: Family, status: AgentStatus): void {
  const { name, help, kind } = family;
  const options = { name, help, labelNames: [...family.labels], registers: [registry] };
  if (kind === 'counter') {
    new Counter({
      ...options,
      collect() {
        for (const { labels, value } of family.read(status)) this.inc(labels, value);
      },
    });
  } else {
    new Gauge({
      ...options,
      collect() {
        for (const { labels, value } of family.read(status)) this.set(labels, value);
      },
    });
  }
}

const latencyName = 'tailspool_shipper_latency_seconds';

/** By hand, since the shippers have filled the buckets themselves and prom-client has no door for that. */
function latencyText(status: AgentStatus): string {
  return [
    `# HELP ${latencyName} From sending to acknowledgement`,
    `# TYPE ${latencyName} histogram`,
    ...status.shippers.flatMap(({ name, latency }) => latencyLines(name, latency)),
    '',
  ].join('\n');
}

type Latencies = AgentStatus['shippers'][number]['latency'];

/** `counts` has one number for each bucket and one more for what was slower; each counts only its own. */
function latencyLines(shipper: string, { bucketsSeconds, counts, sum }: Latencies): string[] {
  // The names of shippers are plain words (the configuration sees to it), so nothing needs escaping.
  let below = 0;
  const buckets = [...bucketsSeconds, '+Inf'].map((bound, index) => {
    below += counts[index] ?? 0;
    return `${latencyName}_bucket{shipper="${shipper}",le="${bound}"} ${below}`;
  });
  return [
    ...buckets,
    `${latencyName}_sum{shipper="${shipper}"} ${sum}`,
    `${latencyName}_count{shipper="${shipper}"} ${below}`,
  ];
}
