/**
 * Groups of lines, another encoding and a container's log through the real processes, which are killed while the files grow and rotate: the mirror
 * holds what was written, each line once.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Event } from '../../collectors/shared/event.ts';
import { textOf } from '../collectors/shared/text-of.ts';
import { Pair } from './pair.ts';
import { sleep, until } from './tailspool.ts';

export interface LinesOptions {
  /** Of each log, about; with as many kills and rotations as there are rounds. */
  readonly records: number;
  readonly rounds: number;
  /** No kill before something came since the last one. */
  readonly progress?: boolean;
}

const folder = 'pods/shop_web-1_uid-7/nginx';
const limitMs = 600_000;

/** Gives how many records of each log were compared. */
export async function linesOverKills({ records: wanted, rounds, progress = false }: LinesOptions) {
  await using pair = await Pair.make({
    collectors: [
      `app: { type: file, include: ["LOGS/app.log"], multiline: { start: '^\\d+ ', traces: [java], timeout: 300ms } }`,
      'wide: { type: file, include: ["LOGS/wide.log"], encoding: utf-16 }',
      'pods: { type: containers, include: ["LOGS/pods/*/*/*.log"] }',
    ],
  });
  fs.writeFileSync(pair.config, fs.readFileSync(pair.config, 'utf8').replaceAll('LOGS', pair.logs));
  fs.mkdirSync(join(pair.logs, folder), { recursive: true });
  const world = new World(pair.logs, folder);
  world.write(5);
  pair.startReceiver();
  pair.startAgent();
  const size = () => pair.mirrored('app.log.ndjson')?.length ?? 0;
  await until('the first records', () => size() > 0);
  const eighth = Math.ceil(wanted / rounds / 8);
  for (let round = 0; round < rounds; round++) {
    const before = size();
    world.write(4 * eighth);
    if (progress) {
      // Behind a part that stands alone for longer than partial_timeout the rest would be a record of its own.
      world.endLine();
      const came = () => size() > before;
      await until('something new', came, () => pair.describe(), limitMs);
    }
    await sleep(round % 2 === 0 ? 150 : 20);
    if (round % 3 === 2) await pair.receiver!.end('SIGKILL');
    else await pair.agent!.end('SIGKILL');
    world.write(2 * eighth);
    if (round % 2 === 0) world.rotate();
    world.write(eighth);
    if (round % 3 === 2) pair.startReceiver();
    else pair.startAgent();
    world.write(eighth);
    if (round % 2 === 1) world.rotate();
  }
  world.write(10, true);
  return await compare(pair, world);
}

async function compare(pair: Pair, world: World) {
  const records = (name: string) => (pair.mirrored(`${name}.ndjson`)?.toString() ?? '').split('\n').slice(0, -1);
  const pods = () => records(`${folder}/0.log`).map((line) => (JSON.parse(line) as Event).body);
  const enough = async () => {
    // Looking costs time that those who write could use.
    await sleep(world.app.length / 10_000);
    return (
      textOf(records('app.log')).length >= world.app.length &&
      (pair.mirrored('wide.log')?.length ?? 0) >= Buffer.byteLength(world.wide) &&
      pods().length >= world.pods.length
    );
  };
  await until('everything in the mirror', enough, () => pair.describe(), limitMs);
  await sleep(300);
  // Not as one text: what differs of two long ones says nothing.
  assert.deepEqual(textOf(records('app.log')).toString().split('\n'), world.app.split('\n'));
  assert.deepEqual(pair.mirrored('wide.log')?.toString().split('\n'), world.wide.split('\n'));
  assert.deepEqual(pods(), world.pods);
  // Kills come between lines of a group as anywhere; only its time limit and a rotation close one.
  const groups = records('app.log').map((line) => JSON.parse(line) as Event);
  const whole = groups.filter(({ attributes }) => attributes === undefined).length;
  assert.ok(whole > groups.length * 0.9, `${whole} of ${groups.length} groups are whole`);
  return { groups: groups.length, whole, wide: world.wide.split('\n').length - 1, pods: world.pods.length };
}

/** What writes the three logs, a piece of a line at a time. */
class World {
  app = '';
  wide = '';
  readonly pods: string[] = [];
  readonly #logs: string;
  readonly #pod: string;
  #number = 0;
  #begun = '';
  #rotations = 0;

  constructor(logs: string, pod: string) {
    this.#logs = logs;
    this.#pod = `${pod}/0.log`;
    fs.writeFileSync(join(logs, 'wide.log'), Buffer.from([0xff, 0xfe]));
  }

  write(count: number, whole = false): void {
    for (let left = count; left > 0; left--) {
      const number = this.#number++;
      this.#append('app.log', this.#group(number));
      const line = `${number} ünïcödé ਊ line\r\n`;
      this.wide += line;
      fs.appendFileSync(join(this.#logs, 'wide.log'), Buffer.from(line, 'utf16le'));
      this.#container(number, whole);
    }
  }

  /** A line of the container begins before it and ends behind it. */
  rotate(): void {
    while (this.#begun === '') this.#container(this.#number++, false);
    const name = `.20260102-03${String(++this.#rotations).padStart(4, '0')}`;
    for (const log of ['app.log', 'wide.log', this.#pod])
      fs.renameSync(join(this.#logs, log), join(this.#logs, `${log}${name}`));
    fs.writeFileSync(join(this.#logs, 'wide.log'), Buffer.from([0xff, 0xfe]));
  }

  endLine(): void {
    if (this.#begun !== '') this.#container(this.#number++, true);
  }

  #group(number: number): string {
    const lines = [`${number} ERROR java.lang.IllegalStateException: again`];
    for (let frame = 0; frame < number % 5; frame++) lines.push(`\tat org.example.App.run(App.java:${frame})`);
    const text = `${lines.join('\n')}\n`;
    this.app += text;
    return text;
  }

  /** Every third line is in two parts, with other lines and rotations between them. */
  #container(number: number, whole: boolean): void {
    const isPart = number % 3 === 0 && !whole;
    const line = `2026-01-02T03:04:05.${String(number).padStart(9, '0')}Z stdout ${isPart ? 'P' : 'F'} ${number} part\n`;
    this.#append(this.#pod, line);
    this.#begun += `${number} part`;
    if (isPart) return;
    this.pods.push(this.#begun);
    this.#begun = '';
  }

  #append(log: string, text: string): void {
    fs.appendFileSync(join(this.#logs, log), text);
  }
}
