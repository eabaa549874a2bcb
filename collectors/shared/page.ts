/** Memory that many records share. */

/** Bytes, and a view of the same ones. */
export interface Page {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Its `bytes` are no Buffer, whatever was given: code that meets one kind only is faster. */
export function pageOver({ buffer, byteOffset, length }: Uint8Array): Page {
  return { bytes: new Uint8Array(buffer, byteOffset, length), view: new DataView(buffer, byteOffset, length) };
}
