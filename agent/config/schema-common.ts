/** Pieces of the schema that several parts use. */
import * as z from 'zod';
import { path, text } from './fields.ts';

/** Names of collectors and shippers become file names, metric labels and status lines. */
export const name = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,62}$/, {
  error: 'a name begins with a letter and holds up to 63 letters, digits, `_`, `-`, `.`',
});

/** Attributes of the OpenTelemetry log data model; values are text. */
export const attributes = z.record(z.string().min(1).max(256), text());

export const whenFull = z.enum(['block', 'drop_oldest']);

/** TLS of whatever listens. */
export const serverTls = z.strictObject({
  cert: path().describe('Certificate chain, PEM.'),
  key: path().describe('Its private key, PEM.'),
  client_ca: path().optional().meta({
    description: 'Clients must show a certificate that this authority signed, PEM.',
    fallback: 'no certificate is asked for',
  }),
  min_version: z.enum(['1.2', '1.3']).prefault('1.2').describe('The oldest version of TLS that is spoken.'),
});
