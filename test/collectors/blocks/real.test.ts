import assert from 'node:assert/strict';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { decodeHeader, hashOf } from '../../../spool/format.ts';
import { expandFrame } from '../../../spool/format-table.ts';
import type { Spool } from '../../../spool/spool.ts';
import { codec, temporarySpool, writeLines } from '../../spool/temporary-spool.ts';
import { makeAuthority, makeCertificate, opensslMissing } from '../../support/certificates.ts';
import { blankImage, MemorySpool } from '../../wire/memory-spool.ts';
import { delivered, startReceiver, startShipper, stopAll, until } from '../../wire/real.ts';

test('lines of an agent are in the receiver once and in order, over real HTTP and real spools', async () => {
  await using agent = temporarySpool();
  await using center = temporarySpool();
  const [edge, middle] = [await agent.open(), await center.open()];
  const receiver = await startReceiver(middle);
  const shipper = await startShipper(edge.outlet('s'), receiver.url);
  const source = edge.intake.begin(agent.description('/var/log/a'));
  const lines = await writeLines(edge, source, 0, 5000);
  await delivered(edge, edge.outlet('s'));
  assert.deepEqual(linesOf(middle), lines);
  assert.equal(receiver.collector.status().read.records, 5000);
  assert.equal(shipper.status().gauges.records, 5000);
  await stop(shipper, receiver.collector, edge, middle);
});

test('both sides may restart at any time, and the epochs of the agent follow one another', async () => {
  await using agent = temporarySpool();
  await using center = temporarySpool();
  let middle = await center.open();
  let receiver = await startReceiver(middle);
  const { port } = receiver;
  const lines: string[] = [];
  let at = 0;
  for (let round = 0; round < 6; round++) {
    const edge = await agent.open();
    const outlet = edge.outlet('s');
    const shipper = await startShipper(outlet, receiver.url);
    const [known] = edge.intake.sources.keys();
    const source = known ?? edge.intake.begin(agent.description('/var/log/a'));
    const more = await writeLines(edge, source, at, 300);
    lines.push(...more);
    at += more.join('').length;
    if (round % 2 === 0) await delivered(edge, outlet);
    if (round % 3 === 1) {
      await receiver.collector.stop();
      await middle.close();
      middle = await center.open();
      receiver = await startReceiver(middle, { port });
    }
    if (round === 5) await delivered(edge, outlet);
    await shipper.stop();
    await edge.close();
  }
  assert.deepEqual(linesOf(middle), lines);
  assert.deepEqual(receiver.collector.status().problems, []);
  await receiver.collector.stop();
  await middle.close();
});

test('exactly once composes: edge, relay and centre, and each restarts once', async () => {
  await using agent = temporarySpool();
  await using between = temporarySpool();
  await using center = temporarySpool();
  const edge = await agent.open();
  let [relay, middle] = [await between.open(), await center.open()];
  let receivers = [await startReceiver(relay), await startReceiver(middle)] as const;
  const [first, second] = receivers.map(({ port }) => port);
  let onward = await startShipper(relay.outlet('s'), receivers[1].url);
  const shipper = await startShipper(edge.outlet('s'), receivers[0].url);
  const source = edge.intake.begin(agent.description('/var/log/a'));
  const lines = await writeLines(edge, source, 0, 500);
  await delivered(edge, edge.outlet('s'));
  await stop(onward, receivers[0].collector, relay);
  relay = await between.open();
  await stop(onward, receivers[1].collector, middle);
  middle = await center.open();
  receivers = [await startReceiver(relay, { port: first! }), await startReceiver(middle, { port: second! })];
  onward = await startShipper(relay.outlet('s'), receivers[1].url);
  lines.push(...(await writeLines(edge, source, lines.join('').length, 500)));
  await delivered(edge, edge.outlet('s'));
  await delivered(relay, relay.outlet('s'));
  assert.deepEqual(linesOf(middle), lines);
  await stop(shipper, receivers[0].collector, edge);
  await stop(onward, receivers[1].collector, relay, middle);
});

