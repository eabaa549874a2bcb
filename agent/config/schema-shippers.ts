/** Every key of every type of shipper. */
import * as z from 'zod';
import { limits } from '../../spool/nouns.ts';
import { duration, path, rate, size } from './fields.ts';
import { whenFull } from './schema-common.ts';
import { destinationKeys } from './schema-destination.ts';
import { plainKeys } from './schema-plain.ts';

const MiB = 1024 * 1024;

const ownWhenFull = whenFull.optional().meta({
  description:
    'What a full spool does when this shipper is the one that lags. `drop_oldest` gives up its oldest records, counted and declared, so that it slows nobody.',
  fallback: 'as `spool.when_full`',
});

const httpSchema = z
  .strictObject({
    type: z.literal('http').describe('Ships over HTTP.'),
    protocol: z
      .enum(['native', 'plain'])
      .describe(
        '`native`: to another Tailspool, exactly once. `plain`: to any HTTP endpoint, see [the plain protocol](plain-protocol.md). Never guessed from the URL.',
      ),
    ...destinationKeys,
    when_full: ownWhenFull,
    rate_limit: rate({ min: 1024, max: 1024 * 1024 * MiB })
      .optional()
      .meta({ description: 'The most that is sent in a second, as it goes over the wire.', fallback: 'no limit' }),
    progress_timeout: duration({ min: 500, max: 3_600_000 })
      .prefault('30s')
      .describe(
        'A request is given up when nothing moved in either direction for so long, however long it takes in all.',
      ),
    batch_max: size({ min: 64 * 1024, max: limits.blockBytesMax })
      .prefault('2MiB')
      .describe(
        '`native`: the most in one request; batches start at one block, double on success and halve on a time-out. `plain`: the most in one body before it is compressed; a block that would be more is sent in halves.',
      ),
    retry_max: duration({ min: 100, max: 3_600_000 })
      .prefault('30s')
      .describe('The longest pause between two attempts. Attempts go on for ever.'),
    ...plainKeys,
  })
  .describe(
    'Sends over HTTP, and retries for ever: to another Tailspool each record exactly once, to any other endpoint at least once.',
  );

const mirrorSchema = z
  .strictObject({
    type: z.literal('mirror').describe('Writes files.'),
    path: path().meta({
      description: 'The folder: `<host.name>/<log.file.path>` for files. It belongs to this shipper alone.',
      example: '/srv/logs',
    }),
    when_full: ownWhenFull,
  })
  .describe('Writes what is in the spool to files again, byte for byte as it stood at its source.');

export const shipperSchema = z.discriminatedUnion('type', [httpSchema, mirrorSchema]);
