/**
 * Regular expressions that people configure. None can hang the agent: what V8's engine for linear time cannot run is refused, and what it can
 * is run by the ordinary engine, which falls back to that one after 50,000 backtracks. The flags are set with the first pattern;
 * an agent without patterns never has them.
 */
import { setFlagsFromString } from 'node:v8';

export type CompiledPattern =
  | { readonly kind: 'pattern'; readonly pattern: RegExp }
  | { readonly kind: 'bad'; readonly message: string; readonly hint?: string };

const charactersMax = 1024;
let flagsAreSet = false;

export function compilePattern(source: string): CompiledPattern {
  if (source === '') return { kind: 'bad', message: 'is empty' };
  if (source.length > charactersMax) return { kind: 'bad', message: `is longer than ${charactersMax} characters` };
  setFlags();
  try {
    const pattern = new RegExp(source);
    void new RegExp(source, 'l');
    return { kind: 'pattern', pattern };
  } catch (error) {
    const { message } = error as Error;
    if (message.includes('linear time')) return tooCostly;
    const reason = message.replace(/^Invalid regular expression: .*\/: /s, '');
    return { kind: 'bad', message: `is no regular expression: ${reason}`, hint: 'the syntax is that of JavaScript' };
  }
}

const tooCostly: CompiledPattern = {
  kind: 'bad',
  message: 'could take more than linear time, and so hold up the agent',
  hint: 'take out lookahead, back references and counts above 16; write `+` or `*` for them',
};

function setFlags(): void {
  if (flagsAreSet) return;
  setFlagsFromString('--enable-experimental-regexp-engine');
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
  flagsAreSet = true;
}
