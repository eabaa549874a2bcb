/** A log file as an open file that is only read: what is read, and from where, is told by who extends it. */
import type { FileStat, OpenFile } from '../../spool/ports.ts';

export abstract class ReadOnlyFile implements OpenFile {
  abstract read(into: Uint8Array, position: number): number;
  abstract readLater(into: Uint8Array, position: number): Promise<number>;
  abstract stat(): FileStat;
  abstract statLater(): Promise<FileStat>;
  abstract close(): void;

  readInto(into: readonly Uint8Array[], position: number): number {
    let total = 0;
    for (const part of into) {
      const got = this.read(part, position + total);
      total += got;
      if (got < part.length) break;
    }
    return total;
  }

  write(): never {
    throw new Error('BUG: a log file is only read');
  }

  truncate(): never {
    throw new Error('BUG: a log file is only read');
  }

  datasync(): never {
    throw new Error('BUG: a log file is only read');
  }
}
