/**
 * Ready-made sets: how stack traces of some languages look, line by line. A set is a table of rules: a line that matches a rule
 * without `from` begins a trace; in a state it goes on with the first rule from there that matches; where none does it ended
 * before that line. Only data; each set is tested on traces as these languages print them (`test/collectors/shared/traces.ts`).
 * No pattern here can take more than linear time in what it is shown: none has a repetition within a repetition that overlap.
 */
export const traceSetNames = ['java', 'python', 'go', 'node', 'dotnet', 'ruby'] as const;
export type TraceSetName = (typeof traceSetNames)[number];

export interface TraceRule {
  /** undefined: where no trace is open. */
  readonly from?: readonly string[];
  readonly pattern: RegExp;
  readonly to: string;
}

export type TraceSet = readonly TraceRule[];

/** `com.example.SomeException: words`, also at the end of a line of the log itself. */
const exceptionLine = /(?:Exception|Error|Throwable)(?:\s*$|:\s|:$)/;

/** Throwable.printStackTrace and what log4j, logback and java.util.logging make of it. */
const java: TraceSet = [
  { pattern: exceptionLine, to: 'thrown' },
  { pattern: /^Exception in thread "/, to: 'thrown' },
  {
    from: ['thrown', 'frames', 'cause'],
    pattern: /^\s+(?:at |- (?:locked|waiting|parking)|eliminated )/,
    to: 'frames',
  },
  { from: ['frames', 'cause', 'thrown'], pattern: /^\s*\.\.\. \d+ (?:more|common frames omitted)/, to: 'frames' },
  { from: ['thrown', 'frames', 'cause'], pattern: /^\s*(?:Wrapped by|Caused by|Suppressed): /, to: 'cause' },
  { from: ['thrown', 'frames', 'cause'], pattern: /^\s*\[CIRCULAR REFERENCE/, to: 'frames' },
];

/** traceback.format_exception, chained exceptions and exception groups included. */
const python: TraceSet = [
  { pattern: /^(?:\s*\+ Exception Group )?\s*Traceback \(most recent call last\):/, to: 'frames' },
  { from: ['frames'], pattern: /^\s+/, to: 'frames' },
  { from: ['frames'], pattern: /^[A-Za-z_][\w.]*(?::|$)/, to: 'raised' },
  { from: ['raised', 'between', 'announced'], pattern: /^$/, to: 'between' },
  {
    from: ['raised', 'between'],
    pattern: /^(?:During handling of the above exception|The above exception was the direct cause)/,
    to: 'announced',
  },
  { from: ['raised', 'between', 'announced'], pattern: /^\s*Traceback \(most recent call last\):/, to: 'frames' },
];

/** Panics, fatal errors and goroutine dumps of the runtime. */
const go: TraceSet = [
  { pattern: /\bpanic: |^fatal error: |^SIG[A-Z]+: /, to: 'panicked' },
  { pattern: /^goroutine \d+ (?:gp=\S+ m=\S+ (?:mp=\S+ )?)?\[/, to: 'function' },
  { pattern: /http: panic serving /, to: 'panicked' },
  { from: ['panicked'], pattern: /^\s*panic: |^\[signal |^\t|^\[recovered|^runtime: |^PC=/, to: 'panicked' },
  { from: ['panicked', 'frame', 'gap'], pattern: /^$/, to: 'gap' },
  {
    from: ['panicked', 'gap', 'frame'],
    pattern: /^goroutine \d+ (?:gp=\S+ m=\S+ (?:mp=\S+ )?)?\[/,
    to: 'function',
  },
  { from: ['gap', 'panicked'], pattern: /^(?:runtime stack:|\[signal |rax |r\d+ |rip )/, to: 'function' },
  { from: ['function', 'frame'], pattern: /^created by /, to: 'function' },
  { from: ['function', 'frame'], pattern: /^[\w./~%*()[\]{},·:-]+\(.*\)?$/, to: 'function' },
  { from: ['function', 'frame'], pattern: /^\.\.\.(?:additional frames elided|\d+ frames elided)/, to: 'frame' },
  { from: ['function'], pattern: /^\t.+:\d+/, to: 'frame' },
  { from: ['function', 'frame', 'gap'], pattern: /^exit status \d+/, to: 'gap' },
];

/** V8's Error.stack, causes and properties as util.inspect shows them, and what an uncaught error prints. */
const node: TraceSet = [
  { pattern: /(?:^|\s|\()(?:[A-Z]\w*)?(?:Error|Exception)(?: \[[A-Z0-9_]+\])?(?::\s|:?$)/, to: 'thrown' },
  { pattern: /^(?:node:[\w/]+|file:\/\/\S+|\/\S+\.[cm]?[jt]s):\d+$/, to: 'place' },
  { from: ['place'], pattern: /^/, to: 'source' },
  { from: ['source'], pattern: /^\s*\^+\s*$|^$/, to: 'source' },
  { from: ['source'], pattern: /^(?:Uncaught:?|\w*(?:Error|Exception)(?: \[[A-Z0-9_]+\])?(?::.*)?)$/, to: 'thrown' },
  { from: ['thrown', 'frames'], pattern: /^\s+(?:at |\.\.\. \d+ lines matching cause stack trace)/, to: 'frames' },
  { from: ['frames', 'properties'], pattern: /^\s+(?:\[?\w+\]?: |[}\]'"]|at |\.\.\. )/, to: 'properties' },
  { from: ['properties'], pattern: /^\}/, to: 'ended' },
  { from: ['frames', 'ended', 'blank'], pattern: /^$/, to: 'blank' },
  { from: ['blank'], pattern: /^Node\.js v\d/, to: 'ended' },
];

/** Exception.ToString() and what the runtime prints of an unhandled one. */
const dotnet: TraceSet = [
  { pattern: /^Unhandled exception[.:]? /i, to: 'thrown' },
  { pattern: /(?:^|\s)[A-Za-z_][\w.]*Exception(?: \(0x[0-9A-Fa-f]+\))?: /, to: 'thrown' },
  { from: ['thrown', 'frames'], pattern: /^\s+at .+/, to: 'frames' },
  { from: ['thrown', 'frames'], pattern: /^\s*---> /, to: 'thrown' },
  { from: ['thrown', 'frames'], pattern: /^\s*--- End of /, to: 'frames' },
];

/** Exception#full_message in both orders, and what an uncaught one prints. */
const ruby: TraceSet = [
  { pattern: /:\d+:in [`'].+'?: .+ \([A-Z][\w:]*\)$/, to: 'frames' },
  { pattern: /^Traceback \(most recent call last\):$/, to: 'reversed' },
  { pattern: /^[A-Z][\w:]*(?:Error|Exception)\b(?: \(.*\):|:| - )/, to: 'frames' },
  { from: ['frames'], pattern: /^\s+(?:from )?\S+:\d+:in [`']/, to: 'frames' },
  { from: ['frames'], pattern: /^\s*\t*from .+:\d+/, to: 'frames' },
  { from: ['frames'], pattern: /^\s+\.\.\. \d+ levels/, to: 'frames' },
  { from: ['frames'], pattern: /:\d+:in [`'].+'?: .+ \([A-Z][\w:]*\)$/, to: 'frames' },
  { from: ['reversed'], pattern: /^\s+\d+: from /, to: 'reversed' },
  { from: ['reversed'], pattern: /:\d+:in [`']/, to: 'frames' },
];

export const traceSets: Readonly<Record<TraceSetName, TraceSet>> = { java, python, go, node, dotnet, ruby };
