/** The keys that a shipper has with `protocol: plain` only. */
import * as z from 'zod';
import { count, headerName, headerText, path, size } from './fields.ts';

const MiB = 1024 * 1024;
const only = 'With `protocol: plain` only: ';

export const plainKeys = {
  encoding: z
    .enum(['text', 'ndjson'])
    .optional()
    .meta({
      description: `${only}\`text\`: the lines as they stood. \`ndjson\`: one object a line, with the time of collection, resource and source attributes in OpenTelemetry's terms.`,
      fallback: '`ndjson`',
    }),
  compression: z
    .enum(['zstd', 'gzip', 'none'])
    .optional()
    .meta({
      description: `${only}how the body is compressed (\`content-encoding\`). zstd is one frame with its content size.`,
      fallback: '`zstd`',
    }),
  method: z
    .enum(['POST', 'PUT', 'PATCH'])
    .optional()
    .meta({
      description: `${only}the method of the requests.`,
      fallback: '`POST`',
    }),
  headers: z
    .record(headerName(), headerText())
    .optional()
    .meta({
      description: `${only}further headers, by name. They also replace those that Tailspool would send, but for \`authorization\` where there is \`auth\`.`,
      fallback: 'none',
      example: '{ x-scope-orgid: tenant-7 }',
      entry: 'text',
    }),
  header_files: z
    .record(headerName(), path())
    .optional()
    .meta({
      description: `${only}further headers whose values are secrets: the first line of the file, read again when it changes.`,
      fallback: 'none',
      example: '{ x-api-key: /etc/tailspool/api-key }',
      entry: 'absolute path',
    }),
  outstanding: count({ min: 1, max: 64 })
    .optional()
    .meta({
      description: `${only}requests that are on their way at once, each with another block. With 1 the endpoint gets records in their order, and a crash repeats at most one block; with more it is faster over long distances.`,
      fallback: '`1`',
    }),
  dead_max_size: size({ min: 4 * MiB, max: 1024 * 1024 * MiB })
    .optional()
    .meta({
      description: `${only}cap for the dead letters, the records that the endpoint refused for good. When it is reached, this shipper waits and health is red; see \`tailspool dead\`.`,
      fallback: '`256MiB`',
    }),
} as const;

/** As they are named in the file. */
export const plainKeyNames = Object.keys(plainKeys) as (keyof typeof plainKeys)[];
