/** The rules between the keys of one destination: addresses, TLS, authentication, proxy. Pure; all findings at once. */
import type { Finding, KeyPath } from './findings.ts';
import { error, warning } from './rule-findings.ts';
import type { ConfigurationFile } from './schema.ts';

type HttpFile = Extract<ConfigurationFile['shippers'][string], { type: 'http' }>;

export function checkDestination(path: KeyPath, http: HttpFile): Finding[] {
  return [...checkAddresses(path, http), ...checkTls(path, http), ...checkAuth(path, http), ...checkProxy(path, http)];
}

/** Names and addresses of this host alone. */
export function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[|\]$/g, '');
  return /^127(\.\d{1,3}){3}$/.test(bare) || ['localhost', '::1'].includes(bare);
}

function checkAddresses(path: KeyPath, { url, failover, unix_socket }: HttpFile): Finding[] {
  const seen = new Set([url]);
  const findings: Finding[] = [];
  for (const [index, other] of failover.entries()) {
    if (seen.has(other)) findings.push(error([...path, 'failover', index], 'this address stands here already'));
    seen.add(other);
  }
  if (unix_socket !== undefined && failover.length > 0)
    findings.push(error([...path, 'failover'], '`failover` does nothing with `unix_socket`', 'take one of them out'));
  return findings;
}

function checkTls(path: KeyPath, http: HttpFile): Finding[] {
  const findings = checkPair([...path, 'tls'], http.tls);
  if (http.tls !== undefined && ![http.url, ...http.failover].some(isSecure)) {
    findings.push(error([...path, 'tls'], '`tls` does nothing with an http: URL', 'write https:, or take `tls` out'));
  }
  return findings;
}

function checkPair(path: KeyPath, tls: HttpFile['tls']): Finding[] {
  if ((tls?.cert === undefined) === (tls?.key === undefined)) return [];
  return [error(path, '`cert` and `key` go together', 'give both or neither')];
}

function checkAuth(path: KeyPath, { auth, url, failover, unix_socket }: HttpFile): Finding[] {
  if (auth === undefined) return [];
  const given = [auth.bearer_file, auth.basic, auth.oauth2].filter((way) => way !== undefined).length;
  if (given !== 1) return [error([...path, 'auth'], '`auth` needs exactly one of `bearer_file`, `basic` and `oauth2`')];
  const findings: Finding[] = [];
  for (const [at, address] of [['url', url], ...failover.map((each, index) => [index, each] as const)] as const) {
    if (unix_socket !== undefined || isSafe(address)) continue;
    const where = at === 'url' ? [...path, at] : [...path, 'failover', at];
    findings.push(warning(where, 'the secret of `auth` goes over the network in the clear', 'use https:'));
  }
  const { oauth2 } = auth;
  if (oauth2 === undefined) return findings;
  const at = [...path, 'auth', 'oauth2'];
  if (!isSafe(oauth2.token_url))
    findings.push(error([...at, 'token_url'], 'the secret would go over the network in the clear', 'use https:'));
  if (oauth2.tls !== undefined && !isSecure(oauth2.token_url))
    findings.push(error([...at, 'tls'], '`tls` does nothing with an http: URL', 'write https:, or take `tls` out'));
  return [...findings, ...checkPair([...at, 'tls'], oauth2.tls)];
}

function checkProxy(path: KeyPath, { proxy, unix_socket }: HttpFile): Finding[] {
  const at = [...path, 'proxy'];
  const findings: Finding[] = [];
  if (proxy.url !== undefined && unix_socket !== undefined)
    findings.push(error([...at, 'url'], 'no proxy leads to a `unix_socket`', 'take one of them out'));
  if (proxy.url === undefined && proxy.basic !== undefined)
    findings.push(error([...at, 'basic'], '`basic` needs the `url` of the proxy', 'give both or neither'));
  if (proxy.ca !== undefined && !(proxy.url !== undefined && isSecure(proxy.url)))
    findings.push(error([...at, 'ca'], '`ca` is for an https: proxy', 'write https: in `url`, or take `ca` out'));
  if (proxy.url !== undefined && new URL(proxy.url).pathname !== '/')
    findings.push(error([...at, 'url'], "a proxy's URL has no path", 'take it out'));
  return findings;
}

function isSecure(url: string): boolean {
  return url.startsWith('https:');
}

function isSafe(url: string): boolean {
  return isSecure(url) || isLoopback(new URL(url).hostname);
}
