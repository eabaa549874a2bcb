/**
 * What the golden files of format version 1 hold, as the arguments of today's encoders: a small spool of an agent and one of
 * its receiver, with every field, flag and section of docs/spool-format.md in use. `node test/golden/write.ts` wrote them.
 */
import { crc32 } from 'node:zlib';
import { ByteWriter } from '../../spool/bytes.ts';
import { type BlockHeader, encodeHeader, hashOf } from '../../spool/format.ts';
import { encodeDescriptions } from '../../spool/format-descriptions.ts';
import { encodeTable, type Table } from '../../spool/format-table.ts';
import { type Epoch, type Position, type Run, type SourceDescription, zeroHash } from '../../spool/nouns.ts';
import type { Codec } from '../../spool/ports.ts';

const startMs = 1_780_000_000_000;
const agentSpool = '000102030405060708090a0b0c0d0e0f';
const namesSpool = 'e0e1e2e3e4e5e6e7e8e9eaebecedeeef';
const receiverSpool = 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff';
const receiverId = 'abababababababababababababababab';

/** The segment files by their path below `test/golden/v1`. Frames are made by `codec`. */
export function goldenSegments(codec: Codec): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const agent = new SpoolMaker(agentSpool, codec);
  const first: Epoch = { id: '11'.repeat(16), start: 0, parent: undefined };
  agent.begin(first, 0, { ...emptyTable, nextSource: 1 });
  const agentBlocks = agentBlocksOf(agent);
  files.set('agent/spool/00000000000000000000.zst', agent.end());
  // A restart: another epoch, in a segment behind a hole in the positions.
  const parent = { id: first.id, end: agent.position, hash: agent.previous };
  agent.begin({ id: '22'.repeat(16), start: 4096, parent }, 4096, fullTable(agent.position, agent.previous));
  agent.block({ runs: [run({ source: 2, from: 1000, length: 7, records: 1 })] }, 'behind\n');
  agent.block({}, '');
  files.set('agent/spool/00000000000000004096.zst', agent.end());

  const names = new SpoolMaker(namesSpool, codec);
  names.begin({ id: '44'.repeat(16), start: 0, parent: undefined }, 0, emptyTable);
  const runs = alike.map(({ number }) => run({ source: number, from: 0, length: 2, records: 1 }));
  names.block({ runs, descriptions: alike }, 'a\n'.repeat(alike.length));
  names.block({}, '');
  files.set('names/spool/00000000000000000000.zst', names.end());

  const receiver = new SpoolMaker(receiverSpool, codec);
  receiver.begin({ id: '33'.repeat(16), start: 0, parent: undefined }, 0, emptyTable);
  const stream: SourceDescription = { collector: 'edge', type: 'blocks', resource: {}, attributes: {} };
  for (const [index, block] of agentBlocks.entries()) {
    const { header, frame, rawBytes, records } = block;
    receiver.foreign(
      {
        runs: [run({ source: 1, from: block.position, length: block.end - block.position, records, bytes: rawBytes })],
        descriptions: index === 0 ? [{ number: 1, description: stream }] : [],
        origin: header,
        ...(index === 1 ? { originDescriptions: encodeDescriptions(described) } : {}),
      },
      frame,
      rawBytes,
      records,
    );
  }
  files.set('receiver/spool/00000000000000000000.zst', receiver.end());
  return files;
}

const described = [
  {
    number: 1,
    description: {
      collector: 'nginx',
      type: 'file',
      resource: { 'host.name': 'web1', 'deployment.environment.name': 'prod' },
      attributes: { 'log.file.path': '/var/log/nginx/access.log' },
    },
  },
  {
    number: 2,
    description: {
      collector: 'app',
      type: 'file',
      resource: { 'host.name': 'web1' },
      attributes: { 'log.file.path': '/srv/caf\udce9/grün.log' },
    },
  },
  {
    number: 9,
    description: { collector: 'net', type: 'syslog', resource: {}, attributes: { 'network.peer.address': '::1' } },
  },
];

/** Many sources that are alike, and some that are not. */
const alike = [
  ...Array.from({ length: 12 }, (_, index) => ({
    number: 20 - index,
    description: {
      collector: 'app',
      type: 'file',
      resource: { 'host.name': 'web1' },
      attributes: { 'log.file.path': `/srv/caf\udce9/grün-${index}.log`, 'log.file.name': `grün-${index}.log` },
    },
  })),
  ...described.map(({ description }, index) => ({ number: 1000 + index, description })),
];

const emptyTable: Table = { nextSource: 1, spooledBytes: 0, sources: [], collectors: {}, shippers: [] };

function fullTable(position: Position, hash: string): Table {
  const cursor = { receiver: receiverId, epoch: '11'.repeat(16), forked: true, position, hash };
  return {
    nextSource: 10,
    spooledBytes: 123_456_789_012,
    sources: described.map(({ number, description }, index) => ({
      number,
      description,
      cursor: { offset: index * 5_000_000_000, mark: Buffer.from([index, 0xff]) },
      state: Buffer.from('state'.repeat(index)),
    })),
    collectors: {
      nginx: {
        spooled: { records: 5, bytes: 60 },
        dropped: { truncated: { records: 0, bytes: 77 }, hole: { records: 1, bytes: 2 } },
      },
      app: { spooled: { records: 2, bytes: 20 }, dropped: {} },
    },
    shippers: [
      {
        name: 'central',
        cursor,
        dropped: { nginx: { retention: { records: 3, bytes: 33 } } },
        droppedUpto: 200,
        floor: 100,
      },
      { name: 'new', cursor: undefined, dropped: {}, droppedUpto: 0, floor: 0 },
    ],
  };
}

