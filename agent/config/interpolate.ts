/**
 * `${VAR}` and `${VAR:-default}` inside one YAML value. Works on the value, never on the file's text, so what a variable
 * holds cannot become YAML. `$$` is a dollar sign; a `$` before anything else stays as it is.
 */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${VAR}` is what this file reads.
import { bad, type Parsed } from './units.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export const interpolatedCharactersMax = 64 * 1024;

/** With `:-` the default also stands in for a variable that is set but empty, as in a shell. The default is taken literally. */
export function interpolate(text: string, environment: Environment): Parsed<string> {
  if (!text.includes('$')) return { kind: 'ok', value: text };
  const problems: string[] = [];
  const value = text.replace(/\$\$|\$\{([^}]*)(\}?)/g, (whole: string, inner: string | undefined, close: string) => {
    if (whole === '$$') return '$';
    const piece = close === '' ? bad('has a `${` without its `}`') : variable(inner ?? '', environment);
    if (piece.kind === 'ok') return piece.value;
    problems.push(piece.message);
    return '';
  });
  if (problems.length > 0) return bad(problems.join('; '), hint);
  if (value.length > interpolatedCharactersMax) return bad('is too long once its variables are filled in');
  return { kind: 'ok', value };
}

const hint = 'set the variable, or write `${NAME:-default}`; a dollar sign itself is `$$`';

function variable(inner: string, environment: Environment): Parsed<string> {
  const match = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inner);
  if (match === null) return bad(`has \`\${${inner.slice(0, 40)}}\`, which names no variable`);
  const [, name = '', fallback] = match;
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
  if (fallback !== undefined) return { kind: 'ok', value: value === undefined || value === '' ? fallback : value };
  if (value === undefined) return bad(`needs the environment variable \`${name}\`, which is not set`);
  return { kind: 'ok', value };
}
