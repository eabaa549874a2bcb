/**
 * The way through an HTTP proxy: a socket to it, and CONNECT (RFC 9110 section 9.3.6) for what stays encrypted to its end. Loaded only where
 * there is a proxy. undici's own ProxyAgent was not taken: it brings a second pool, and what a proxy refuses cannot be told apart.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import type { Certificates } from './certificates.ts';
import type { DialOptions } from './dial.ts';
import type { ChosenProxy } from './proxy-choice.ts';

const headBytesMax = 16 * 1024;

/** A socket to the proxy itself. Errors have `from: 'proxy'`. */
export async function dialProxy(proxy: ChosenProxy, certificates: Certificates, dial: DialOptions): Promise<Socket> {
  const { hostname, protocol, port } = proxy.url;
  const host = hostname.replace(/^\[|\]$/g, '');
  const secure = protocol === 'https:';
  const options = { ...dial.socket, host, port: Number(port || (secure ? 443 : 80)) };
  const servername = hostname.startsWith('[') ? {} : { servername: host };
  const socket = secure
    ? process
        .getBuiltinModule('node:tls')
        .connect({ ...options, ...certificates, ...servername, rejectUnauthorized: true, minVersion: 'TLSv1.2' })
    : connectTcp(options);
  dial.opened(socket);
  try {
    await once(socket, secure ? 'secureConnect' : 'connect');
  } catch (error) {
    throw Object.assign(error as Error, { from: 'proxy' });
  }
  return socket.setNoDelay(true);
}

/** Asks for a tunnel to `host:port` (an IPv6 address in brackets). */
export async function tunnel(socket: Socket, target: string, authorization: string | undefined): Promise<void> {
  const lines = [`CONNECT ${target} HTTP/1.1`, `host: ${target}`];
  if (authorization !== undefined) lines.push(`proxy-authorization: ${authorization}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  const head = await readHead(socket);
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status?.startsWith('2')) return;
  socket.destroy();
  throw refusal(status === undefined ? undefined : Number(status), target, head.split('\r\n', 1)[0]!);
}

/** What a proxy answered instead of letting through; without `status`: something that is not HTTP. */
export function refusal(status: number | undefined, target: string, said: string): Error {
  // tinyproxy answers a wrong password with 401
  if (status === 407 || status === 401) return failure('PROXY_AUTH', `It answered: ${said}`, status);
  if (status === undefined) return failure('PROXY_FAILED', 'It answers something that is not HTTP.', status);
  return failure('PROXY_REFUSED', `To reach ${target} it answered: ${said}`, status);
}

async function readHead(socket: Socket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let head = '';
  const take = (chunk: Buffer) => {
    head += chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    // what follows a head would be the far end's bytes, which does not speak first; a refusal's body is of no use
    if (end >= 0) resolve(head.slice(0, end));
    else if (head.length > headBytesMax) reject(refusal(undefined, '', ''));
  };
  const broken = () => reject(failure('PROXY_FAILED', 'It broke off the connection.', undefined));
  socket.on('data', take).once('close', broken).once('error', reject);
  try {
    return await promise;
  } finally {
    socket.off('data', take).off('close', broken).off('error', reject);
    socket.pause();
  }
}

function once(socket: Socket, event: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const closed = () => reject(failure('ECONNRESET', 'closed before it was connected', undefined));
  const connected = () => resolve();
  socket.once(event, connected).once('error', reject).once('close', closed);
  return promise.finally(() => socket.off(event, connected).off('error', reject).off('close', closed));
}

function failure(code: string, message: string, status: number | undefined): Error {
  return Object.assign(new Error(message), { code, status });
}
