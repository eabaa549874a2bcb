/** A service's own log, one JSON object a line, as structured loggers write it. */
import type { SeededRandom } from '../../../test/simulation/random.ts';
import type { LineMaker } from './text.ts';

const levels = ['debug', 'info', 'info', 'info', 'info', 'info', 'warn', 'error'];
const services = ['checkout', 'catalog', 'payments', 'users', 'search', 'gateway'];
const messages = [
  'request completed',
  'cache miss, loading from the database',
  'retrying after a timeout',
  'order accepted',
  'session refreshed',
  'slow query',
  'connection to upstream closed by peer',
];
const linesPerSecond = 250;

export function jsonLines(random: SeededRandom): LineMaker {
  const pods = Array.from({ length: 40 }, () => `${random.pick(services)}-${hex(random, 9)}-${hex(random, 5)}`);
  const users = Array.from({ length: 10_000 }, () => random.below(1_000_000));
  return (number) => {
    const pod = random.pick(pods);
    const entry = {
      ts: new Date(1_793_000_000_000 + Math.floor((number * 1000) / linesPerSecond)).toISOString(),
      level: random.pick(levels),
      service: pod.slice(0, pod.indexOf('-')),
      pod,
      trace_id: hex(random, 32),
      span_id: hex(random, 16),
      user: users[Math.floor(random.fraction() ** 3 * users.length)],
      msg: random.pick(messages),
      status: random.chance(0.95) ? 200 : 500,
      duration_ms: Number((random.fraction() ** 4 * 2000).toFixed(2)),
    };
    return `${JSON.stringify(entry)}\n`;
  };
}

function hex(random: SeededRandom, digits: number): string {
  let text = '';
  while (text.length < digits) text += random.uint32().toString(16).padStart(8, '0');
  return text.slice(0, digits);
}
