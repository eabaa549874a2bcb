/**
 * The configuration's JSON Schema (draft 2020-12), made from the schema that the agent itself uses, for editors. It knows every key, its
 * meaning, default and kind of value; what only the agent can tell (rules between keys, ranges of sizes) `tailspool check` says.
 */
import * as z from 'zod';
import type { FieldMeta } from './fields.ts';
import { configurationSchema } from './schema.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonMap = { [key: string]: Json };

/** A fresh copy each time. */
export function configurationJsonSchema(): JsonMap {
  const made = z.toJSONSchema(configurationSchema, { io: 'input' }) as unknown as JsonMap;
  const title = 'tailspool.yaml';
  return { ...walked({ ...made, title }), properties: sections(walked(made.properties as JsonMap)) };
}

/** A section with everything in it commented out is as if it were not there. */
function sections(properties: JsonMap): JsonMap {
  const nullable = (schema: Json): Json =>
    isMap(schema) && schema.type === 'object' && 'default' in schema ? { ...schema, type: ['object', 'null'] } : schema;
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, nullable(schema)]));
}

function walked(node: JsonMap): JsonMap {
  const out: JsonMap = {};
  for (const [key, value] of Object.entries(node)) {
    if (own.has(key)) continue;
    out[key] = Array.isArray(value) ? value.map(walkedValue) : walkedValue(value);
  }
  const { field, fallback, description } = node;
  if (typeof fallback === 'string' && typeof description === 'string')
    out.description = `${description} Default: ${fallback}.`;
  // A key of an object may be named `field`: then its value is a schema, and no kind.
  const kind = isMap(field) && typeof field.type === 'string' && node.type === 'string' ? field : undefined;
  return { ...out, ...(kind ? kindOf(kind as unknown as FieldMeta) : {}), ...numbersToo(node) };
}

/** What the documentation is made from and JSON Schema does not know. */
const own: ReadonlySet<string> = new Set(['field', 'fallback', 'entry', 'example']);

function walkedValue(value: Json): Json {
  if (Array.isArray(value)) return value.map(walkedValue);
  return isMap(value) ? walked(value) : value;
}

function isMap(value: Json | undefined): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** May stand in place of any value: `${NAME}`. */
const variable = '\\$\\{';

/** YAML has types of its own for what the agent reads as text. */
function kindOf({ type }: FieldMeta): JsonMap {
  switch (type) {
    case 'number':
      return { type: ['integer', 'string'], pattern: `^\\d+$|${variable}` };
    case 'true or false':
      return { type: ['boolean', 'string'], pattern: `^([Tt]rue|TRUE|[Ff]alse|FALSE)$|${variable}` };
    case 'size':
      return { type: ['string', 'integer'], pattern: `^\\d{1,16}(B|[KMGT]i?B)?(/s)?$|${variable}` };
    case 'duration':
      return {
        type: ['string', 'integer'],
        pattern: `^(0|\\d{1,16}(ms|s|m|h|d))$|${variable}`,
        minimum: 0,
        maximum: 0,
      };
    case 'octal mode':
      return { type: ['string', 'integer'], pattern: `^0?[0-7]{3}$|${variable}` };
    case 'absolute path':
    case 'absolute glob':
      return { type: 'string', pattern: `^/|${variable}` };
    case 'URL':
      return { type: 'string', pattern: `^https?://|${variable}` };
    case 'HOST:PORT':
      return { type: 'string', pattern: `:\\d{1,5}$|${variable}` };
    case 'text':
    case 'encoding':
    case 'regular expression':
      return { type: ['string', 'number', 'boolean'] };
    default:
      return {};
  }
}

/** `min_version: 1.3` without quotes is a number to YAML. */
function numbersToo({ enum: values }: JsonMap): JsonMap {
  if (!Array.isArray(values) || !values.every((value) => typeof value === 'string' && /^\d+(\.\d+)?$/.test(value)))
    return {};
  return { type: ['string', 'number'], enum: [...values, ...values.map(Number)] };
}
