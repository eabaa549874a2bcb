/** Findings that point at a value, as the rules make them. */
import type { Finding, KeyPath } from './findings.ts';

export function error(path: KeyPath, message: string, hint?: string): Finding {
  return { severity: 'error', path, at: 'value', message, hint };
}

export function warning(path: KeyPath, message: string, hint?: string): Finding {
  return { severity: 'warning', path, at: 'value', message, hint };
}
