/**
 * `tailspool spool cat`: the records of a spool, as they were read. Works on a spool that is in use or not, and changes
 * nothing. Parts of one line are put together again where nothing of another source stands between them; of one source alone
 * the output is byte for byte what was read. Memory is bounded by one block.
 */
import { bytesOf, type Layout, layoutOf, type Slice } from '../../spool/format-nesting.ts';
import { type SourceOnDisk, SourcesOnDisk } from '../../spool/format-sources.ts';
import { expander, type Found, type FoundBlock, inspect } from '../../spool/inspect.ts';
import type { Codec } from '../../spool/ports.ts';
import { type Command, type CommandContext, exitCodes, type SpoolCatOptions } from './commands.ts';
import { lookInto } from './spool-place.ts';

const writeBytesMin = 64 * 1024;
const lineEnd = Buffer.from('\n');

export const spoolCatCommand: Command<SpoolCatOptions> = async (options, context) => {
  const looking = await lookInto(options, context);
  if (!looking) return exitCodes.usage;
  const { host, place } = looking;
  const read = blockReader(host.codec);
  const sources = new SourcesOnDisk();
  const output = new Output(context);
  let unread = 0;
  for (const found of inspect(host.files, place)) {
    if (found.kind === 'segment' || found.kind === 'gone' || isTail(found)) continue;
    const content = found.kind === 'block' ? read(found.block) : reasonOf(found);
    if (typeof content === 'string') {
      unread++;
      const position = found.kind === 'block' ? found.block.position : found.position;
      context.err(`tailspool: ${found.segment.name} at ${position} cannot be read: ${content}\n`);
      continue;
    }
    sources.learn(content.layout);
    for (const slice of content.layout.slices) {
      const source = sources.of(content.layout, slice);
      if (wanted(source, options)) await output.write(source, slice, bytesOf(slice, content.raw));
    }
  }
  await output.flush();
  return unread > 0 ? exitCodes.runtime : exitCodes.ok;
};

/** What is being written at this moment, or was never acknowledged: `verify` tells more. */
function isTail(found: Found): boolean {
  return found.kind === 'damage' && found.segment.newest && found.end === found.segment.end;
}

function reasonOf(found: Extract<Found, { kind: 'damage' | 'newer' }>): string {
  return found.kind === 'damage' ? found.why : `a newer version (format ${found.version}) wrote it`;
}

/** What a block holds, or why it cannot be had; valid until the next call. */
function blockReader(
  codec: Codec,
): (block: FoundBlock) => { readonly layout: Layout; readonly raw: Uint8Array } | string {
  const expand = expander(codec);
  return (block) => {
    const bytes = block.bytes();
    if (!bytes) return 'it is gone';
    const result = layoutOf(bytes.header, codec);
    if (result.kind === 'damaged') return result.why;
    const raw = expand(block.header, bytes.frame);
    return typeof raw === 'string' ? raw : { layout: result.layout, raw };
  };
}

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
