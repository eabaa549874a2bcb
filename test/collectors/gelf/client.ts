/** GELF's real client, `gelf-pro`. It is one object for the whole process, set up anew for each use. */
import { createRequire } from 'node:module';
import type { Logger } from 'gelf-pro';

const client = createRequire(import.meta.url)('gelf-pro') as Logger & { adapter?: unknown };

/** From now on, until the next call. */
export function setUp(transport: 'udp' | 'tcp', port: number): void {
  const adapterOptions = { host: '127.0.0.1', port, ...(transport === 'udp' ? { protocol: 'udp4' } : {}) };
  client.setConfig({ adapterName: transport, adapterOptions: adapterOptions as never, fields: { facility: 'test' } });
  // It keeps the first that it had.
  client.adapter = undefined;
}

/** Resolves when the client says that it was sent. */
export function send(message: string, extra: object): Promise<void> {
  return new Promise((resolve, reject) => {
    client.message(message, 4, extra, (error) => (error ? reject(error) : resolve()));
  });
}
