/** Every key of the RELP collector. */
import * as z from 'zod';
import { address, flag, size, timezone } from './fields.ts';
import { serverTls } from './schema-common.ts';
import { acknowledgingKeys } from './schema-listening.ts';

const MiB = 1024 * 1024;

export const relpSchema = z
  .strictObject({
    type: z.literal('relp').describe('Receives syslog messages over RELP, and acknowledges each when it is durable.'),
    listen: address().meta({
      description: 'Where to listen. On loopback only this host reaches it; anybody who reaches it can write.',
      example: '127.0.0.1:2514',
    }),
    tls: serverTls.optional().meta({
      description: 'Speak TLS from the first byte (omrelp’s `tls="on"`). The files are read again when they change.',
      fallback: 'no TLS',
    }),
    parse: flag()
      .prefault('true')
      .describe('`true`: messages are parsed as syslog. `false`: the whole message is the body of the event.'),
    timezone: timezone().optional().meta({
      description: 'Of times that have no offset: a name such as `Europe/Berlin`.',
      fallback: "the host's",
    }),
    max_message: size({ min: 1024, max: 2 * MiB })
      .prefault('1MiB')
      .describe('The rest of a longer message is passed over, and counted (`cut`).'),
    ...acknowledgingKeys,
  })
  .describe('The server side of RELP, for rsyslog’s omrelp: nothing that was acknowledged is lost.');
