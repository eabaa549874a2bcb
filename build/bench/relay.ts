/**
 * Stands between an agent and its receiver and passes everything on unchanged, so that the moment is known at which the receiver said
 * that something is durable there: nobody has to be asked for it.
 */
import * as http from 'node:http';
import { zstdDecompressSync } from 'node:zlib';
import { decodeHeader } from '../../spool/format.ts';
import { type LocalServer, openServer } from './local-server.ts';

export interface Relay extends LocalServer {
  /** Bodies sent by the agent, in bytes. */
  bytes(): number;
}

/** `taken` hears of each batch that was answered with 200, at that moment: its records as text. `asked`: of each POST's beginning. */
export async function openRelay(
  receiverPort: number,
  taken: (text: string) => void,
  asked: () => void = () => {},
): Promise<Relay> {
  const keepAlive = new http.Agent({ keepAlive: true });
  let bytes = 0;
  const server = await openServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      bytes += body.length;
      if (request.method === 'POST') asked();
      const { method = 'GET', url = '/', headers } = request;
      const onward = http.request({
        host: '127.0.0.1',
        port: receiverPort,
        method,
        path: url,
        headers,
        agent: keepAlive,
      });
      onward.on('response', (answer) => {
        if (method === 'POST' && answer.statusCode === 200)
          taken(recordsIn(body, Number(headers['tailspool-descriptions'] ?? 0)));
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      onward.end(body);
    });
  });
  return {
    port: server.port,
    bytes: () => bytes,
    async [Symbol.asyncDispose]() {
      keepAlive.destroy();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The text of all blocks of a batch (docs/wire-protocol.md): descriptions first, then blocks. */
function recordsIn(body: Buffer, descriptionsBytes: number): string {
  let text = '';
  for (let at = descriptionsBytes; at < body.length; ) {
    const head = decodeHeader(body.subarray(at));
    if (head.kind !== 'header') throw new Error(`a batch does not decode: ${head.kind}`);
    const frame = body.subarray(at + head.length, at + head.length + head.header.frameBytes);
    if (frame.length > 0) text += zstdDecompressSync(frame).toString('latin1');
    at += head.length + frame.length;
  }
  return text;
}
