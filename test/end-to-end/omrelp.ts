/** A real rsyslog that reads a file and sends its lines with omrelp, and an agent and a receiver around it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { findPeers, type PeerProgram } from '../../build/bench/ways/peer-programs.ts';
import { rsyslogArguments } from '../../build/bench/ways/peer-settings.ts';
import type { Event } from '../../spool/event.ts';
import { Pair } from './pair.ts';
import { askStatus, freePort, sleep, until, untilAnswers } from './tailspool.ts';

export const { rsyslog, notes } = findPeers();
export const skip = rsyslog === undefined && notes.join('; ');

/** librelp's window: so many messages may be under way when a session breaks. */
const window = 128;

export class Omrelp implements AsyncDisposable {
  readonly #process: ChildProcess;

  /** `tls`: more of the action's parameters. */
  constructor(folder: string, input: string, port: number, tls = '') {
    const settings = `global(workDirectory="${folder}" maxMessageSize="1m" parser.escapeControlCharactersOnReceive="off" net.enableDNS="off")
module(load="imfile" mode="inotify")
module(load="omrelp")
input(type="imfile" file="${input}" tag="load:" ruleset="send" escapeLF="off")
ruleset(name="send") {
  action(type="omrelp" target="127.0.0.1" port="${port}" template="RSYSLOG_SyslogProtocol23Format" windowSize="${window}"
    action.resumeRetryCount="-1" action.resumeInterval="1" queue.type="LinkedList" queue.size="200000" ${tls})
}
`;
    const { command, env } = rsyslog as PeerProgram;
    const args = rsyslogArguments(rsyslog as PeerProgram, folder, settings);
    this.#process = spawn(command, args, { env, stdio: process.env.KEEP ? 'inherit' : 'ignore' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }
}

/** Sends so many lines and kills the agent so often meanwhile: none is lost, and no more come twice than could not be told. */
export async function sendOverKills(records: number, kills: number): Promise<{ readonly twice: number }> {
  const port = await freePort();
  await using pair = await Pair.make({ collectors: ['r:', '  type: relp', `  listen: 127.0.0.1:${port}`] });
  pair.startReceiver();
  await untilAnswers(pair.receiverData);
  pair.startAgent();
  const input = join(pair.folder, 'input');
  fs.writeFileSync(input, '');
  await using _sender = new Omrelp(fs.mkdtempSync(join(pair.folder, 'rsyslog-')), input, port);
  const lines = Array.from({ length: records }, (_, n) => `message ${n} ${'x'.repeat(n % 100)}.`);
  const share = Math.ceil(records / (kills + 1));
  for (let round = 0; round <= kills; round++) {
    fs.appendFileSync(
      input,
      lines
        .slice(round * share, (round + 1) * share)
        .map((line) => `${line}\n`)
        .join(''),
    );
    await untilArrived(pair, round * share + Math.ceil(share / 3));
    if (round === kills) break;
    await pair.agent?.end('SIGKILL');
    pair.startAgent();
  }
  await untilArrived(pair, records);
  return { twice: check(eventsOf(pair), lines, kills) };
}

export async function untilArrived(pair: Pair, records: number): Promise<void> {
  const last = async () => {
    await sleep(Math.min(1000, records / 100));
    return distinct(pair) >= records;
  };
  await until(`${records} messages`, last, async () => `${distinct(pair)} are there\n${await pair.describe()}`);
}

export function eventsOf(pair: Pair): Event[] {
  const lines = pair.arrived('r').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Event);
}

function distinct(pair: Pair): number {
  return new Set(pair.arrived('r').match(/message \d+/g)).size;
}

function check(events: readonly Event[], lines: readonly string[], kills: number): number {
  const seen = new Set<unknown>();
  let next = 0;
  for (const { body, resource } of events) {
    assert.equal(resource?.['service.name'], 'load');
    if (!seen.has(body)) assert.equal(body, lines[next++], 'in order');
    seen.add(body);
  }
  assert.equal(next, lines.length);
  const twice = events.length - lines.length;
  assert.ok(twice <= kills * window, `${twice} came twice`);
  return twice;
}

export async function gaugesOf(pair: Pair) {
  return (await askStatus(pair.agentData))?.collectors.find(({ name }) => name === 'r')?.gauges;
}
