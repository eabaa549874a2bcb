/** An HTTP endpoint that takes everything: counts it, and keeps it in a file where it is told to. */
import * as fs from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Sink extends AsyncDisposable {
  readonly port: number;
  /** Bytes of bodies so far. */
  bytes(): number;
}

/** `onBody` hears of every body that is complete, before it is answered. */
export async function openSink(keepIn?: string, onBody?: (body: Buffer) => void): Promise<Sink> {
  let bytes = 0;
  const file = keepIn === undefined ? undefined : fs.openSync(keepIn, 'a');
  const server = createServer((request, response) => {
    const body: Buffer[] = [];
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (file !== undefined) fs.writeSync(file, chunk);
      if (onBody !== undefined) body.push(chunk);
    });
    request.on('end', () => {
      onBody?.(Buffer.concat(body));
      response.end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    bytes: () => bytes,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      if (file !== undefined) fs.closeSync(file);
    },
  };
}
