/** The agent with a syslog collector, and the receiver behind it: what arrived of what real clients sent. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Event } from '../../spool/event.ts';
import { makeAuthority, makeCertificate, opensslMissing } from '../support/certificates.ts';
import { nativeMissing } from '../support/native.ts';
import { Pair } from './pair.ts';
import {
  type Client,
  loggerClient,
  loggerMissing,
  numberedLines,
  peer,
  rsyslogClient,
  rsyslogWithTls,
  syslogNgClient,
  type Target,
} from './syslog-clients.ts';
import { askStatus, freePort, isPortBound, until, untilAnswers } from './tailspool.ts';

const collector = 'net';
const portionLines = 200;
/** For a machine on which everything else runs too. */
const limitMs = 600_000;

export interface Served extends AsyncDisposable {
  readonly pair: Pair;
  readonly tcp: Target;
  readonly udp: Target;
  readonly unix: Target;
  readonly unixgram: Target;
  readonly tls: Target;
}

/** An agent that listens in every way, with more keys for the collector. */
export async function serve(...more: readonly string[]): Promise<Served> {
  const [tcp, udp, tls] = [await freePort(), await freePort(), await freePort()];
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-syslog-'));
  const [unix, unixgram] = [join(folder, 'stream'), join(folder, 'log')];
  const authority = opensslMissing ? undefined : makeAuthority(folder, 'authority');
  const certificate = authority && makeCertificate(folder, 'localhost', authority);
  const listen = [
    `tcp: "127.0.0.1:${tcp}", udp: "127.0.0.1:${udp}", unix: ${unix}`,
    ...(certificate ? [`tls: "127.0.0.1:${tls}"`] : []),
    ...(nativeMissing ? [] : [`unixgram: ${unixgram}`]),
  ];
  const lines = [
    'type: syslog',
    `listen: { ${listen.join(', ')} }`,
    ...(certificate ? [`tls: { cert: ${certificate.certFile}, key: ${certificate.keyFile} }`] : []),
    ...more,
  ];
  const pair = await Pair.make({ collectors: [`${collector}:`, ...lines.map((line) => `  ${line}`)] });
  pair.startReceiver();
  pair.startAgent();
  await untilAnswers(pair.receiverData);
  // What is sent to a port of UDP that nobody has is lost, and nobody counts it.
  const bound = () =>
    [unix, ...(nativeMissing ? [] : [unixgram])].every((path) => fs.existsSync(path)) &&
    [tcp, ...(certificate ? [tls] : [])].every((port) => isPortBound('tcp', port)) &&
    isPortBound('udp', udp);
  await until('the sockets', bound, () => pair.describe());
  return {
    pair,
    tcp: { at: tcp },
    udp: { at: udp },
    unix: { at: unix },
    unixgram: { at: unixgram },
    tls: { at: tls, caFile: authority?.certFile ?? '' },
    async [Symbol.asyncDispose]() {
      await pair[Symbol.asyncDispose]();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One way in which a real program sends. `start` says why it cannot be had where it cannot. */
export interface Way {
  readonly name: string;
  readonly to: 'tcp' | 'udp' | 'unix' | 'unixgram' | 'tls';
  readonly start: (target: Target, folder: string) => Client | string;
}

function logger(name: string, to: Way['to'], ...options: string[]): Way {
  return {
    name: `logger ${name}`,
    to,
    start: (target) => loggerMissing ?? loggerClient(options, target),
  };
}

function rsyslog(name: string, to: Way['to'], forward: string): Way {
  return {
    name: `rsyslog ${name}`,
    to,
    start(target, folder) {
      const program = to === 'tls' ? rsyslogWithTls() : peer('rsyslog');
      return typeof program === 'string' ? program : rsyslogClient(program, folder, target, forward);
    },
  };
}

function syslogNg(name: string, to: Way['to'], driver: (target: Target) => string): Way {
  return {
    name: `syslog-ng ${name}`,
    to,
    start(target, folder) {
      const program = peer('syslog-ng');
      return typeof program === 'string' ? program : syslogNgClient(program, folder, driver(target));
    },
  };
}

export const ways: readonly Way[] = [
  logger('--udp --rfc3164', 'udp', '-d', '--rfc3164'),
  logger('--udp --rfc5424', 'udp', '-d', '--rfc5424'),
  logger('--tcp --rfc3164', 'tcp', '-T', '--rfc3164'),
  logger('--tcp --rfc5424', 'tcp', '-T', '--rfc5424'),
  logger('--tcp --rfc5424 --octet-count', 'tcp', '-T', '--rfc5424', '--octet-count'),
  logger('--tcp --rfc3164 --octet-count', 'tcp', '-T', '--rfc3164', '--octet-count'),
  logger('--socket, datagrams', 'unixgram', '-i'),
  logger('--socket --tcp --octet-count', 'unix', '-T', '--rfc5424', '--octet-count'),
  rsyslog('omfwd udp', 'udp', 'protocol="udp" template="RSYSLOG_TraditionalForwardFormat"'),
  rsyslog('omfwd tcp', 'tcp', 'protocol="tcp" template="RSYSLOG_ForwardFormat"'),
  rsyslog(
    'omfwd tcp, octet-counted',
    'tcp',
    'protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"',
  ),
  rsyslog(
    'omfwd TLS, octet-counted',
    'tls',
    'protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"',
  ),
  syslogNg('network(udp)', 'udp', ({ at }) => `network("127.0.0.1" port(${at}) transport("udp"));`),
  syslogNg('network(tcp)', 'tcp', ({ at }) => `network("127.0.0.1" port(${at}) transport("tcp"));`),
  syslogNg('syslog(tcp)', 'tcp', ({ at }) => `syslog("127.0.0.1" port(${at}) transport("tcp"));`),
  syslogNg(
    'syslog(tls)',
    'tls',
    ({ at, caFile }) => `syslog("localhost" port(${at}) transport("tls") tls(ca-file("${caFile}")));`,
  ),
  syslogNg('unix-dgram', 'unixgram', ({ at }) => `unix-dgram("${at}");`),
];

/**
 * Sends so many lines in this way and compares what the mirror then has with what was sent. The kernel may drop UDP that nobody reads in time:
 * what is missing has to be as much as was counted. Gives how much that is.
 */
export async function sendAndCompare(
  t: TestContext,
  served: Served,
  way: Way,
  lines: readonly string[],
  portion = portionLines,
): Promise<number> {
  const { pair } = served;
  const missing = way.to === 'tls' ? opensslMissing : way.to === 'unixgram' && nativeMissing;
  if (missing) return skipped(t, missing);
  const count = new Lines(pair.arrivedPath(collector));
  const begun = count.now();
  const before = await flowOf(pair);
  const folder = join(pair.folder, way.name.replace(/[^a-z0-9]+/gi, '-'));
  const client = way.start(served[way.to], folder);
  if (typeof client === 'string') return skipped(t, client);
  await using running = client;
  await send(running, way.to === 'udp' ? chunked(lines, portion) : [lines], () => flowOf(pair));
  const lost = (await flowOf(pair)).dropped - before.dropped;
  const said = async () => `${count.now() - begun} are there\n${running.printed()}\n${await pair.describe()}`;
  const wanted = lines.length - lost;
  await until(`${wanted} messages of ${way.name}`, () => count.now() - begun >= wanted, said, limitMs);
  const events = arrived(pair).slice(begun);
  assertArrived(
    events.map(({ body }) => String(body)),
    lines,
    way.to === 'udp' ? lost : 0,
  );
  for (const event of [events[0]!, events.at(-1)!]) {
    assert.equal(event.resource?.['service.name'], 'load');
    assert.match(event.timestamp ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    assert.ok(Math.abs(Date.parse(event.timestamp!) - Date.now()) < 600_000, event.timestamp);
    assert.equal(typeof event.severityNumber, 'number');
  }
  return lost;
}

function skipped(t: TestContext, why: string): number {
  t.skip(why);
  return 0;
}

/** Everything in order; but for so many, which are counted as lost. */
function assertArrived(bodies: readonly string[], lines: readonly string[], lost: number): void {
  if (lost === 0) assert.deepEqual(bodies, lines);
  let at = 0;
  for (const body of bodies) {
    const found = lines.indexOf(body, at);
    assert.ok(found >= 0, `not sent, or not in this place: ${body}`);
    at = found + 1;
  }
  assert.equal(bodies.length + lost, lines.length, 'what is missing is counted');
}

interface Flow {
  readonly taken: number;
  readonly dropped: number;
}

/** The senders of UDP hear of nothing: a receive buffer of the kernel's default size holds some hundreds of datagrams. */
async function send(client: Client, portions: readonly (readonly string[])[], flow: () => Promise<Flow>) {
  if (portions.length === 1) return client.send(portions[0]!);
  const known = async () => {
    const { taken, dropped } = await flow();
    return taken + dropped;
  };
  let wanted = await known();
  for (const portion of portions) {
    client.send(portion);
    wanted += portion.length;
    const done = async () => (await known()) >= wanted;
    await until(`${wanted} datagrams to be taken or counted`, done, () => client.printed(), limitMs);
  }
}

function chunked(lines: readonly string[], length: number): string[][] {
  return Array.from({ length: Math.ceil(lines.length / length) }, (_, n) => lines.slice(n * length, (n + 1) * length));
}

async function flowOf(pair: Pair): Promise<Flow> {
  const totals = (await statusOf(pair))?.totals;
  return { taken: totals?.spooled.records ?? 0, dropped: totals?.dropped.kernel_buffer?.records ?? 0 };
}

/** What the collector says of itself. */
export async function statusOf(pair: Pair) {
  return (await askStatus(pair.agentData))?.collectors.find(({ name }) => name === collector);
}

export function arrived(pair: Pair): Event[] {
  const lines = pair.arrived(collector).split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Event);
}

/** Counts the lines of a file that grows, reading each byte once. */
class Lines {
  readonly #path: string;
  readonly #chunk = Buffer.alloc(1 << 20);
  #offset = 0;
  #count = 0;

  constructor(path: string) {
    this.#path = path;
  }

  now(): number {
    if (!fs.existsSync(this.#path)) return 0;
    const descriptor = fs.openSync(this.#path, 'r');
    for (;;) {
      const read = fs.readSync(descriptor, this.#chunk, 0, this.#chunk.length, this.#offset);
      if (read === 0) break;
      this.#offset += read;
      for (let lf = this.#chunk.indexOf(10); lf >= 0 && lf < read; lf = this.#chunk.indexOf(10, lf + 1)) this.#count++;
    }
    fs.closeSync(descriptor);
    return this.#count;
  }
}

export { numberedLines };
