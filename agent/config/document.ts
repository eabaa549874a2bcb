/** The configuration reference, made from the schema. `build/configuration-document.ts` writes it to docs/configuration.md. */
import * as z from 'zod';
import { documentTexts } from './document-texts.ts';
import { configurationSchema } from './schema.ts';
import { bare, factsOf, fieldOf, type KeyFacts } from './schema-walk.ts';

/** The whole page, in Markdown. */
export function configurationDocument(): string {
  const { intro, files, receive, examples } = documentTexts;
  const sections = objectSections('', configurationSchema, 2);
  return `${[intro, files, '# Every key', ...sections, receive, examples].join('\n\n')}\n`;
}

/** A table of an object's keys, then a section for each key that has keys of its own. */
function objectSections(path: string, schema: z.ZodObject, level: number): string[] {
  const keys = Object.entries(schema.shape as Record<string, z.ZodType>).map(([key, value]) => {
    return { key, facts: factsOf(value) };
  });
  const inner = keys.flatMap(({ key, facts }) => innerSections(path === '' ? key : `${path}.${key}`, facts, level));
  return [table(keys), ...inner];
}

function innerSections(path: string, facts: KeyFacts, level: number): string[] {
  const heading = `${'#'.repeat(level)} \`${path}\``;
  if (facts.inner instanceof z.ZodObject) {
    return [heading, facts.description, ...objectSections(path, facts.inner, level + 1)];
  }
  const entry = facts.inner instanceof z.ZodRecord ? bare(facts.inner.valueType as z.ZodType) : undefined;
  if (!(entry instanceof z.ZodDiscriminatedUnion)) return [];
  const types = (entry.options as readonly z.ZodObject[]).flatMap((option) => {
    const type = fieldOf(option.shape.type as z.ZodType).type.replaceAll('`', '');
    const name = `${path}.NAME`;
    const about = `${'#'.repeat(level + 1)} \`type: ${type}\``;
    return [about, factsOf(option).description, ...objectSections(name, option, level + 2)];
  });
  return [heading, facts.description, ...types];
}

function table(keys: readonly { key: string; facts: KeyFacts }[]): string {
  const rows = keys.map(({ key, facts }) => {
    return `| \`${key}\` | ${value(facts)} | ${preset(facts)} | ${cell(facts.description)}${example(key, facts)} |`;
  });
  return ['| key | value | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function value({ inner, entry }: KeyFacts): string {
  if (inner instanceof z.ZodRecord) return `map: name → ${entry ?? 'text'}`;
  const { type, unit, range } = fieldOf(inner);
  const of = unit === undefined || unit === 'bytes' || unit === 'milliseconds' ? '' : `, ${unit}`;
  return cell(`${type}${of}${range === undefined ? '' : `, ${range}`}`);
}

function preset(facts: KeyFacts): string {
  if (facts.required) return '**required**';
  if (facts.inner instanceof z.ZodObject && facts.preset !== undefined) return 'see there';
  if (facts.preset !== undefined) return `\`${facts.preset}\``;
  return facts.fallback === undefined ? '–' : cell(facts.fallback);
}

function example(key: string, { example: shown }: KeyFacts): string {
  return shown === undefined ? '' : ` For example \`${key}: ${cell(shown)}\`.`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
