/** Looks into the schema: which keys an object has, what stands at a path, what a key's default and description are. */
import * as z from 'zod';
import type { FieldMeta } from './fields.ts';
import type { MapTree, Tree } from './tree.ts';

/** One key as the documentation needs it. */
export interface KeyFacts {
  readonly description: string;
  readonly required: boolean;
  /** As written in the file. */
  readonly preset: string | undefined;
  /** What happens without it, where that is not a value. */
  readonly fallback: string | undefined;
  readonly example: string | undefined;
  /** In a map of names: what each entry is. */
  readonly entry: string | undefined;
  /** Without default and optional. */
  readonly inner: z.ZodType;
}

/** The schema at a path; the tree decides which member of a union is meant. */
export function schemaAt(schema: z.ZodType, path: readonly (string | number)[], tree: MapTree): z.ZodType | undefined {
  let at: z.ZodType | undefined = bare(schema);
  let value: Tree | undefined = tree;
  for (const part of path) {
    at = child(at, part);
    if (value?.kind === 'map') value = value.entries.get(String(part))?.value;
    else value = value?.kind === 'list' && typeof part === 'number' ? value.items[part] : undefined;
    at = member(at, value);
    if (at === undefined) return undefined;
  }
  return at;
}

export function keysOf(schema: z.ZodType | undefined): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

export function factsOf(schema: z.ZodType): KeyFacts {
  const meta = (schema.meta() ?? {}) as Record<string, string | undefined>;
  return {
    description: meta.description ?? '',
    required: !(schema instanceof z.ZodOptional) && !(schema instanceof z.ZodPrefault),
    preset: schema instanceof z.ZodPrefault ? presetText(schema.def.defaultValue) : undefined,
    fallback: meta.fallback,
    example: meta.example,
    entry: meta.entry,
    inner: bare(schema),
  };
}

/** What kind of value a leaf takes, in words. */
export function fieldOf(schema: z.ZodType): FieldMeta {
  const inner = bare(schema);
  const own = (inner.meta() as { field?: FieldMeta } | undefined)?.field;
  if (own !== undefined) return own;
  if (inner instanceof z.ZodEnum) return { type: inner.options.map((option) => `\`${String(option)}\``).join(' or ') };
  if (inner instanceof z.ZodLiteral) return { type: `\`${[...inner.values].map(String).join('')}\`` };
  if (inner instanceof z.ZodArray) return { type: `list of ${fieldOf(inner.element as z.ZodType).type}s` };
  return { type: 'map' };
}

export function bare(schema: z.ZodType): z.ZodType {
  let at = schema;
  while (at instanceof z.ZodOptional || at instanceof z.ZodPrefault) at = at.def.innerType as z.ZodType;
  return at;
}

function child(schema: z.ZodType | undefined, part: string | number): z.ZodType | undefined {
  if (schema instanceof z.ZodObject) {
    const found = (schema.shape as Record<string, z.ZodType>)[String(part)];
    return found === undefined ? undefined : bare(found);
  }
  if (schema instanceof z.ZodRecord) return bare(schema.valueType as z.ZodType);
  if (schema instanceof z.ZodArray) return bare(schema.element as z.ZodType);
  return undefined;
}

function member(schema: z.ZodType | undefined, value: Tree | undefined): z.ZodType | undefined {
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return schema;
  const given = value?.kind === 'map' ? value.entries.get('type')?.value : undefined;
  if (given?.kind !== 'text') return undefined;
  return (schema.options as readonly z.ZodType[]).find((option) => {
    return (
      option instanceof z.ZodObject && (option.shape as Record<string, z.ZodType>).type?.safeParse(given.text).success
    );
  });
}

function presetText(preset: unknown): string {
  if (typeof preset === 'string') return preset;
  return JSON.stringify(preset);
}
