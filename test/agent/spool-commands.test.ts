import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CommandContext } from '../../agent/cli/commands.ts';
import { runProgram } from '../../agent/cli/program.ts';
import { openHost } from '../../agent/host/host.ts';
import type { Spool } from '../../spool/spool.ts';
import { BlockMaker, epochOf } from '../shippers/mirror/memory-outlet.ts';
import { codec, temporarySpool, textRun } from '../spool/temporary-spool.ts';

/** Runs `tailspool spool …` as the command line does. */
async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out: Buffer[] = [];
  let err = '';
  const context: CommandContext = {
    out: async (data) => void out.push(Buffer.from(data)),
    err: (text) => (err += text),
    terminal: { outIsTerminal: false, errIsTerminal: false, columns: 80, errColors: false },
    environment: {},
    workingDirectory: '/',
    onSignal: () => ({ [Symbol.dispose]() {} }),
    openHost: async (log) => openHost(log),
  };
  const code = await runProgram(['spool', ...args], context);
  return { code, out: Buffer.concat(out).toString('latin1'), err };
}

function put(spool: Spool, source: number, from: number, text: string, over: { unterminated?: boolean } = {}): number {
  const bytes = Buffer.from(over.unterminated ? `${text}\n` : text, 'latin1');
  const view = spool.intake.reserve(bytes.length);
  assert.ok(view);
  view.set(bytes);
  spool.intake.commit(textRun({ source, from, to: from + text.length, bytes: bytes.length, records: 1, ...over }));
  return from + text.length;
}

async function filled(dir: ReturnType<typeof temporarySpool>): Promise<void> {
  const spool = await dir.open();
  const [a, b] = [spool.intake.begin(dir.description('/a.log')), spool.intake.begin(dir.description('/b.log'))];
  let at = put(spool, a, 0, 'a1\n');
  put(spool, b, 0, 'b1\xff\n');
  at = put(spool, a, at, 'a2 begins', { unterminated: true });
  await spool.intake.flush();
  put(spool, a, at, ' and ends\n');
  put(spool, b, 4, 'b2 has no end', { unterminated: true });
  await spool.intake.flush();
  await spool.close();
}

test('`spool cat` prints what was read, parts of a line together', async () => {
  await using dir = temporarySpool();
  await filled(dir);
  const all = 'a1\nb1\xff\na2 begins and ends\nb2 has no end';
  assert.deepEqual(await run('cat', dir.path), { code: 0, out: all, err: '' });
  assert.equal((await run('cat', join(dir.path, 'spool'), '--path', '/a.log')).out, 'a1\na2 begins and ends\n');
  assert.equal((await run('cat', dir.path, '--source', '2')).out, 'b1\xff\nb2 has no end');
  assert.equal((await run('cat', dir.path, '--path', '/c.log')).out, '');
});

test("`spool cat` and `spool ls` see through to the agents' records in a receiver's spool", async () => {
  await using dir = temporarySpool();
  const spool = await dir.open();
  const source = spool.intake.begin({ collector: 'edge', type: 'blocks', resource: {}, attributes: {} });
  const agent = new BlockMaker('ab'.repeat(16), epochOf('cd'.repeat(16)), codec);
  const descriptions = new Map([[9, dir.description('/far.log')]]);
  const block = agent.own({
    table: new Map(),
    descriptions,
    pieces: [{ source: 9, bytes: Buffer.from('far away\n') }],
  });
  assert.ok(spool.intake.append(textRun({ source, from: 0, bytes: 9, records: 1 }), block) !== undefined);
  await spool.intake.flush();
  await spool.close();
  assert.equal((await run('cat', dir.path, '--path', '/far.log', '--origin', 'abab')).out, 'far away\n');
  const { code, out } = await run('ls', dir.path, '--json');
  assert.equal(code, 0);
  const { sources, segments } = JSON.parse(out);
  const [line] = sources;
  assert.deepEqual(
    [line.origin, line.source, line.name, line.records, line.bytes],
    ['ab'.repeat(16), 9, '/far.log', 1, 9],
  );
  assert.equal(segments[0].records, 1);
  assert.match((await run('ls', dir.path)).out, /\/far\.log {2}1 record {2}9 B {2}h {2}from abababab/);
  assert.equal((await run('verify', dir.path)).code, 0);
});

test('`spool verify` ends with 0 for a sound spool, also while it is open, and with 1 for a damaged one', async () => {
  await using dir = temporarySpool();
  await filled(dir);
  assert.match((await run('verify', dir.path)).out, /^sound: 1 segment, \d+ blocks, 5 records/);
  const spool = await dir.open();
  const open = await run('verify', dir.path);
  assert.equal(open.code, 0, open.err);
  await spool.close();
  const [name] = fs.readdirSync(join(dir.path, 'spool'));
  const path = join(dir.path, 'spool', name!);
  const bytes = fs.readFileSync(path);
  bytes[Math.floor(bytes.length / 2)]! ^= 4;
  fs.writeFileSync(path, bytes);
  const damaged = await run('verify', dir.path);
  assert.equal(damaged.code, 1);
  assert.match(damaged.err, new RegExp(`^${name} at \\d+`));
});

test('a torn end is told from a block that is being written', async () => {
  await using dir = temporarySpool();
  await filled(dir);
  const path = join(dir.path, 'spool', fs.readdirSync(join(dir.path, 'spool'))[0]!);
  const whole = fs.readFileSync(path);
  // The last block vouches for those before it, so cut within it.
  fs.writeFileSync(path, whole.subarray(0, whole.length - 5));
  const torn = await run('verify', dir.path);
  assert.equal(torn.code, 1);
  assert.match(torn.err, /the end is torn/);
  const asked = run('verify', dir.path);
  setTimeout(() => fs.writeFileSync(path, whole), 300);
  assert.equal((await asked).code, 0);
});

test('a folder that is no spool is a mistake in the command line', async () => {
  await using dir = temporarySpool();
  for (const command of ['ls', 'cat', 'verify']) {
    const { code, err } = await run(command, dir.path);
    assert.equal(code, 2);
    assert.match(err, /neither a data_dir nor a spool folder/);
  }
});
