/** The spool's blocks one after the other, copied: what is on its way must outlive the spool's next read. */
import type { BlockHash, BlockView, Id, Outlet, Position } from '../../../spool/nouns.ts';

export interface SpoolBlock {
  readonly position: Position;
  readonly end: Position;
  readonly hash: BlockHash;
  readonly epoch: Id;
  readonly records: number;
  /** Source bytes that it stands for. */
  readonly rawBytes: number;
  readonly header: Uint8Array;
  readonly frame: Uint8Array;
}

export type Supplied =
  | { readonly kind: 'block'; readonly block: SpoolBlock }
  /** Nothing will come of the stretch up to `upto`. */
  | { readonly kind: 'gap'; readonly upto: Position }
  /** Nothing to be had at `at` for now. */
  | { readonly kind: 'nothing'; readonly at: Position };

/** Small blocks are read together. */
const readBytes = 64 * 1024;

export class Supply {
  readonly #outlet: Outlet;
  #at: Position;
  #read: SpoolBlock[] = [];

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
    this.#at = outlet.cursor?.position ?? outlet.oldest;
  }

  next(): Supplied {
    const block = this.#read.shift() ?? this.#refill();
    return 'kind' in block ? block : { kind: 'block', block };
  }

  #refill(): SpoolBlock | Exclude<Supplied, { kind: 'block' }> {
    const result = this.#outlet.read(this.#at, readBytes);
    switch (result.kind) {
      case 'blocks': {
        this.#at = result.upto;
        const bytes = Buffer.from(result.bytes);
        const epoch = result.epoch.id;
        const [first, ...rest] = result.blocks.map((block) => copied(block, result.bytes, bytes, epoch));
        this.#read = rest;
        return first!;
      }
      case 'gap':
        this.#at = result.upto;
        return { kind: 'gap', upto: result.upto };
      case 'unreadable':
      case 'end':
        return { kind: 'nothing', at: this.#at };
      default:
        return result satisfies never;
    }
  }
}

/** The same views into the copy. */
function copied(block: BlockView, from: Uint8Array, to: Buffer, epoch: Id): SpoolBlock {
  const view = (part: Uint8Array) => {
    const at = part.byteOffset - from.byteOffset;
    return to.subarray(at, at + part.length);
  };
  const { position, end, hash, records, rawBytes } = block;
  return { position, end, hash, epoch, records, rawBytes, header: view(block.header), frame: view(block.frame) };
}
