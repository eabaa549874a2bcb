/**
 * One line of a container's log. Two formats, told apart line by line:
 *
 *     2026-01-02T03:04:05.678901234Z stdout F the text           CRI: containerd, CRI-O (kubelet's docs/design)
 *     {"log":"the text\n","stream":"stdout","time":"2026-…Z"}    Docker's json-file
 *
 * Pure; what is of neither format is undefined.
 */
export type Stream = 'stdout' | 'stderr';

export interface ContainerLine {
  readonly stream: Stream;
  /** RFC 3339 in UTC, with as many digits of a second as stood there. */
  readonly timestamp: string;
  /** What the container wrote, without its line feed. */
  readonly content: Uint8Array;
  /** Its line goes on with the stream's next. */
  readonly partial: boolean;
  /** Docker: what `log-opts` adds (labels, environment). */
  readonly more?: Readonly<Record<string, string>> | undefined;
}

const brace = 0x7b;
const blank = 0x20;
const { indexOf } = Buffer.prototype;

export function parseLine(line: Uint8Array): ContainerLine | undefined {
  return line[0] === brace ? parseDocker(line) : parseCri(line);
}

function parseCri(line: Uint8Array): ContainerLine | undefined {
  const streamAt = indexOf.call(line, blank) + 1;
  const tagsAt = streamAt > 0 ? indexOf.call(line, blank, streamAt) + 1 : 0;
  if (tagsAt === 0) return undefined;
  const end = indexOf.call(line, blank, tagsAt);
  const timestamp = utcTime(textOf(line, 0, streamAt - 1));
  const stream = streamOf(textOf(line, streamAt, tagsAt - 1));
  // More tags may stand behind the first: `F:…`.
  const tag = textOf(line, tagsAt, end === -1 ? line.length : end).split(':', 1)[0];
  if (timestamp === undefined || stream === undefined || (tag !== 'P' && tag !== 'F')) return undefined;
  return { stream, timestamp, content: line.subarray(end === -1 ? line.length : end + 1), partial: tag === 'P' };
}

function parseDocker(line: Uint8Array): ContainerLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(textOf(line, 0, line.length));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { log, stream: name, time, attrs } = value as Record<string, unknown>;
  const stream = typeof name === 'string' ? streamOf(name) : undefined;
  const timestamp = typeof time === 'string' ? utcTime(time) : undefined;
  if (typeof log !== 'string' || stream === undefined || timestamp === undefined) return undefined;
  const partial = !log.endsWith('\n');
  const content = Buffer.from(partial ? log : log.slice(0, -1));
  return { stream, timestamp, content, partial, more: textsOf(attrs) };
}

function textsOf(value: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const texts = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return texts.length > 0 ? Object.fromEntries(texts) : undefined;
}

function streamOf(name: string): Stream | undefined {
  return name === 'stdout' || name === 'stderr' ? name : undefined;
}

const time = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(?:Z|([+-]\d\d:\d\d))$/;

/** The same moment in UTC, no digit of its second lost. */
function utcTime(text: string): string | undefined {
  const match = time.exec(text);
  if (!match) return undefined;
  const [, seconds, fraction = '', offset] = match;
  if (offset === undefined) return Number.isNaN(Date.parse(text)) ? undefined : text;
  const at = Date.parse(`${seconds}${offset}`);
  return Number.isNaN(at) ? undefined : `${new Date(at).toISOString().slice(0, 19)}${fraction}Z`;
}

function textOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString();
}
