/** Lines of a stream, in whatever pieces it comes: the same records; long and open ones in flagged parts, and nothing lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostClock } from '../../../agent/host/clock.ts';
import type { ByteReader } from '../../../collectors/ports.ts';
import { Deposit } from '../../../collectors/shared/deposit.ts';
import { LineStream, type LineStreamOptions } from '../../../collectors/shared/line-stream.ts';
import { firstSeed, SeededRandom } from '../../simulation/random.ts';
import { delivered, temporarySpool } from '../../spool/temporary-spool.ts';
import { textOf } from './text-of.ts';

const seed = firstSeed(Date.now() % 1_000_000);
const options = { lineBytesMax: 1024, partialTimeoutMs: 60_000 };

/** The records, each with its line feed, and which runs were flagged. */
async function recordsOf(reader: ByteReader, more: Partial<LineStreamOptions> = {}) {
  await using folder = temporarySpool();
  const spool = await folder.open();
  const { intake } = spool;
  const flags: string[] = [];
  const commit = intake.commit.bind(intake);
  intake.commit = (run) => {
    if (run.continues || run.unterminated)
      flags.push(`${run.continues ? 'continues ' : ''}${run.unterminated ? 'open' : ''}`);
    commit(run);
  };
  const { clock } = folder.ports;
  const deposit = new Deposit(
    { collector: 'c', type: 't', resource: {}, attributes: {}, format: 'text' },
    { intake, clock },
  );
  await new LineStream({ ...options, ...more }, deposit, hostClock).run(reader);
  await intake.flush();
  const records = delivered(folder, spool.outlet('s'));
  const { read } = deposit;
  await spool.close();
  return { records, flags, read };
}

function inPieces(bytes: Buffer, sizes: () => number): ByteReader {
  let at = 0;
  return {
    async read(take) {
      while (at < bytes.length) {
        const piece = Buffer.from(bytes.subarray(at, at + Math.max(1, sizes())));
        at += piece.length;
        if (!take(piece)) return true;
      }
      return false;
    },
  };
}

test(`any pieces of a stream give the same bytes, and no line that fits is torn (SEED=${seed})`, async () => {
  const random = new SeededRandom(seed);
  for (let round = 0; round < 20; round++) {
    const lines = Array.from({ length: random.below(200) }, () => {
      const length = random.chance(0.1) ? random.below(5000) : random.below(100);
      return `${'x'.repeat(length)}\n`;
    });
    const bytes = Buffer.from(lines.join('') + (random.chance(0.5) ? 'the end' : ''));
    const most = [1, 10, 1000, 70_000][random.below(4)]!;
    const { records, read } = await recordsOf(inPieces(bytes, () => 1 + random.below(most)));
    const added = bytes.length > 0 && !bytes.toString().endsWith('\n') ? 1 : 0;
    assert.deepEqual(read, { records: records.length, bytes: bytes.length + added });
    const parts = lines.flatMap((line) => partsOf(line));
    assert.deepEqual(records, bytes.toString().endsWith('the end') ? [...parts, 'the end\n'] : parts);
  }
});

function partsOf(line: string): string[] {
  const text = line.slice(0, -1);
  if (text.length <= options.lineBytesMax) return [line];
  const parts: string[] = [];
  for (let at = 0; at < text.length || parts.length === 0; at += options.lineBytesMax)
    parts.push(`${text.slice(at, at + options.lineBytesMax)}\n`);
  // Where the last part is full, the line's end is a record of its own.
  return text.length % options.lineBytesMax === 0 ? [...parts, '\n'] : parts;
}

test('a line without its end is taken after a while, and what comes behind it is its continuation', async () => {
  let calls = 0;
  const reader: ByteReader = {
    async read(take) {
      calls++;
      if (calls === 2) await new Promise((resolve) => setTimeout(resolve, 400));
      const piece = ['one\ntw', 'o\nthree\n'][calls - 1];
      return piece === undefined ? false : !take(Buffer.from(piece));
    },
  };
  const { records, flags } = await recordsOf(reader, { partialTimeoutMs: 100 });
  assert.deepEqual(records, ['one\n', 'tw\n', 'o\n', 'three\n']);
  assert.deepEqual(flags, ['open', 'continues ']);
});

test(`through a shape any pieces give the same records, and all of the text (SEED=${seed})`, async () => {
  const random = new SeededRandom(seed);
  const multiline = { start: /^\d/, continue: undefined, traces: [], timeoutMs: 60_000, linesMax: 5, bytesMax: 2000 };
  for (let round = 0; round < 5; round++) {
    const text = Array.from({ length: random.below(100) }, () => {
      const length = random.chance(0.05) ? random.below(3000) : random.below(60);
      return `${random.chance(0.4) ? random.below(99) : ' ਊ'}${'x'.repeat(length)}\n`;
    }).join('');
    const bytes = Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(text, 'utf16le').swap16()]);
    const more = { encoding: 'utf-16', multiline: random.chance(0.5) ? multiline : undefined };
    const whole = await recordsOf(
      inPieces(bytes, () => bytes.length),
      more,
    );
    const pieces = await recordsOf(
      inPieces(bytes, () => 1 + random.below(300)),
      more,
    );
    assert.deepEqual(pieces.records, whole.records);
    if (more.multiline) assert.equal(textOf(whole.records).toString(), text);
    else
      assert.equal(
        whole.records
          .filter((record) => record !== '\n')
          .join('')
          .replaceAll('\n', ''),
        text.replaceAll('\n', ''),
      );
  }
});

test('a group of a stream is done when its time is over, and the stream goes on', async () => {
  const multiline = { start: /^\d/, continue: undefined, traces: [], timeoutMs: 20, linesMax: 5, bytesMax: 2000 };
  const { promise, resolve } = Promise.withResolvers<void>();
  let calls = 0;
  const reader: ByteReader = {
    async read(take) {
      if (calls++ === 0) return take(Buffer.from('1 a\n b\n')) || true;
      if (calls > 2) return false;
      setTimeout(resolve, 300);
      await promise;
      return take(Buffer.from(' late\n2 c\n')) || true;
    },
  };
  const { records } = await recordsOf(reader, { multiline });
  assert.deepEqual(
    records.map((record) => JSON.parse(record).body),
    ['1 a\n b', ' late', '2 c'],
  );
});
