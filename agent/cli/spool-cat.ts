/**
 * `tailspool spool cat`: the records of a spool, as they were read. Works on a spool that is in use or not, and changes
 * nothing. Parts of one line are put together again where nothing of another source stands between them; of one source alone
 * the output is byte for byte what was read. Memory is bounded by one block.
 */
import { bytesOf, layoutOf, type Slice } from '../../spool/format-nesting.ts';
import { expander, inspect } from '../../spool/inspect.ts';
import { type SourceOnDisk, SourcesOnDisk } from '../../spool/sources-on-disk.ts';
import { type Command, type CommandContext, exitCodes, type SpoolCatOptions } from './commands.ts';
import { lookInto } from './spool-place.ts';

const writeBytesMin = 64 * 1024;
const lineEnd = Buffer.from('\n');

export const spoolCatCommand: Command<SpoolCatOptions> = async (options, context) => {
  const looking = await lookInto(options, context);
  if (!looking) return exitCodes.usage;
  const { host, place } = looking;
  const expand = expander(host.codec);
  const sources = new SourcesOnDisk();
  const output = new Output(context);
  let unread = 0;
  for (const found of inspect(host.files, place)) {
    if (found.kind === 'segment') continue;
    const problem =
      found.kind === 'block' ? undefined : found.kind === 'damage' ? found.why : `format ${found.version}`;
    if (found.kind !== 'block') {
      // What is being written, or was never acknowledged: `verify` tells more.
      if (found.segment.newest) continue;
      unread++;
      context.err(`tailspool: ${found.segment.name} at ${found.position} cannot be read: ${problem}\n`);
      continue;
    }
    const bytes = found.block.bytes();
    const result = bytes && layoutOf(bytes.header, host.codec);
    const raw = bytes && expand(found.block.header, bytes.frame);
    if (!raw || typeof raw === 'string' || result?.kind !== 'layout') {
      unread++;
      context.err(`tailspool: the records at ${found.block.position} cannot be read: ${raw || 'they are gone'}\n`);
      continue;
    }
    sources.learn(result.layout);
    for (const slice of result.layout.slices) {
      const source = sources.of(result.layout, slice);
      if (wanted(source, options)) await output.write(source, slice, bytesOf(slice, raw));
    }
  }
  await output.flush();
  return unread > 0 ? exitCodes.runtime : exitCodes.ok;
};

/** Puts a line end where another source's records begin behind a line that has none, and small pieces together. */
class Output {
  readonly #context: CommandContext;
  #last = '';
  #open = false;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  async write(source: SourceOnDisk, slice: Slice, bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    const name = `${source.spool}.${source.source}`;
    if (this.#open && name !== this.#last) this.#waiting.push(lineEnd);
    this.#last = name;
    this.#open = slice.addedLf;
    // The bytes are a view of what the next block overwrites.
    this.#waiting.push(Uint8Array.from(bytes));
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= writeBytesMin) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#waiting.length > 0) await this.#context.out(Buffer.concat(this.#waiting));
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}

function wanted({ spool, source, description }: SourceOnDisk, options: SpoolCatOptions): boolean {
  if (options.source !== undefined && String(source) !== options.source) return false;
  if (options.origin !== undefined && !spool.startsWith(options.origin)) return false;
  return options.path === undefined || description?.attributes['log.file.path'] === options.path;
}
