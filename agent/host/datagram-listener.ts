/**
 * `DatagramListener`: our own addon where it can be loaded; for UDP Node's sockets where not. Unix datagrams need the addon.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type {
  DatagramListener,
  DatagramListening,
  DatagramListenOptions,
  ListenAt,
} from '../../collectors/socket-ports.ts';
import { type DatagramBinding, loadDatagramBinding } from './addon.ts';
import { openNativeDatagrams } from './datagram-native.ts';
import { openNodeDatagrams } from './datagram-node.ts';
import { SocketFile } from './socket-file.ts';

/** `dataDir`: one more place to load the addon through. It is loaded with the first listener. */
export function hostDatagramListener(
  dataDir?: string,
  load: (folders: readonly string[]) => DatagramBinding = loadDatagramBinding,
): DatagramListener {
  let loaded: DatagramBinding | Error | undefined;
  return {
    async listen(options) {
      loaded ??= tryToLoad(() => load(dataDir === undefined ? [] : [dataDir]));
      return 'path' in options.at ? listenUnix(options, options.at, loaded) : listenUdp(options, options.at, loaded);
    },
  };
}

async function listenUdp(
  options: DatagramListenOptions,
  { host, port }: Extract<ListenAt, { host: string }>,
  loaded: DatagramBinding | Error,
): Promise<DatagramListening> {
  const address = isIP(host) === 0 ? (await lookup(host)).address : host;
  const family = isIP(address) === 6 ? 6 : 4;
  if (loaded instanceof Error) return openNodeDatagrams({ address, port, family }, options, loaded.message);
  return openNativeDatagrams(loaded, { kind: family, address, port }, options);
}

async function listenUnix(
  options: DatagramListenOptions,
  { path, mode }: Extract<ListenAt, { path: string }>,
  loaded: DatagramBinding | Error,
): Promise<DatagramListening> {
  if (loaded instanceof Error) {
    const message = `unix datagram sockets need the native part, which cannot be loaded: ${loaded.message}`;
    throw Object.assign(new Error(message), { code: 'ERR_NO_ADDON' });
  }
  const file = await SocketFile.claim(path);
  try {
    const place = { kind: 1, address: file.bindPath, port: 0, name: path } as const;
    const listening = openNativeDatagrams(loaded, place, options, () => file.release());
    file.bound(mode);
    return listening;
  } catch (error) {
    file.release();
    throw error;
  }
}

function tryToLoad(load: () => DatagramBinding): DatagramBinding | Error {
  try {
    return load();
  } catch (error) {
    return error as Error;
  }
}
