/** Every key of the syslog collector. */
import * as z from 'zod';
import { address, duration, fileMode, flag, path, rate, size, timezone } from './fields.ts';
import { serverTls } from './schema-common.ts';
import { addedKeys, idleKeys, mixedSocketKeys } from './schema-listening.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

const listen = z
  .strictObject({
    udp: address().optional().meta({ description: 'Datagrams, a message each.', fallback: 'none' }),
    tcp: address().optional().meta({
      description: 'Connections, with octet counting or lines (RFC 6587), told apart for each connection.',
      fallback: 'none',
    }),
    tls: address().optional().meta({ description: 'The same over TLS (RFC 5425). Needs `tls`.', fallback: 'none' }),
    unix: path().optional().meta({ description: 'A unix socket with connections.', fallback: 'none' }),
    unixgram: path()
      .optional()
      .meta({ description: 'A unix socket with datagrams, such as `/dev/log`.', fallback: 'none' }),
  })
  .meta({ description: 'Where to listen: one of these or several.', example: '{ udp: "127.0.0.1:5514" }' });

export const syslogSchema = z
  .strictObject({
    type: z.literal('syslog').describe('Takes syslog messages.'),
    listen,
    tls: serverTls.optional().meta({
      description: 'For `listen.tls`. The files are read again when they change.',
      fallback: 'no TLS',
    }),
    socket_mode: fileMode().prefault('0660').describe('Permissions of the unix sockets; `/dev/log` needs `0666`.'),
    parse: flag()
      .prefault('true')
      .describe('`false`: messages are not taken apart; each stays as it came, as the body of an event.'),
    timezone: timezone().optional().meta({
      description: 'The time zone of times that name none.',
      example: 'Europe/Berlin',
      fallback: "this host's",
    }),
    max_message: size({ min: KiB, max: 2 * MiB })
      .prefault('64KiB')
      .describe('Longer messages are carried in pieces; of datagrams the rest is cut off. Both say so.'),
    ...mixedSocketKeys,
    handshake_timeout: duration({ min: 100, max: 600_000 })
      .prefault('10s')
      .describe('A client that is not done with its TLS handshake in so long is cut off.'),
    ...idleKeys,
    rate_limit: rate({ min: KiB, max: 1024 * 1024 * MiB })
      .optional()
      .meta({ description: 'For each connection; one that sends more is read more slowly.', fallback: 'no limit' }),
    ...addedKeys,
  })
  .describe(
    'Takes syslog of every kind, RFC 5424, RFC 3164 and what devices send, as [events](events.md#syslog). Nothing is acknowledged, so what is lost on the way here nobody knows.',
  );
