/** Requests of OTLP that use every field, in both encodings. */

type Value = Uint8Array | number | bigint;

/** A message of fields: bytes with their length, numbers as varints. */
export function message(fields: readonly (readonly [number: number, value: Value])[]): Buffer {
  return Buffer.concat(
    fields.map(([number, value]) =>
      typeof value === 'object'
        ? Buffer.concat([varint(BigInt(number * 8 + 2)), varint(BigInt(value.length)), value])
        : Buffer.concat([varint(BigInt(number * 8)), varint(BigInt.asUintN(64, BigInt(value)))]),
    ),
  );
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

function fixed64(number: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return Buffer.concat([varint(BigInt(number * 8 + 1)), bytes]);
}

function fixed32(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return Buffer.concat([varint(BigInt(number * 8 + 5)), bytes]);
}

function doubleValue(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([Buffer.from([4 * 8 + 1]), bytes]);
}

const text = (value: string) => message([[1, Buffer.from(value)]]);
const attribute = (key: string, value: Uint8Array) =>
  message([
    [1, Buffer.from(key)],
    [2, value],
  ]);

const time = 1_795_447_800_123_456_789n;
const observed = 1_795_447_801_000_000_001n;

const attributes: readonly Buffer[] = [
  attribute('int', message([[3, -9223372036854775808n]])),
  attribute('big', message([[3, 9007199254740993n]])),
  attribute('double', doubleValue(0.5)),
  attribute('nan', doubleValue(Number.NaN)),
  attribute('yes', message([[2, 1]])),
  attribute('no', message([[2, 0]])),
  attribute('bytes', message([[7, Buffer.from([0, 255])]])),
  attribute(
    'list',
    message([
      [
        5,
        message([
          [1, text('x')],
          [1, message([[3, 1]])],
          [1, Buffer.alloc(0)],
        ]),
      ],
    ]),
  ),
  attribute(
    'map',
    message([[6, message([[1, attribute('k', message([[6, message([[1, attribute('deep', text('v'))]])]]))]])]]),
  ),
  attribute('none', Buffer.alloc(0)),
];

const record = Buffer.concat([
  fixed64(1, time),
  message([[2, 17]]),
  message([[3, Buffer.from('ERROR')]]),
  message([[5, text('caf\u00e9 "quoted"\n')]]),
  message(attributes.map((each) => [6, each] as const)),
  message([[7, 2]]),
  fixed32(8, 1),
  message([[9, Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')]]),
  message([[10, Buffer.from('0001020304050607', 'hex')]]),
  fixed64(11, observed),
  message([[12, Buffer.from('checkout.failed')]]),
  // Unknown fields of every kind.
  message([
    [100, 5],
    [101, Buffer.from('unknown')],
  ]),
  fixed32(102, 7),
  fixed64(103, 8n),
]);

const scope = message([
  [1, Buffer.from('cart')],
  [2, Buffer.from('1.2')],
  [3, attribute('a', message([[2, 1]]))],
]);

export const fullProtobuf = message([
  [
    1,
    message([
      [1, message([[1, attribute('service.name', text('shop'))]])],
      [
        2,
        message([
          [1, scope],
          [2, record],
          [3, Buffer.from('https://s')],
        ]),
      ],
      [3, Buffer.from('https://r')],
    ]),
  ],
]);

export const fullJson = JSON.stringify({
  resourceLogs: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
      scopeLogs: [
        {
          scope: { name: 'cart', version: '1.2', attributes: [{ key: 'a', value: { boolValue: true } }] },
          logRecords: [
            {
              timeUnixNano: String(time),
              observedTimeUnixNano: String(observed),
              severityNumber: 17,
              severityText: 'ERROR',
              body: { stringValue: 'caf\u00e9 "quoted"\n' },
              attributes: [
                { key: 'int', value: { intValue: '-9223372036854775808' } },
                { key: 'big', value: { intValue: '9007199254740993' } },
                { key: 'double', value: { doubleValue: 0.5 } },
                { key: 'nan', value: { doubleValue: 'NaN' } },
                { key: 'yes', value: { boolValue: true } },
                { key: 'no', value: { boolValue: false } },
                { key: 'bytes', value: { bytesValue: 'AP8=' } },
                { key: 'list', value: { arrayValue: { values: [{ stringValue: 'x' }, { intValue: 1 }, {}] } } },
                {
                  key: 'map',
                  value: {
                    kvlistValue: {
                      values: [
                        {
                          key: 'k',
                          value: { kvlistValue: { values: [{ key: 'deep', value: { stringValue: 'v' } }] } },
                        },
                      ],
                    },
                  },
                },
                { key: 'none' },
              ],
              droppedAttributesCount: 2,
              flags: 1,
              traceId: '000102030405060708090A0B0C0D0E0F',
              spanId: '0001020304050607',
              eventName: 'checkout.failed',
              unknown: { anything: 1 },
            },
          ],
          schemaUrl: 'https://s',
        },
      ],
      schemaUrl: 'https://r',
    },
  ],
});