test('200 agents at once get through within a small memory budget, each in its own order', async () => {
  await using center = temporarySpool();
  const middle = await center.open();
  const memoryBytesMax = 2 * 1024 * 1024;
  const receiver = await startReceiver(middle, { memoryBytesMax, connectionsMax: 250 });
  const agents = Array.from({ length: 200 }, (_, n) => {
    const spool = new MemorySpool(blankImage(`agent ${n}`), `agent ${n}`);
    for (let i = 0; i < 4; i++) spool.add(`${n} ${i} ${'x'.repeat(15_000)}\n`);
    spool.sync();
    return spool;
  });
  const shippers = await Promise.all(agents.map((spool) => startShipper(spool.outlet('s'), receiver.url)));
  await until('all is acknowledged', () =>
    agents.every((spool) => (spool.outlet('s').cursor?.position ?? 0) >= spool.durable),
  );
  for (const shipper of shippers) await shipper.stop();
  const held = new Map<string, string[]>();
  for (const { header } of blocksOf(middle)) {
    const origin = header.origin && decodeHeader(header.origin);
    if (origin?.kind !== 'header') continue;
    const { spool } = origin.header;
    held.set(spool, [...(held.get(spool) ?? []), hashOf(header.origin!)]);
  }
  for (const spool of agents)
    assert.deepEqual(
      held.get(spool.id),
      spool.blocks.map((block) => block.hash),
    );
  const { gauges } = receiver.collector.status();
  assert.ok(gauges.memory_bytes_peak! <= memoryBytesMax);
  assert.equal(gauges.memory_bytes, 0);
  assert.equal(gauges.streams, 200);
  await receiver.collector.stop();
  await middle.close();
});

test('a restored receiver: what retain_acked kept goes out again, what is gone is declared', async () => {
  await using agent = temporarySpool();
  await using center = temporarySpool();
  await using backup = temporarySpool();
  const small = { segmentBytes: 64 * 1024, retainAckedBytes: 200 * 1024 };
  const edge = await agent.open(small);
  let middle = await center.open();
  let receiver = await startReceiver(middle);
  const { port } = receiver;
  let shipper = await startShipper(edge.outlet('s'), receiver.url);
  const source = edge.intake.begin(agent.description('/var/log/a'));
  let at = 0;
  const write = async (count: number) => {
    const more = await writeNoise(edge, source, at, count);
    at += more.join('').length;
    await delivered(edge, edge.outlet('s'));
    return more;
  };
  const early = await write(50);
  await receiver.collector.stop();
  await middle.close();
  rmSync(backup.path, { recursive: true });
  cpSync(center.path, backup.path, { recursive: true });
  middle = await center.open();
  receiver = await startReceiver(middle, { port });
  const late = await write(3000);
  await until('segments were let go', () => edge.status().oldest > 0);
  await shipper.stop();
  await receiver.collector.stop();
  await middle.close();
  middle = await backup.open();
  receiver = await startReceiver(middle, { port });
  shipper = await startShipper(edge.outlet('s'), receiver.url);
  const last = await write(10);
  const got = linesOf(middle);
  const sent = [...early, ...late, ...last];
  const missing = sent.length - got.length;
  assert.ok(missing > 0 && missing < 3000, `${missing} are missing`);
  assert.deepEqual(got, [...sent.slice(0, 50), ...sent.slice(50 + missing)]);
  const drops = runsOf(middle).flatMap((run) => run.dropped ?? []);
  assert.deepEqual(
    drops.map((drop) => drop.reason),
    ['upstream'],
  );
  await stop(shipper, receiver.collector, edge, middle);
});

for (const restarts of [false, true])
  test(`what drop_oldest gave up is declared: received and declared add up to what was written${restarts ? ', also when the agent restarts meanwhile' : ''}`, async () => {
    await using agent = temporarySpool();
    await using center = temporarySpool();
    const shippers = [{ name: 's', whenFull: 'drop_oldest' as const }];
    const options = { segmentBytes: 64 * 1024, maxBytes: 1.5 * 1024 * 1024, shippers };
    let edge = await agent.open(options);
    let middle = await center.open();
    let receiver = await startReceiver(middle);
    const { port, url } = receiver;
    let shipper = await startShipper(edge.outlet('s'), url);
    const source = edge.intake.begin(agent.description('/var/log/a'));
    const lines = await writeNoise(edge, source, 0, 100);
    await delivered(edge, edge.outlet('s'));
    await receiver.collector.stop();
    await middle.close();
    lines.push(...(await writeNoise(edge, source, lines.join('').length, 8_000)));
    if (restarts) {
      await shipper.stop();
      await edge.close();
      edge = await agent.open(options);
      shipper = await startShipper(edge.outlet('s'), url);
      lines.push(...(await writeNoise(edge, source, lines.join('').length, 3_000)));
    }
    middle = await center.open();
    receiver = await startReceiver(middle, { port });
    await delivered(edge, edge.outlet('s'));
    const got = linesOf(middle);
    const declared = runsOf(middle).reduce((sum, run) => sum + (run.dropped?.records ?? 0), 0);
    assert.ok(declared > 1000, `${declared} declared`);
    assert.equal(got.length + declared, lines.length);
    assert.deepEqual(got, [...lines.slice(0, 100), ...lines.slice(100 + declared)]);
    assert.equal(edge.status().shippers.s?.collectors.c?.dropped.retention?.records, declared);
    await stop(shipper, receiver.collector, edge, middle);
  });

