/** The rows of the table in docs/operations.md: each trouble, and a shipper's configuration that gets into it for real. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostListener } from '../../agent/host/listener.ts';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { startProxy } from '../support/proxy.ts';
import { answering, type Endpoints, receiverThatAnswersBatches, wireAnswer } from './endpoints.ts';

export interface Case {
  readonly cause: string;
  /** What it is, for people: a row's second column. */
  readonly how: string;
  /** Health is red at once; otherwise after a minute. */
  readonly red: boolean;
  /** The shipper's configuration. */
  readonly shipper: Readonly<Record<string, unknown>>;
  /** Notes stop nothing and never turn red. */
  readonly note?: true;
  /** Done once the agent runs. */
  readonly spoil?: () => void;
}

const dayMs = 86_400_000;
const page = '<!doctype html><html><form>Please log in</form></html>';

/** `folder`: for certificates and secrets. The proxies end with `stack`. */
export async function allCases(folder: string, endpoints: Endpoints, stack: AsyncDisposableStack): Promise<Case[]> {
  return [
    ...(await network(endpoints, folder)),
    ...(await certificates(endpoints, folder, stack)),
    ...(await proxies(endpoints, stack)),
    ...(await secrets(endpoints, folder)),
    ...(await answers(endpoints)),
    ...(await destinations(endpoints)),
  ];
}

function later(cause: string, how: string, shipper: Case['shipper']): Case {
  return { cause, how, red: false, shipper: { protocol: 'native', ...shipper } };
}

function lasting(cause: string, how: string, shipper: Case['shipper']): Case {
  return { cause, how, red: true, shipper: { protocol: 'native', ...shipper } };
}

const at = (port: number) => ({ url: `http://127.0.0.1:${port}/v1/blocks` });
const securely = (port: number) => ({ url: `https://localhost:${port}/v1/blocks` });

async function network(endpoints: Endpoints, folder: string): Promise<Case[]> {
  const silent = await endpoints.raw((socket) => void socket.resume());
  const closing = await endpoints.raw((socket) => void socket.once('data', () => socket.destroy()));
  const other = await endpoints.raw((socket) => void socket.end('220 mail.example ESMTP\r\n'));
  return [
    later('name_not_found', 'DNS does not know the name', { url: 'http://logs.example.invalid:8600/v1/blocks' }),
    later('connection_refused', 'nothing listens at host and port', at(await endpoints.nobody())),
    later('connection_reset', 'the connection is broken off before an answer', at(closing)),
    later('connect_timeout', 'no connection (TLS included) in `connect_timeout`', {
      ...securely(silent),
      connect_timeout: '200ms',
      progress_timeout: '5s',
    }),
    later('timeout', 'no byte in `progress_timeout`; a 408 or 504', at(silent)),
    later('unreachable', 'no route to the host', { url: 'http://255.255.255.255:8600/v1/blocks' }),
    later('not_http', 'something answers that does not speak HTTP', at(other)),
    later('socket_unusable', 'the unix socket is not there, or may not be used', {
      url: 'http://localhost/v1/blocks',
      unix_socket: join(folder, 'no.sock'),
    }),
  ];
}

async function certificates(endpoints: Endpoints, folder: string, stack: AsyncDisposableStack): Promise<Case[]> {
  const [ours, theirs] = [makeAuthority(folder, 'ours'), makeAuthority(folder, 'theirs')];
  const half = dayMs / 2;
  const made = {
    good: makeCertificate(folder, 'good', ours),
    spoiled: makeCertificate(folder, 'spoiled', ours),
    expired: makeCertificate(folder, 'expired', ours, { validUntil: new Date(Date.now() - half) }),
    early: makeCertificate(folder, 'early', ours, {
      validFrom: new Date(Date.now() + half),
      validUntil: new Date(Date.now() + dayMs),
    }),
    other: makeCertificate(folder, 'other', ours, { names: 'DNS:other.example' }),
  };
  const ca = ours.certFile;
  const ok = answering(200);
  const serving = async (name: keyof typeof made) => ({
    ...securely(await endpoints.https(made[name], ok)),
    tls: { ca },
  });
  const foreign = securely(await endpoints.https(makeCertificate(folder, 'foreign', theirs), ok));
  const old = await endpoints.https(made.good, ok, { maxVersion: 'TLSv1.2' });
  const choosy = { ...made.good, clientCaFile: ca };
  const receiver = await hostListener({ write: () => {} }).listen({ ...listening, tls: choosy }, neverCalled);
  stack.defer(() => receiver.close(0));
  return [
    lasting('tls_expired', 'the certificate of the other side has expired', await serving('expired')),
    lasting('tls_not_yet_valid', 'its days have not begun', await serving('early')),
    lasting('tls_unknown_ca', 'an authority signed it that is not trusted', { ...foreign, tls: { ca } }),
    lasting('tls_wrong_host', 'it is for another name', await serving('other')),
    lasting('tls_version', 'only versions of TLS below `tls.min_version`', {
      ...securely(old),
      tls: { ca, min_version: '1.3' },
    }),
    lasting('tls_refused_ours', 'the other side does not take our certificate', {
      ...securely(receiver.port),
      tls: { ca, cert: made.expired.certFile, key: made.expired.keyFile },
    }),
    lasting('tls_files', 'a file of `tls` cannot be read, or a key does not fit', {
      ...foreign,
      tls: { ca: join(folder, 'none.pem') },
    }),
    {
      ...later('tls_files_stale', 'such a file changed and cannot be used, so the one before is', {
        ...securely(await endpoints.https(made.good, answering(500))),
        tls: { ca, cert: made.spoiled.certFile, key: made.spoiled.keyFile },
      }),
      note: true,
      spoil: () => writeFileSync(made.spoiled.certFile, 'half of a certifica'),
    },
    lasting('tls', 'TLS fails in another way, as where https: meets a port without TLS', {
      ...securely(await endpoints.http(ok)),
    }),
  ];
}

