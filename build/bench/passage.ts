/** Passes connections on to another port, byte for byte, and hears how each piece from the client begins. Costs little. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Passage extends AsyncDisposable {
  readonly port: number;
}

/** Where nobody listens on the other port, the client's connection is cut. */
export async function openPassage(to: number, heard: (begins: string) => void): Promise<Passage> {
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const onward = connect({ port: to, host: '127.0.0.1', noDelay: true });
    for (const [one, other] of [
      [client, onward],
      [onward, client],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
    client.on('data', (chunk) => heard(chunk.toString('latin1', 0, 16)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
