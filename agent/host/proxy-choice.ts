/**
 * Which proxy leads to a URL, by configuration or environment, as curl and Go's net/http read it. Pure. Nothing here prints what
 * stands before the `@` of a proxy's URL.
 */
import { BlockList, isIP } from 'node:net';
import type { TransportProxy } from '../../shippers/ports.ts';

export interface ChosenProxy {
  /** http: or https:, without user and password. */
  readonly url: URL;
  /** The value of `proxy-authorization` at this moment. Throws where the secret cannot be read. */
  readonly authorization: (() => string) | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** undefined: directly. Throws with code `PROXY_UNUSABLE` where what the environment names is no http or https proxy. */
export function chooseProxy(target: URL, options: TransportProxy, environment: Environment): ChosenProxy | undefined {
  if (options.url !== undefined) {
    if (isExcepted(target, options.noProxy)) return undefined;
    return { url: new URL(options.url), authorization: options.authorization };
  }
  if (!options.environment || isLoopback(target.hostname)) return undefined;
  const excepted = (environment.no_proxy ?? environment.NO_PROXY ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  if (isExcepted(target, [...options.noProxy, ...excepted])) return undefined;
  const named = namedFor(target.protocol, environment);
  return named === undefined ? undefined : parse(named.name, named.value);
}

/** `HTTP_PROXY` in capitals may come from a request's `Proxy:` header where a CGI program is started: it does not count. */
function namedFor(protocol: string, environment: Environment): { name: string; value: string } | undefined {
  const names = protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy'];
  for (const name of [...names, 'all_proxy', 'ALL_PROXY']) {
    const value = environment[name];
    if (value !== undefined && value !== '') return { name, value };
  }
  return undefined;
}

function parse(name: string, value: string): ChosenProxy {
  const text = value.includes('://') ? value : `http://${value}`;
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed === undefined || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) {
    const message = `${name} of the environment is not the URL of an http: or https: proxy`;
    throw Object.assign(new Error(message), { code: 'PROXY_UNUSABLE' });
  }
  const [user, password] = [decoded(parsed.username), decoded(parsed.password)];
  const header = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return { url: new URL(parsed.origin), authorization: user === '' ? undefined : () => header };
}

/** A lone `%` stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Names stand for the names below them too; networks are written as `10.0.0.0/8`; each may have a port. */
export function isExcepted(target: URL, entries: readonly string[]): boolean {
  const host = bare(target.hostname);
  const port = target.port || (target.protocol === 'https:' ? '443' : '80');
  return entries.some((entry) => {
    if (entry === '*') return true;
    if (entry.includes('/')) return isWithin(host, entry);
    const { name, only } = split(entry.toLowerCase());
    if (only !== undefined && only !== port) return false;
    const suffix = name.replace(/^\*?\./, '');
    return host === suffix || (isIP(host) === 0 && host.endsWith(`.${suffix}`));
  });
}

function split(entry: string): { name: string; only: string | undefined } {
  const found = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry);
  if (found === null) return { name: bare(entry), only: undefined };
  return { name: bare(found[1]!), only: found[2] };
}

function isWithin(host: string, network: string): boolean {
  const [address = '', prefix = ''] = network.split('/');
  const family = isIP(bare(address));
  const bits = Number(prefix);
  if (family === 0 || isIP(host) !== family || !/^\d+$/.test(prefix) || bits > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(bare(address), bits, family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

function isLoopback(hostname: string): boolean {
  const host = bare(hostname);
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    (isIP(host) === 4 && host.startsWith('127.'))
  );
}

function bare(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$|\.$/g, '')
    .replace(/\]$/, '');
}
