/**
 * An access log as nginx writes it. What compression sees is as in real ones: addresses and pages that come again by a power
 * law, numbers that do not, time that goes on.
 */
import type { SeededRandom } from '../../../test/simulation/random.ts';
import type { LineMaker } from './text.ts';

const agents = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
  'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
  'curl/8.10.1',
  'kube-probe/1.31',
  'Go-http-client/2.0',
];
const places = [
  'products',
  'search',
  'cart',
  'static/css',
  'static/js',
  'images',
  'api/v1/orders',
  'api/v1/users',
  'api/v2/items',
  'health',
];
const statuses = [200, 200, 200, 200, 200, 200, 204, 301, 304, 304, 404, 499, 500];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const linesPerSecond = 400;

export function nginxLines(random: SeededRandom): LineMaker {
  const addresses = Array.from({ length: 20_000 }, () => Array.from({ length: 4 }, () => random.below(256)).join('.'));
  const pages = Array.from({ length: 5_000 }, () => `/${random.pick(places)}/${random.uint32().toString(36)}`);
  return (number) => line(random, addresses, pages, number);
}

function line(random: SeededRandom, addresses: readonly string[], pages: readonly string[], number: number): string {
  const status = random.pick(statuses);
  const size = status === 304 || status === 204 ? 0 : random.below(1 << (4 + random.below(14)));
  const query = random.chance(0.3) ? `?id=${random.below(1_000_000)}&page=${random.below(20)}` : '';
  const referrer = random.chance(0.5) ? '-' : `https://shop.example.com${powerLaw(random, pages)}`;
  const took = (random.fraction() ** 4).toFixed(3);
  return `${powerLaw(random, addresses)} - - [${time(number)}] "${random.chance(0.9) ? 'GET' : 'POST'} ${powerLaw(random, pages)}${query} HTTP/1.1" ${status} ${size} "${referrer}" "${random.pick(agents)}" ${took}\n`;
}

function powerLaw<T>(random: SeededRandom, from: readonly T[]): T {
  return from[Math.floor(random.fraction() ** 3 * from.length)]!;
}

function time(number: number): string {
  const at = new Date(1_793_000_000_000 + Math.floor(number / linesPerSecond) * 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const clock = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join(':');
  return `${two(at.getUTCDate())}/${months[at.getUTCMonth()]}/${at.getUTCFullYear()}:${clock} +0000`;
}
