/** An HTTP endpoint that takes everything: counts it, and keeps it in a file where it is told to. */
import * as fs from 'node:fs';
import { type LocalServer, openServer } from './local-server.ts';

export interface Sink extends LocalServer {
  /** Bytes of bodies so far. */
  bytes(): number;
}

/** `onBody` hears of every body that is complete, before it is answered. */
export async function openSink(keepIn?: string, onBody?: (body: Buffer) => void): Promise<Sink> {
  let bytes = 0;
  const file = keepIn === undefined ? undefined : fs.openSync(keepIn, 'a');
  const server = await openServer((request, response) => {
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
  return {
    port: server.port,
    bytes: () => bytes,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      if (file !== undefined) fs.closeSync(file);
    },
  };
}
