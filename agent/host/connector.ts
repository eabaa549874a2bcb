/** Makes the connections of a transport: TCP, a unix socket, or TLS over either or over a socket that is there already. */
import { connect as connectPlain, isIP, type LookupFunction, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

/** Where to. */
export interface Target {
  readonly protocol: string;
  /** As in a URL: an IPv6 address stands in brackets. */
  readonly hostname: string;
  /** Empty: the protocol's own. */
  readonly port: string;
  /** Whose certificate is expected; by default the host's. */
  readonly servername?: string | undefined;
  /** TLS goes through this one. */
  readonly through?: Socket | undefined;
}

export type Connected = (...result: [error: null, socket: Socket] | [error: Error, socket: null]) => void;

/** Calls `done` once, later. */
export type Connector = (target: Target, done: Connected) => void;

export interface ConnectorOptions
  extends Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'minVersion'> {
  /** For the whole of it; then it fails with ETIMEDOUT. */
  readonly timeoutMs: number;
  readonly socketPath?: string | undefined;
  readonly lookup?: LookupFunction | undefined;
  readonly autoSelectFamily?: boolean;
  readonly autoSelectFamilyAttemptTimeout?: number;
}

const keepAliveDelayMs = 60_000;

/** Remembers the newest TLS session, so that the next connection is cheaper. */
export function directConnector({
  timeoutMs,
  socketPath,
  ...options
}: ConnectorOptions): (...to: Parameters<Connector>) => Socket {
  let session: Buffer | undefined;
  return (target, done) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    const secure = target.protocol === 'https:';
    const place = {
      ...options,
      ...(socketPath === undefined ? {} : { path: socketPath }),
      host,
      port: Number(target.port || (secure ? 443 : 80)),
    };
    const socket = secure ? secured() : connectPlain(place);
    socket.setKeepAlive(true, keepAliveDelayMs).setNoDelay(true);
    const timer = setTimeout(() => {
      const message = `no connection to ${target.hostname}:${place.port} in ${timeoutMs} ms`;
      socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    let waiting = true;
    const settle: Connected = (...result) => {
      clearTimeout(timer);
      if (!waiting) return;
      waiting = false;
      done(...result);
    };
    socket
      .once(secure ? 'secureConnect' : 'connect', () => settle(null, socket))
      .on('error', (error) => settle(asTimeout(error), null))
      .once('close', () => settle(Object.assign(new Error('closed while connecting'), { code: 'ECONNRESET' }), null));
    return socket;

    function secured(): Socket {
      // Loaded only with TLS (certificates.ts says why).
      const { connect } = process.getBuiltinModule('node:tls');
      const named = target.servername ?? (isIP(host) === 0 ? host : undefined);
      const over = target.through === undefined ? place : { ...options, host, socket: target.through };
      return connect({ ...over, servername: named ?? '', session, ALPNProtocols: ['http/1.1'] }).on(
        'session',
        (fresh) => {
          session = fresh;
        },
      );
    }
  };
}

/** Of several addresses none answered: one that timed out says what is the matter. */
function asTimeout(error: Error): Error {
  const { errors } = error as AggregateError & { errors?: NodeJS.ErrnoException[] };
  return errors?.some(({ code }) => code === 'ETIMEDOUT') ? Object.assign(error, { code: 'ETIMEDOUT' }) : error;
}
