/** Every key of the collectors of plain sockets: tcp, unix, udp, unixgram. */
import * as z from 'zod';
import { address, count, duration, fileMode, path, rate, size } from './fields.ts';
import { attributes, serverTls } from './schema-common.ts';
import { lineKeys } from './schema-lines.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const dayMs = 86_400_000;

const listen = address().meta({
  description:
    'Where to listen. On loopback (127.0.0.1, [::1]) only this host reaches it; anybody who reaches it can write.',
  example: '127.0.0.1:5170',
});

const socketFile = {
  path: path().describe(
    'The socket. A dead one that a crash left is replaced, one that another process has is left alone (red, tried again); removed at the end. Its folder has to be there.',
  ),
  mode: fileMode()
    .prefault('0660')
    .describe("Its permissions: `0660` lets the agent's group write, `0666` everybody (what `/dev/log` needs)."),
};

const common = {
  format: z
    .enum(['json', 'text'])
    .prefault('json')
    .describe(
      '`json`: each record is an [event](events.md) with who sent it. `text`: lines as they came, without who sent them.',
    ),
  when_full: z
    .enum(['block', 'drop_newest'])
    .prefault('block')
    .describe(
      'While the spool takes nothing: `block` stops reading, so that senders wait (and the kernel drops UDP, counted as `kernel_buffer`); `drop_newest` goes on reading and drops what comes, counted as `overflow`.',
    ),
  attributes: attributes.prefault({}).meta({ description: 'Added to all its records.', entry: 'text' }),
  resource: attributes
    .prefault({})
    .meta({ description: "Laid over the agent's `resource` for this collector.", entry: 'text' }),
};

const stream = {
  framing: z
    .enum(['newline', 'nul', 'octet_counted', 'length'])
    .prefault('newline')
    .describe(
      'Where a record ends. `newline`: LF or CRLF. `nul`: a NUL byte. `octet_counted`: it says its length first, in digits and a blank (RFC 6587). `length`: in `length_bytes`.',
    ),
  length_bytes: z
    .enum(['1', '2', '4'])
    .prefault('4')
    .describe('Of `framing: length`: how many bytes the length has, which does not count itself.'),
  length_order: z.enum(['big', 'little']).prefault('big').describe('Of `framing: length`: which byte comes first.'),
  max_message: size({ min: 256, max: 2 * MiB })
    .prefault('64KiB')
    .describe(
      'A longer record arrives in parts that say so (`tailspool.fragment`); nothing is lost. Each connection may take so much memory.',
    ),
  multiline: lineKeys.multiline,
  connections_max: count({ min: 1, max: 65_536 })
    .prefault('1024')
    .describe('Connections at one time; one more is closed at once.'),
  idle_timeout: duration({ min: 1000, max: 365 * dayMs })
    .optional()
    .meta({
      description:
        'A connection that is silent for so long is closed. Many clients lose what they send next then. Dead clients are found by the kernel in any case.',
      fallback: 'it may be silent for ever',
    }),
  rate_limit: rate({ min: KiB, max: 1024 * 1024 * MiB })
    .optional()
    .meta({ description: 'For each connection; one that sends more is read more slowly.', fallback: 'no limit' }),
};

const receiveBuffer = (preset: string) =>
  size({ min: 4 * KiB, max: 1024 * MiB })
    .prefault(preset)
    .describe(
      'What the kernel is asked to keep of datagrams that nobody has read yet; it counts some 800 bytes for a short one. Where it gives less, status says so and what to do.',
    );

export const tcpSchema = z
  .strictObject({
    type: z.literal('tcp').describe('Takes records over TCP connections.'),
    listen,
    tls: serverTls.optional().meta({
      description:
        'Speak TLS from the first byte. The files are read again when they change; connections made before stay.',
      fallback: 'no TLS',
    }),
    ...stream,
    connections_per_peer_max: count({ min: 1, max: 65_536 })
      .prefault('256')
      .describe('Connections at one time from one address.'),
    handshake_timeout: duration({ min: 100, max: 600_000 })
      .prefault('10s')
      .describe('A client that is not done with its TLS handshake in so long is cut off.'),
    ...common,
  })
  .describe(
    'Takes records over TCP, with or without TLS. Nothing is acknowledged: what a client had sent and we had not read when either of us died is lost, and nobody can know.',
  );

export const unixSchema = z
  .strictObject({
    type: z.literal('unix').describe('Takes records over connections to a unix socket.'),
    ...socketFile,
    ...stream,
    ...common,
  })
  .describe('The same over a unix socket with connections.');

export const udpSchema = z
  .strictObject({
    type: z.literal('udp').describe('Takes UDP datagrams.'),
    listen,
    receive_buffer: receiveBuffer('16MiB'),
    max_message: size({ min: 256, max: 65_535 })
      .prefault('65535')
      .describe('The rest of a longer datagram is cut off, and the record says so (`tailspool.truncated`).'),
    ...common,
  })
  .describe(
    'Takes UDP datagrams, each a record (as `text`, each line in it). What the kernel drops because nobody read in time is counted (`kernel_buffer`); what the network loses nobody knows.',
  );

export const unixgramSchema = z
  .strictObject({
    type: z.literal('unixgram').describe('Takes datagrams of a unix socket.'),
    ...socketFile,
    receive_buffer: receiveBuffer('4MiB'),
    max_message: size({ min: 256, max: 256 * KiB })
      .prefault('64KiB')
      .describe('The rest of a longer datagram is cut off, and the record says so (`tailspool.truncated`).'),
    ...common,
  })
  .describe(
    'Takes datagrams of a unix socket, such as `/dev/log`, with the process that sent them. Senders wait while nobody reads. Needs the native part that the executable brings.',
  );