const listening = { host: '127.0.0.1', port: 0, connectionsMax: 10, headerBytesMax: 8192, idleTimeoutMs: 5000 };

async function neverCalled(): Promise<never> {
  throw new Error('a request without a good certificate was taken');
}

async function proxies(endpoints: Endpoints, stack: AsyncDisposableStack): Promise<Case[]> {
  const far = { url: 'https://logs.example.test/v1/blocks' };
  const through = async (wishes: Parameters<typeof startProxy>[0]) => {
    const proxy = stack.use(await startProxy(wishes));
    return { ...far, proxy: { url: `http://127.0.0.1:${proxy.port}` } };
  };
  return [
    lasting('proxy_auth', 'the proxy answers 407', await through({ authorization: 'Basic x' })),
    lasting('proxy_refused', 'the proxy does not allow this host or port', await through({ status: 403 })),
    later('proxy_failed', 'the proxy cannot reach the host, or breaks off', await through({})),
    lasting('proxy_unusable', "the environment's proxy is no http: or https: URL", far),
    later('connection_refused', 'the proxy itself is not there', {
      ...far,
      proxy: { url: `http://127.0.0.1:${await endpoints.nobody()}` },
    }),
  ];
}

async function secrets(endpoints: Endpoints, folder: string): Promise<Case[]> {
  const secret = join(folder, 'secret');
  writeFileSync(secret, 's3cret\n');
  const ok = at(await endpoints.http(answering(200)));
  const tokens = (port: number) => ({
    ...ok,
    auth: { oauth2: { token_url: `http://127.0.0.1:${port}/token`, client_id: 'edge', client_secret_file: secret } },
  });
  const refusing = await endpoints.http(answering(401, { body: '{"error":"invalid_client"}' }));
  const failing = await endpoints.http(answering(503));
  return [
    lasting('no_secret', 'a file with a secret cannot be read, or is empty', {
      ...ok,
      auth: { bearer_file: join(folder, 'none') },
    }),
    lasting('token_refused', 'the token endpoint gives no token', tokens(refusing)),
    later('token_endpoint', 'the token endpoint fails', tokens(failing)),
  ];
}

async function answers(endpoints: Endpoints): Promise<Case[]> {
  const saying = async (status: number, says = {}) => at(await endpoints.http(answering(status, says)));
  const html = { headers: { 'content-type': 'text/html' }, body: page };
  return [
    lasting(
      'redirected',
      'any 3xx',
      await saying(302, { headers: { location: 'https://login.example/?token=s3cret' } }),
    ),
    lasting('login_page', 'a web page with status 200', await saying(200, html)),
    lasting('not_a_receiver', '200 with something else than an answer of the protocol', await saying(200)),
    lasting('unauthorized', '401, also with a token drawn anew', await saying(401)),
    lasting('forbidden', '403', await saying(403)),
    lasting('not_found', '404', await saying(404)),
    lasting('method_refused', '405', await saying(405)),
    lasting('too_large', '413 for a single block (more of them are halved)', await saying(413)),
    lasting('wrong_type', '415', await saying(415)),
    lasting('unprocessable', '422', await saying(422)),
    lasting('unknown_version', '426', await saying(426)),
    lasting('rejected', 'any other 4xx', await saying(418)),
    later('rate_limited', '429', await saying(429)),
    later('server_error', '425, any other 5xx', await saying(500)),
    later('receiver_busy', 'a receiver that has many agents at once', await saying(503, { body: wireAnswer('busy') })),
    later('receiver_full', 'a receiver whose spool is full', await saying(503, { body: wireAnswer('full') })),
    lasting('refused', '`plain`: 400, 413, 415 or 422 to everything', {
      ...at(await endpoints.http(answering(400, { body: 'no such index' }))),
      protocol: 'plain',
    }),
    {
      ...later('clock_skew', 'the `date` of an answer is five minutes off or more', {
        ...(await saying(500, { headers: { date: new Date(Date.now() - 7_200_000).toUTCString() } })),
      }),
      note: true,
    },
  ];
}

async function destinations(endpoints: Endpoints): Promise<Case[]> {
  const url = (port: number) => at(port).url;
  const first = await endpoints.http(receiverThatAnswersBatches(500, 'a'));
  const second = await endpoints.http(receiverThatAnswersBatches(500, 'b'));
  const waiting = await endpoints.http(receiverThatAnswersBatches(429, 'c'));
  return [
    lasting('other_receiver', 'an address of `failover` leads to another receiver', {
      url: url(first),
      failover: [url(second)],
    }),
    {
      ...later('failed_over', 'another address of `failover` is used', {
        url: url(await endpoints.nobody()),
        failover: [url(waiting)],
      }),
      note: true,
    },
  ];
}
