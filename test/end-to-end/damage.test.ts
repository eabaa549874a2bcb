/** The damage drill with the real processes, in small: killed, a file of a data_dir damaged, started again. SEED replays. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Hurt, hurt } from '../drill/damage.ts';
import { firstSeed, SeededRandom } from '../simulation/random.ts';
import { Pair } from './pair.ts';
import { askStatus, sleep, until, untilAnswers } from './tailspool.ts';

const seed = firstSeed(1);
const rounds = Number(process.env.ROUNDS ?? 2);

test(`real processes start on a damaged data_dir, lose at most what was damaged and repeat nothing (SEED=${seed})`, async () => {
  const random = new SeededRandom(seed);
  await using pair = await Pair.make();
  const written: string[] = [];
  const append = (count: number) => {
    const lines = Array.from({ length: count }, (_, n) => `line ${written.length + n} ${'x'.repeat(random.below(60))}`);
    fs.appendFileSync(join(pair.logs, random.pick(['a.log', 'b.log'])), lines.map((line) => `${line}\n`).join(''));
    written.push(...lines);
  };
  const told: string[] = [];
  pair.startReceiver();
  pair.startAgent();
  append(200);
  await drained(pair);
  for (let round = 0; round < rounds; round++) {
    await pair.receiver!.end('SIGKILL');
    for (let part = 0; part < 6; part++) {
      append(20);
      await sleep(150);
    }
    await pair.agent!.end('SIGKILL');
    told.push(damageSomething([pair.agentData, pair.receiverData], random));
    const before = written.length;
    pair.startReceiver();
    pair.startAgent();
    await untilAnswers(pair.agentData);
    append(50);
    await drained(pair, told);
    const arrived = linesBelow(pair.out);
    const what = `SEED=${seed} ${told.join(', ')}`;
    assert.equal(new Set(arrived).size, arrived.length, `${what}: a line came twice`);
    const known = new Set(written);
    assert.deepEqual(
      arrived.filter((line) => !known.has(line)),
      [],
      what,
    );
    const there = new Set(arrived);
    assert.deepEqual(
      written.slice(before).filter((line) => !there.has(line)),
      [],
      `${what}: what was written after the damage`,
    );
    // The blocks of one round hold at most this; a damaged one loses at most itself.
    const missing = written.filter((line) => !there.has(line));
    assert.ok(missing.length <= 120 * (round + 1), `${what}: ${missing.length} lines are missing`);
  }
});

function damageSomething(folders: readonly string[], random: SeededRandom): string {
  const files = folders.flatMap(filesBelow).sort();
  const path = random.pick(files);
  const bytes = fs.readFileSync(path);
  const at = random.below(Math.max(1, bytes.length));
  const damage = random.pick<Exclude<Hurt, { kind: 'missing' }>>([
    { kind: 'flip', at, mask: 1 << random.below(8) },
    { kind: 'flip', at, mask: 0xff },
    { kind: 'cut', at },
    { kind: 'zeros', at },
  ]);
  if (bytes.length > 0) fs.writeFileSync(path, hurt(bytes, damage));
  return `${path} ${JSON.stringify(damage)}`;
}

/** All is read, shipped and mirrored, as both sides say, twice in a row. */
async function drained(pair: Pair, told: readonly string[] = []): Promise<void> {
  let quiet = 0;
  await until(
    'everything drained',
    async () => {
      const [agent, receiver] = await Promise.all([askStatus(pair.agentData), askStatus(pair.receiverData)]);
      const waits = [agent, receiver].some(
        (status) => !status || status.shippers.some(({ waiting }) => waiting.records > 0),
      );
      const lags = agent?.collectors.some(({ lagBytes }) => lagBytes > 0) ?? true;
      quiet = waits || lags ? 0 : quiet + 1;
      await sleep(200);
      return quiet >= 8;
    },
    async () => `SEED=${seed} ${told.join(', ')}\n${await pair.describe()}`,
  );
}

function filesBelow(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function linesBelow(folder: string): string[] {
  return filesBelow(folder).flatMap((path) =>
    fs
      .readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== ''),
  );
}
