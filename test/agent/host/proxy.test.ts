/** The real transport through real proxies: our own little one, tinyproxy and squid where they are installed. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isExcepted } from '../../../agent/host/proxy-choice.ts';
import { makeTransports } from '../../../agent/host/transport.ts';
import { failureOfError } from '../../../shippers/http/shared/trouble.ts';
import type { TransportProxy } from '../../../shippers/ports.ts';
import { makeAuthority, makeCertificate, opensslMissing } from '../../support/certificates.ts';
import { type ProxyWishes, startProxy, type TestProxy } from '../../support/proxy.ts';
import { echo, folder, open, pair, rawServer, send, text } from './wire-world.ts';

const none: TransportProxy = {
  url: undefined,
  authorization: undefined,
  caFile: undefined,
  noProxy: [],
  environment: false,
};

async function proxyFor(t: TestContext, wishes: ProxyWishes = {}): Promise<TestProxy> {
  const proxy = await startProxy(wishes);
  t.after(() => proxy[Symbol.asyncDispose]());
  return proxy;
}

const through = (proxy: TestProxy, more: Partial<TransportProxy> = {}) => ({
  proxy: { ...none, url: `http://127.0.0.1:${proxy.port}`, ...more },
});

const causeOf = (error: unknown) => failureOfError(error, 'receiver').trouble.cause;

test('http: through a proxy: the request arrives, and the password reaches the proxy only', async (t) => {
  const { url } = await pair(t, echo);
  const proxy = await proxyFor(t, { authorization: 'Basic dTpw' });
  const known = open(t, url, undefined, through(proxy, { authorization: () => 'Basic dTpw' }));
  const answer = await send(known, { url: `${url}/v1/blocks?a=b`, body: Buffer.alloc(300_000) });
  const seen = JSON.parse(text(answer));
  assert.deepEqual([seen.target, seen.bytes], ['/v1/blocks?a=b', 300_000]);
  assert.equal(seen.headers['proxy-authorization'], undefined);
  assert.deepEqual(proxy.asked, [`POST ${url}/v1/blocks?a=b`]);
  const unknown = open(t, url, undefined, through(proxy));
  await assert.rejects(send(unknown, { url }), { code: 'PROXY_AUTH' });
});

test('https: through a proxy: it sees a name and a port, and TLS is with the far end', {
  skip: opensslMissing,
}, async (t) => {
  const root = folder(t);
  const authority = makeAuthority(root, 'ca');
  const server = makeCertificate(root, 'server', authority);
  const client = makeCertificate(root, 'client', authority);
  const { listening } = await pair(t, echo, { tls: { ...server, clientCaFile: authority.certFile } });
  const tls = { caFile: authority.certFile, ...client };
  const url = `https://localhost:${listening.port}`;
  const proxy = await proxyFor(t, { authorization: 'Basic dTpw' });
  const authorization = () => 'Basic dTpw';
  const one = open(t, url, tls, through(proxy, { authorization }));
  for (const bytes of [0, 5_000_000]) {
    const answer = await send(one, { url, headers: { authorization: 'Bearer s3cret' }, body: Buffer.alloc(bytes) });
    const seen = JSON.parse(text(answer));
    assert.equal(seen.bytes, bytes);
    assert.equal(seen.headers['proxy-authorization'], undefined);
  }
  assert.deepEqual(proxy.asked, [`CONNECT localhost:${listening.port}`]);
  assert.equal(proxy.headers.authorization, undefined);

  // a proxy with TLS of its own, which has to be verified too
  const secure = await proxyFor(t, { certificate: makeCertificate(root, 'proxy', authority) });
  const twice = { url: `https://localhost:${secure.port}`, caFile: authority.certFile };
  assert.equal(
    (await send(open(t, url, tls, through(secure, twice)), { url, body: Buffer.alloc(1_000_000) })).status,
    200,
  );
  const blind = open(t, url, tls, through(secure, { ...twice, caFile: undefined }));
  await assert.rejects(send(blind, { url }), (error: Error) => {
    assert.equal(causeOf(error), 'tls_unknown_ca');
    assert.match(failureOfError(error, 'receiver').trouble.message, /certificate of the proxy/);
    return true;
  });
});

test('what a proxy refuses is named: 407, 403, 502, garbage, nobody there, silence', {
  skip: opensslMissing,
}, async (t) => {
  const root = folder(t);
  const authority = makeAuthority(root, 'ca');
  const { listening } = await pair(t, echo, { tls: makeCertificate(root, 'server', authority) });
  const url = `https://localhost:${listening.port}`;
  const named = async (wishes: ProxyWishes | { port: number }, more: Partial<TransportProxy> = {}) => {
    const port = 'port' in wishes ? wishes.port : (await proxyFor(t, wishes)).port;
    const proxy = { ...none, url: `http://127.0.0.1:${port}`, ...more };
    const transport = open(t, url, { caFile: authority.certFile }, { proxy, connectTimeoutMs: 400 });
    const error = await send(transport, { url, headers: { authorization: 'Bearer s3cret' } }).catch((each) => each);
    const { kind, trouble } = failureOfError(error, 'receiver');
    assert.doesNotMatch(`${trouble.message} ${error.stack}`, /s3cret|cGFzc3dvcmQ/);
    return `${kind} ${trouble.cause}`;
  };
  assert.equal(await named({ authorization: 'x' }), 'trouble proxy_auth');
  assert.equal(
    await named({ authorization: 'x' }, { authorization: () => 'Basic cGFzc3dvcmQ=' }),
    'trouble proxy_auth',
  );
  assert.equal(await named({ status: 403 }), 'trouble proxy_refused');
  assert.equal(await named({ status: 502 }), 'later proxy_failed');
  assert.equal(await named({ garbage: 'what?\r\n\r\n' }), 'later proxy_failed');
  assert.equal(await named({ port: 1 }), 'later connection_refused');
  assert.equal(await named({ port: await rawServer(t, () => {}) }), 'later connect_timeout');
});

test('the environment names a proxy, and no_proxy what is reached directly', async (t) => {
  const { url, listening } = await pair(t, echo, { host: '0.0.0.0' });
  const proxy = await proxyFor(t, { authorization: `Basic ${Buffer.from('u:p@ss').toString('base64')}` });
  const value = `http://u:p%40ss@127.0.0.1:${proxy.port}`;
  // A name that only we can look up: what leads to it directly is seen.
  const lookups: string[] = [];
  const ways = (environment: Record<string, string>, target: string, more: Partial<TransportProxy> = {}) => {
    const transports = makeTransports({
      environment,
      lookup: (name, _, done) => {
        lookups.push(name);
        done(null, [{ address: '127.0.0.1', family: 4 }]);
      },
    });
    return open(t, target, undefined, { proxy: { ...none, environment: true, ...more } }, transports);
  };
  const away = `http://edge.example.test:${listening.port}`;
  const direct = async (environment: Record<string, string>, more: Partial<TransportProxy> = {}) => {
    const [asked, looked] = [proxy.asked.length, lookups.length];
    const answer = await send(ways(environment, away, more), { url: away });
    if (proxy.asked.length > asked) return false;
    assert.deepEqual([answer.status, lookups.length], [200, looked + 1]);
    return true;
  };
  // the proxy itself does not know the name: it answers 502
  assert.equal(await direct({ http_proxy: value }), false);
  assert.equal(await direct({ all_proxy: value }), false);
  assert.equal(await direct({ HTTP_PROXY: value }), true);
  assert.equal(await direct({ https_proxy: value }), true);
  assert.equal(await direct({ http_proxy: value, no_proxy: 'x, .example.test' }), true);
  assert.equal(await direct({ http_proxy: value, NO_PROXY: '*' }), true);
  assert.equal(await direct({ http_proxy: value }, { environment: false }), true);
  assert.equal(await direct({ http_proxy: value }, { noProxy: ['edge.example.test'] }), true);
  assert.equal(await direct({ http_proxy: value }, { noProxy: ['dge.example.test'] }), false);
  const loopback = ways({ http_proxy: value }, url);
  const before = proxy.asked.length;
  assert.equal((await send(loopback, { url })).status, 200);
  assert.equal(proxy.asked.length, before);
  await assert.rejects(send(ways({ http_proxy: 'socks5://u:s3cret@p' }, away), { url: away }), (error: Error) => {
    assert.doesNotMatch(String(error.stack), /s3cret/);
    return causeOf(error) === 'proxy_unusable';
  });
});

test('no_proxy knows names, addresses, networks and ports', () => {
  const excepted = (target: string, ...entries: string[]) => isExcepted(new URL(target), entries);
  assert.ok(excepted('http://a.b.c', 'b.c'));
  assert.ok(excepted('http://a.b.c', '.b.c'));
  assert.ok(excepted('http://b.c', '*.b.c'));
  assert.ok(excepted('http://A.B.C./', 'a.b.c'));
  assert.ok(!excepted('http://ab.c', 'b.c'));
  assert.ok(excepted('http://a:8080', 'a:8080'));
  assert.ok(!excepted('http://a:8081', 'a:8080'));
  assert.ok(excepted('https://a', 'a:443'));
  assert.ok(excepted('http://10.1.2.3', '10.0.0.0/8'));
  assert.ok(!excepted('http://11.1.2.3', '10.0.0.0/8'));
  assert.ok(!excepted('http://110.1.2.3', '10.1.2.3'));
  assert.ok(excepted('http://[fd00::1]:80', 'fd00::/8'));
  assert.ok(excepted('http://[fd00::1]', '[fd00::1]'));
  assert.ok(excepted('http://[fd00::1]', 'fd00::1'));
  assert.ok(!excepted('http://a', '10.0.0.0/8', '10.0.0.0/x', '/', ''));
  assert.ok(excepted('http://a', '*'));
});
