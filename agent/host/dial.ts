/**
 * How a transport's connections are made: directly, to a unix socket, or through a proxy; with TLS, whose verification nothing turns off. All
 * addresses of a name are tried in turn. One time limit for the whole of it.
 */
import type { LookupFunction, Socket } from 'node:net';
import type { TransportOptions } from '../../shippers/ports.ts';
import type { Certificates } from './certificates.ts';
import { type Connected, type Connector, directConnector, type Target } from './connector.ts';
import type { ChosenProxy } from './proxy-choice.ts';

/** An address of several has so long to answer before the next one is tried. */
const attemptTimeoutMs = 1000;

export interface DialOptions {
  readonly socket: {
    readonly lookup?: LookupFunction;
    readonly autoSelectFamily: true;
    readonly autoSelectFamilyAttemptTimeout: number;
  };
  /** Hears of each socket when it is begun. */
  readonly opened: (socket: Socket) => void;
}

export interface DialWorld {
  readonly lookup: LookupFunction | undefined;
  readonly opened: (socket: Socket) => void;
  readonly proxy: ChosenProxy | undefined;
  readonly proxyCertificates: () => Certificates;
}

/** `socketPath`: as it can be reached. */
export function makeConnector(
  options: TransportOptions,
  socketPath: string | undefined,
  certificates: Certificates,
  world: DialWorld,
): Connector {
  const { connectTimeoutMs, tls } = options;
  const socket = {
    ...(world.lookup === undefined ? {} : { lookup: world.lookup }),
    autoSelectFamily: true as const,
    autoSelectFamilyAttemptTimeout: attemptTimeoutMs,
  };
  const direct = directConnector({
    ...socket,
    timeoutMs: connectTimeoutMs,
    socketPath,
    ...certificates,
    rejectUnauthorized: true,
    minVersion: tls?.minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
  });
  const named = tls?.serverName === undefined ? {} : { servername: tls.serverName };
  const { proxy } = world;
  if (proxy === undefined || socketPath !== undefined)
    return (target, done) => track(direct({ ...target, ...named }, done), world.opened);
  const dial = { socket, opened: world.opened };
  return (target, done) => {
    const ended = limited(connectTimeoutMs, done, world.opened);
    reach(target, proxy, world.proxyCertificates, { ...dial, opened: ended.opened }).then(
      (through) => {
        if (target.protocol !== 'https:') ended.done(null, through);
        else track(direct({ ...target, ...named, through }, ended.done), ended.opened);
      },
      (error) => ended.done(error, null),
    );
  };
}

/** A socket that leads to the target, or to a proxy that takes requests for it as they are. */
async function reach(
  target: Target,
  proxy: ChosenProxy,
  certificates: () => Certificates,
  dial: DialOptions,
): Promise<Socket> {
  const { dialProxy, tunnel } = await import('./proxy.ts');
  const authorization = proxy.authorization?.();
  const socket = await dialProxy(proxy, certificates(), dial);
  if (target.protocol !== 'https:') return socket;
  const host = target.hostname.includes(':') ? `[${target.hostname.replace(/^\[|\]$/g, '')}]` : target.hostname;
  await tunnel(socket, `${host}:${target.port || 443}`, authorization);
  return socket;
}

/** One answer, at the latest when the time is over; then everything that was begun is let go. */
function limited(timeoutMs: number, done: Connected, opened: (socket: Socket) => void) {
  const begun: Socket[] = [];
  let over = false;
  const finish: Connected = (...result) => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    if (result[0] !== null) for (const socket of begun) socket.destroy();
    done(...result);
  };
  const timer = setTimeout(() => {
    const message = `no connection through the proxy in ${timeoutMs} ms`;
    finish(Object.assign(new Error(message), { code: 'ETIMEDOUT' }), null);
  }, timeoutMs);
  return {
    done: finish,
    opened: (socket: Socket) => {
      begun.push(socket);
      // Between its owners nobody else may listen.
      socket.on('error', () => {});
      opened(socket);
    },
  };
}

function track(socket: unknown, opened: (socket: Socket) => void): void {
  if (socket !== undefined) opened(socket as Socket);
}