/** Blocks in which every flag of a run, every kind of drop and every format of records occurs. */
function agentBlocksOf(agent: SpoolMaker): MadeBlock[] {
  const mark = Buffer.from('0badc0de01', 'hex');
  const first = [
    run({ source: 1, from: 0, length: 8, records: 2, mark }),
    run({
      source: 2,
      from: 500,
      length: 5,
      records: 1,
      mark: Buffer.from('0badc0de02', 'hex'),
      time: 3,
      unterminated: true,
    }),
    run({ source: 9, from: 0, length: 1, records: 1, bytes: 8, time: 3, format: 'json' }),
  ];
  const second = [
    run({
      source: 2,
      from: 505,
      length: 6,
      records: 1,
      mark: Buffer.of(1),
      time: 10,
      continues: true,
      state: Buffer.from('s'),
    }),
    run({ source: 1, from: 8, length: 4096, time: -5, dropped: { reason: 'hole', records: -1, bytes: 4096 } }),
  ];
  const drops = [
    {
      shipper: 'central',
      collector: 'nginx',
      reason: 'retention' as const,
      upto: 300,
      tally: { records: 7, bytes: 5_000_000_000 },
    },
    { shipper: '', collector: 'app', reason: 'filtered' as const, upto: 0, tally: { records: 1, bytes: 2 } },
  ];
  return [
    agent.block({ runs: first, descriptions: described }, 'one\ntwo\nhalf \n{"a":1}\n'),
    agent.block({ runs: second }, 'whole\n'),
    agent.block({ drops }, ''),
    agent.block({}, ''),
  ];
}

type RunParts = Partial<Run> & Pick<Run, 'source' | 'from'> & { readonly length: number };

function run({ length, ...parts }: RunParts): Run {
  const records = parts.records ?? 0;
  return {
    to: parts.from + length,
    mark: new Uint8Array(0),
    state: undefined,
    dropped: undefined,
    format: 'text',
    bytes: records > 0 ? length + (parts.unterminated ? 1 : 0) : 0,
    continues: false,
    unterminated: false,
    ...parts,
    records,
    time: startMs + 1000 + (parts.time ?? 0),
  };
}

export interface MadeBlock {
  readonly position: Position;
  readonly end: Position;
  readonly header: Buffer;
  readonly frame: Buffer;
  readonly rawBytes: number;
  readonly records: number;
}

/** Lays block behind block, as the writer does. */
class SpoolMaker {
  readonly #spool: string;
  readonly #codec: Codec;
  #epoch = '';
  #parts: Buffer[] = [];
  #records = 0;
  #bytes = 0;
  #previousEnd = 0;
  #blocks = 0;
  position: Position = 0;
  previous: string = zeroHash;

  constructor(spool: string, codec: Codec) {
    this.#spool = spool;
    this.#codec = codec;
  }

  begin(opening: Epoch, position: Position, table: Table): void {
    this.position = position;
    this.#epoch = opening.id;
    this.foreign({ opening, table: encodeTable(table, this.#codec) }, Buffer.alloc(0), 0, 0);
  }

  block(parts: Partial<BlockHeader>, records: string): MadeBlock {
    const raw = Buffer.from(records, 'latin1');
    const into = Buffer.alloc(this.#codec.frameBytesMax(raw.length));
    const frame = raw.length === 0 ? into.subarray(0, 0) : into.subarray(0, this.#codec.compress(raw, into));
    const count = (parts.runs ?? []).reduce((sum, one) => sum + one.records, 0);
    return this.foreign(parts, Buffer.from(frame), raw.length, count);
  }

  foreign(parts: Partial<BlockHeader>, frame: Buffer, rawBytes: number, records: number): MadeBlock {
    const out = new ByteWriter();
    const { position } = this;
    encodeHeader(
      {
        ...{ frameBytes: frame.length, frameCrc: frame.length > 0 ? crc32(frame) : 0, rawBytes, position },
        ...{ spool: this.#spool, epoch: this.#epoch, previous: this.previous, previousEnd: this.#previousEnd },
        ...{ vouched: this.#previousEnd, time: startMs + 1000 + this.#blocks++, recordsBefore: this.#records },
        ...{ sourceBytesBefore: this.#bytes, records, runs: [], descriptions: [], drops: [], ...parts },
      },
      out,
    );
    const header = Buffer.from(out.bytes);
    this.#parts.push(header, frame);
    this.position += header.length + frame.length;
    this.#previousEnd = this.position;
    this.previous = hashOf(header);
    this.#records += records;
    for (const one of parts.runs ?? []) this.#bytes += one.bytes - (one.unterminated ? 1 : 0);
    return { position, end: this.position, header, frame, rawBytes, records };
  }

  /** The segment so far. */
  end(): Buffer {
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    return bytes;
  }
}

/** What the golden cursor file says. */
export const goldenCursor = {
  spool: agentSpool,
  cursor: { receiver: receiverId, epoch: '11'.repeat(16), forked: false, position: 424, hash: '99'.repeat(16) },
  passed: { records: 5, bytes: 2 ** 40 },
};
