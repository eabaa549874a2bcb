/** Whatever bytes come as a batch: a clear refusal, nothing stored, memory given back. `SEED=n` for other random bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Seeded } from '../../wire/seeded.ts';
import { agentSpool, batchOf, Client } from './client.ts';

const refusals = [400, 413, 426];

async function assertRefused(client: Client, body: Buffer, what: string): Promise<void> {
  const [batch] = batchOf(small, 0, 1, { firstContact: true });
  const said = await client.send(batch, body, { chunkBytes: 90 });
  assert.ok(refusals.includes(said.status), `${what}: ${said.status} ${said.answer?.message}`);
  assert.ok((said.answer?.message.length ?? 0) > 10, what);
  assert.equal(client.spool.blocks.length, 0, `${what}: something was stored`);
}

const small = agentSpool(2);
const [good, body] = batchOf(small, 0, 1, { firstContact: true });

test('every single flipped bit of a batch is noticed, and nothing of it is stored', async () => {
  const client = await Client.start();
  for (let bit = 0; bit < body.length * 8; bit++) {
    const flipped = Buffer.from(body);
    flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7));
    await assertRefused(client, flipped, `bit ${bit}`);
  }
  assert.equal((await client.send(good, body)).status, 200);
  assert.equal(client.receiver.status().gauges.memory_bytes, 0);
});

test('every truncation is noticed, whether its length is told or the connection breaks', async () => {
  const client = await Client.start();
  for (let length = 0; length < body.length; length++) {
    await assertRefused(client, body.subarray(0, length), `${length} bytes`);
    const broken = await client.send(good, body, { cutAt: length });
    assert.equal(broken.status, 503);
    assert.equal(client.spool.blocks.length, 0);
  }
  assert.equal(client.receiver.status().gauges.memory_bytes, 0);
});

test('random bytes and spliced batches are refused', async () => {
  const seed = Number(process.env.SEED ?? 7);
  const chance = new Seeded(seed);
  const client = await Client.start();
  for (let round = 0; round < 400; round++) {
    const strange = Buffer.from(body);
    const at = chance.below(body.length);
    const length = 1 + chance.below(body.length - at);
    if (chance.chance(0.5)) strange.set(chance.bytes(length), at);
    else strange.copy(strange, at, chance.below(body.length));
    if (strange.equals(body)) continue;
    await assertRefused(client, strange, `SEED=${seed} round ${round}`);
  }
});

test('any chunking of the same bytes gives the same blocks', async () => {
  for (const chunkBytes of [1, 2, 3, 7, 19, 20, 21, 64, 1000]) {
    const client = await Client.start();
    assert.equal((await client.send(good, body, { chunkBytes })).status, 200);
    assert.deepEqual(
      client.held(),
      small.blocks.map((block) => block.hash),
    );
  }
});
