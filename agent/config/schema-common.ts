/** Pieces of the schema that several parts use. */
import * as z from 'zod';
import { text } from './fields.ts';

/** Names of collectors and shippers become file names, metric labels and status lines. */
export const name = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,62}$/, {
  error: 'a name begins with a letter and holds up to 63 letters, digits, `_`, `-`, `.`',
});

/** Attributes of the OpenTelemetry log data model; values are text. */
export const attributes = z.record(z.string().min(1).max(256), text());

export const whenFull = z.enum(['block', 'drop_oldest']);