test('token and TLS on both sides; a changed token file is read by itself', { skip: opensslMissing }, async () => {
  await using agent = temporarySpool();
  await using center = temporarySpool();
  const ca = makeAuthority(center.path, 'ca');
  const server = makeCertificate(center.path, 'server', ca);
  const client = makeCertificate(center.path, 'client', ca);
  const [tokenThere, tokenHere] = [`${center.path}/tokens`, `${agent.path}/token`];
  writeFileSync(tokenThere, 'right-token\n');
  writeFileSync(tokenHere, 'wrong-token\n');
  const [edge, middle] = [await agent.open(), await center.open()];
  const tls = { ...server, clientCaFile: ca.certFile };
  const receiver = await startReceiver(middle, { tls, tokenFile: tokenThere });
  const settings = { ...client, caFile: ca.certFile, bearerFile: tokenHere };
  const shipper = await startShipper(edge.outlet('s'), receiver.url, settings);
  const lines = await writeLines(edge, edge.intake.begin(agent.description('/a')), 0, 10);
  await until('it holds', () => shipper.status().state === 'holding');
  assert.equal(shipper.status().problems[0]?.cause, 'unauthorized');
  assert.equal(shipper.status().problems[0]?.red, true);
  writeFileSync(tokenHere, 'right-token\n');
  await delivered(edge, edge.outlet('s'));
  assert.deepEqual(linesOf(middle), lines);
  assert.deepEqual(shipper.status().problems, []);
  const told = JSON.stringify([receiver.log, receiver.collector.status(), shipper.status()]);
  assert.doesNotMatch(told, /right-token|wrong-token/);
  await stop(shipper, receiver.collector, edge, middle);
});

afterEach(stopAll);

async function stop(shipper: { stop(): Promise<void> }, receiver: { stop(): Promise<void> }, ...spools: Spool[]) {
  await shipper.stop();
  await receiver.stop();
  for (const spool of spools) await spool.close();
}

function runsOf(spool: Spool) {
  return blocksOf(spool).flatMap((header) => header.header.runs);
}

/** Every line of foreign blocks, in the order in which they were taken. */
function linesOf(spool: Spool): string[] {
  return blocksOf(spool).flatMap(({ header, frame }) => {
    if (!header.origin || header.records === 0) return [];
    return expandFrame(frame, codec)!
      .toString()
      .split(/(?<=\n)/);
  });
}

function blocksOf(spool: Spool) {
  const outlet = spool.outlet('s');
  const found = [];
  for (let at = outlet.oldest; ; ) {
    const read = outlet.read(at, 1024 * 1024);
    if (read.kind === 'end' || read.kind === 'unreadable') return found;
    if (read.kind === 'blocks')
      for (const block of read.blocks) {
        const decoded = decodeHeader(Buffer.from(block.header));
        assert.equal(decoded.kind, 'header');
        if (decoded.kind === 'header') found.push({ header: decoded.header, frame: Buffer.from(block.frame) });
      }
    at = read.upto;
  }
}

/** Lines that do not compress. */
async function writeNoise(spool: Spool, source: number, from: number, count: number): Promise<string[]> {
  const lines: string[] = [];
  let at = from;
  for (let n = 0; n < count; n++) {
    const line = `${at} ${Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(150))).toString('base64')}\n`;
    let view = spool.intake.reserve(line.length);
    for (; !view; view = spool.intake.reserve(line.length)) await spool.intake.room();
    Buffer.from(view.buffer, view.byteOffset, view.length).write(line);
    const flags = { continues: false, unterminated: false };
    const place = { source, from: at, to: at + line.length, mark: Buffer.alloc(4) };
    spool.intake.commit({ ...place, format: 'text', records: 1, bytes: line.length, time: Date.now(), ...flags });
    at += line.length;
    lines.push(line);
    if (n % 100 === 99) await spool.intake.flush();
  }
  return lines;
}
