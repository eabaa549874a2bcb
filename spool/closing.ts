/**
 * A block that takes no more runs and is compressed beside the main thread, while the next one is filled. It promises: blocks are
 * appended in the order in which they were closed, since there is one at a time; and where the other thread fails, the block's
 * raw records are still there to be compressed at once.
 */
import { crc32 } from 'node:zlib';
import type { BlockBuilder, BlockContent } from './builder.ts';
import type { NewBlock } from './compose.ts';
import { limits } from './nouns.ts';
import type { Codec, Press } from './ports.ts';

/** What was closed last. */
export interface ClosingBlock {
  readonly builder: BlockBuilder;
  readonly content: BlockContent;
  /** undefined while it is compressed. */
  body: NewBlock['body'] | undefined;
}

export class Closer {
  readonly #press: Press | undefined;
  readonly #codec: Codec;
  #failed = false;
  /** Two, in turns: one may wait to be appended while the next is filled. */
  #frames: [Buffer, Buffer] | undefined;

  constructor(press: Press | undefined, codec: Codec) {
    this.#press = press;
    this.#codec = codec;
  }

  /** Whether it is worth the other thread, and of the usual size: its frame's memory is kept. */
  takes({ raw }: BlockContent): boolean {
    if (this.#press === undefined || this.#failed || raw.length === 0) return false;
    return raw.length >= this.#press.rawBytesMin && raw.length <= limits.blockBytesTarget;
  }

  /** Starts the compression; `done` is called once `body` is set. Until then the builder must not be touched. */
  close(builder: BlockBuilder, content: BlockContent, done: (block: ClosingBlock) => void): ClosingBlock {
    const { raw } = content;
    const block: ClosingBlock = { builder, content, body: undefined };
    const into = this.#frame(this.#codec.frameBytesMax(raw.length));
    const finish = (body: NewBlock['body']) => {
      block.body = body;
      done(block);
    };
    this.#press!.compress(raw, into).then(
      (length) => {
        const frame = into.subarray(0, length);
        finish({ frame, frameCrc: crc32(frame), rawBytes: raw.length });
      },
      () => {
        this.#failed = true;
        finish({ raw });
      },
    );
    return block;
  }

  #frame(bytesMin: number): Buffer {
    this.#frames ??= [Buffer.alloc(0), Buffer.alloc(0)];
    this.#frames.reverse();
    if (this.#frames[0].length < bytesMin) this.#frames[0] = Buffer.allocUnsafeSlow(bytesMin);
    return this.#frames[0];
  }
}
