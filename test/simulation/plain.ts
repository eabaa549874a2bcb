/**
 * An agent that ships to an endpoint of somebody else, on a simulated machine: lines come, the power goes before any change to the
 * disk, the process is killed, requests and answers get lost. The endpoint refuses poisonous lines and bodies that are too large.
 * Where it honours `Idempotency-Key` every line is there once in the end; where it does not, lines come twice only around a crash,
 * at most as many blocks for each as requests were allowed to be outstanding.
 */
import assert from 'node:assert/strict';
import { zstdDecompressSync } from 'node:zlib';
import { deadPlaces, lettersIn } from '../../agent/dead/look.ts';
import { chooseCodec } from '../../agent/host/codec.ts';
import { imbalances } from '../../agent/status/conservation.ts';
import type { WireRequest, WireResponse } from '../../collectors/ports.ts';
import { type Fault, Network } from '../wire/network.ts';
import { SimulatedClock } from './clock.ts';
import { slow } from './faults.ts';
import { SeededRandom } from './random.ts';
import { Side } from './side.ts';

export interface PlainResult {
  readonly seed: number;
  readonly honoursKeys: boolean;
  readonly outstanding: number;
  readonly lines: number;
  readonly poison: number;
  readonly requests: number;
  readonly crashes: number;
  /** Blocks that were taken again. */
  readonly repeatedBlocks: number;
  readonly deadLetters: number;
}

const log = '/var/log/app/a.log';
const drainMsMax = 600_000;

export async function runPlain(seed: number, honoursKeys: boolean): Promise<PlainResult> {
  const run = new Run(seed, honoursKeys);
  try {
    return await run.run();
  } catch (error) {
    throw new Error(
      `seed ${seed}, keys ${honoursKeys ? 'honoured' : 'ignored'}: ${(error as Error).message}\n${run.said}`,
      {
        cause: error,
      },
    );
  }
}

/** One taking of a request by the endpoint. */
interface Taking {
  readonly key: string;
  readonly lines: readonly string[];
  readonly life: number;
}

class Run {
  readonly #seed: number;
  readonly #honoursKeys: boolean;
  readonly #random: SeededRandom;
  readonly #clock = new SimulatedClock();
  readonly #network = new Network(this.#clock);
  readonly #edge: Side;
  readonly #outstanding: number;
  readonly #ndjson: boolean;
  readonly #poisonous: boolean;
  readonly #bytesMax: number;
  readonly #takings: Taking[] = [];
  #requests = 0;
  #lines = 0;
  #poison = 0;

  constructor(seed: number, honoursKeys: boolean) {
    this.#seed = seed;
    this.#honoursKeys = honoursKeys;
    this.#random = new SeededRandom(seed);
    this.#outstanding = this.#random.pick([1, 1, 2, 5]);
    this.#ndjson = this.#random.chance(0.3);
    this.#poisonous = this.#random.chance(0.6);
    this.#bytesMax = this.#random.chance(0.3) ? 600 : Number.POSITIVE_INFINITY;
    const yaml = [
      'data_dir: /data',
      'collectors: { app: { type: file, include: [/var/log/app/*.log], scan_interval: 1s, partial_timeout: 1s } }',
      'spool: { max_size: 16MiB, min_free: 0 }',
      'shippers:',
      '  central: { type: http, protocol: plain, url: "http://127.0.0.1:8600/in", retry_max: 1s,',
      `    outstanding: ${this.#outstanding}, encoding: ${this.#ndjson ? 'ndjson' : 'text'},`,
      `    compression: ${this.#random.pick(['zstd', 'none'])}, progress_timeout: 2s, dead_max_size: 4MiB }`,
    ];
    this.#edge = new Side('edge', `${yaml.join('\n')}\n`, this.#clock, this.#network, this.#random.fork());
    this.#network.handler = (request) => this.#take(request);
    this.#network.fault = () => this.#fault();
  }

  get said(): string {
    return this.#edge.said();
  }

  async run(): Promise<PlainResult> {
    this.#makeLog();
    await this.#edge.start();
    for (let round = 6 + this.#random.below(10); round > 0; round--) await this.#round();
    await this.#drain();
    this.#check();
    const repeatedBlocks = [...this.#repeats().values()].reduce((sum, count) => sum + count, 0);
    const deadLetters = this.#letters().length;
    await this.#edge.stop();
    const { powerCuts, kills } = this.#edge.counts;
    return {
      ...{ seed: this.#seed, honoursKeys: this.#honoursKeys, outstanding: this.#outstanding, lines: this.#lines },
      ...{ poison: this.#poison, requests: this.#requests, crashes: powerCuts + kills, repeatedBlocks, deadLetters },
    };
  }

  async #round(): Promise<void> {
    const random = this.#random;
    const edge = this.#edge;
    for (let more = 1 + random.below(4); more > 0; more--) {
      await this.#append(1 + random.below(random.chance(0.2) ? 200 : 12));
      await this.#clock.advance(random.below(1500));
    }
    if (random.chance(0.5)) edge.disk.faults = [slow(5 + random.below(300), { kinds: ['datasync'] })];
    if (random.chance(0.5)) edge.disk.crashBefore(edge.disk.operations + 1 + random.below(40));
    else if (random.chance(0.4)) edge.kill();
    else if (random.chance(0.2)) await edge.stop();
    await this.#clock.advance(random.below(4000));
    if (random.chance(0.2)) edge.crashAfterReopen = [1 + random.below(60)];
    await edge.start();
    this.#conserved();
  }

  /** The faults stop; a wholesome line shows that what was refused is to blame. */
  async #drain(): Promise<void> {
    const edge = this.#edge;
    this.#network.fault = () => ({ kind: 'none' });
    edge.crashAfterReopen = [];
    edge.disk.faults = [];
    edge.disk.crashBefore(Number.POSITIVE_INFINITY);
    await edge.start();
    edge.disk.crashBefore(Number.POSITIVE_INFINITY);
    for (let waited = 0; waited < drainMsMax; waited += 5000) {
      await this.#clock.advance(5000);
      const shipper = edge.agent!.status().shippers[0]!;
      const read = edge.agent!.status().collectors[0]!.readTotal.records;
      if (read >= this.#lines && shipper.waiting.records === 0) break;
      if (waited % 60_000 === 30_000) await this.#append(1, true);
    }
    await this.#clock.advance(3000);
    this.#conserved();
  }

  #makeLog(): void {
    const { files } = this.#edge.disk;
    files.makeDirectory('/var/log/app');
    files.open(log, 'create').close();
  }

  /** Durable at once: what an application did not sync may go back, which is not what is looked at here. */
  async #append(count: number, wholesome = false): Promise<void> {
    const edge = this.#edge;
    if (edge.disk.crashed) return;
    edge.disk.crashBefore(Number.POSITIVE_INFINITY);
    let text = '';
    for (; count > 0; count--) {
      const bad = this.#poisonous && !wholesome && this.#random.chance(0.08);
      if (bad) this.#poison++;
      text += `line ${this.#lines++} ${bad ? 'poison' : 'x'.repeat(this.#random.below(30))}\n`;
    }
    const file = edge.disk.files.open(log, 'write');
    file.write(Buffer.from(text), file.stat().sizeBytes);
    await this.#clock.run(file.datasync());
    for (const folder of ['/var/log/app', '/var/log', '/var', '/'])
      await this.#clock.run(edge.disk.files.syncDirectory(folder));
    file.close();
  }

  #fault(): Fault {
    const random = this.#random;
    if (!random.chance(0.15)) return { kind: 'none', delayMs: random.below(60) };
    // To an endpoint that takes a key twice whatever repeats a request by itself would hide what crashes do.
    const harmless: Fault[] = [
      { kind: 'refused' },
      { kind: 'lost_request' },
      { kind: 'cut_body', fraction: random.fraction() * 0.9 },
      { kind: 'instead', answer: { status: 503, headers: { 'retry-after': '1' }, body: Buffer.alloc(0) } },
      { kind: 'instead', answer: { status: 401, headers: {}, body: Buffer.alloc(0) } },
    ];
    if (!this.#honoursKeys) return random.pick(harmless);
    const repeating: Fault[] = [{ kind: 'lost_answer' }, { kind: 'twice' }, { kind: 'late_copy', delayMs: 5000 }];
    return random.pick([...harmless, ...repeating]);
  }

  async #take(request: WireRequest): Promise<WireResponse> {
    const pieces: Buffer[] = [];
    await request.body.read((piece) => {
      pieces.push(Buffer.from(piece));
      return true;
    });
    while (await request.body.read((piece) => pieces.push(Buffer.from(piece)) > 0));
    this.#requests++;
    const { 'idempotency-key': key = '', 'content-encoding': encoding } = request.headers;
    const raw = Buffer.concat(pieces);
    const text = (encoding === 'zstd' ? zstdDecompressSync(raw) : raw).toString();
    const lines = text
      .split('\n')
      .slice(0, -1)
      .map((line) => (this.#ndjson ? (JSON.parse(line) as { body: string }).body : line));
    if (text.length > this.#bytesMax && lines.length > 1) return { status: 413 };
    if (lines.some((line) => line.endsWith('poison'))) return { status: 422, body: 'poison' };
    if (this.#honoursKeys && this.#takings.some((taking) => taking.key === key)) return { status: 204 };
    this.#takings.push({ key, lines, life: this.#edge.counts.starts });
    return { status: 204 };
  }

  #conserved(): void {
    const agent = this.#edge.disk.crashed ? undefined : this.#edge.agent;
    if (agent) assert.deepEqual(imbalances(agent.status()), []);
  }

  #check(): void {
    const written = this.#edge.disk.files.open(log, 'read');
    const content = Buffer.alloc(written.stat().sizeBytes);
    written.read(content, 0);
    const lines = content.toString().split('\n').slice(0, -1);
    assert.equal(lines.length, this.#lines);
    const good = lines.filter((line) => !line.endsWith('poison'));
    const taken = this.#takings.flatMap((taking) => taking.lines);
    const first = [...new Set(taken)];
    const missing = good.filter((line) => !taken.includes(line));
    assert.deepEqual(missing, [], 'lines that never arrived');
    assert.equal(first.length, good.length, 'lines that nobody wrote');
    const inOrder = this.#outstanding === 1 && !this.#poisonous;
    if (inOrder) assert.deepEqual(first, good, 'not in order');
    if (this.#honoursKeys) assert.equal(taken.length, good.length, 'lines that came twice');
    else this.#checkRepeats();
    const poison = lines.filter((line) => line.endsWith('poison'));
    assert.deepEqual(this.#letters().toSorted(), poison.toSorted(), 'dead letters');
    const { shippers } = this.#edge.agent!.status();
    assert.equal(shippers[0]!.totals.collectors.app?.dropped.refused?.records ?? 0, poison.length);
    assert.equal(shippers[0]!.dead?.refused.records ?? 0, poison.length);
  }

  /** By life: how many blocks it brought again that an earlier one had brought, wholly or in part. */
  #repeats(): Map<number, number> {
    const blocks = new Map<number, Set<string>>();
    const seen = new Map<string, number>();
    for (const { key, lines, life } of this.#takings) {
      const block = key.split('/')[0]!;
      for (const line of lines) {
        const before = seen.get(line);
        seen.set(line, life);
        if (before === undefined) continue;
        assert.notEqual(before, life, `${line} came twice within one life`);
        blocks.set(life, (blocks.get(life) ?? new Set()).add(block));
      }
    }
    return new Map([...blocks].map(([life, each]) => [life, each.size]));
  }

  #checkRepeats(): void {
    for (const [life, count] of this.#repeats())
      assert.ok(count <= this.#outstanding, `life ${life} brought ${count} blocks again`);
  }

  #letters(): string[] {
    const { files } = this.#edge.disk;
    const { codec } = chooseCodec();
    const letters: string[] = [];
    for (const place of deadPlaces(files, '/data'))
      for (const found of lettersIn(files, codec, place)) {
        assert.equal(found.kind, 'letter');
        if (found.kind === 'letter') letters.push(Buffer.from(found.stored.letter.body).toString());
      }
    return letters;
  }
}
