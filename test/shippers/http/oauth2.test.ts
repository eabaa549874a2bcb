/** OAuth 2.0 client credentials: a real token endpoint and a real endpoint over HTTP, time from a clock that stands still. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hostFiles } from '../../../agent/host/files.ts';
import { hostTransports } from '../../../agent/host/transport.ts';
import { authorizationOf } from '../../../agent/secrets.ts';
import { Addresses } from '../../../shippers/http/shared/addresses.ts';
import { sendAuthorized } from '../../../shippers/http/shared/authorized.ts';
import { Route } from '../../../shippers/http/shared/route.ts';
import { failureOfError } from '../../../shippers/http/shared/trouble.ts';
import { folder } from '../../agent/host/wire-world.ts';
import { VirtualClock } from '../../wire/virtual-clock.ts';

interface Issued {
  readonly status?: number;
  readonly body?: string;
  readonly life?: number;
}

class World {
  readonly clock = new VirtualClock();
  readonly asked: { authorization: string | undefined; form: Record<string, string> }[] = [];
  readonly shown: (string | undefined)[] = [];
  readonly good = new Set<string>();
  issue: Issued = { life: 3600 };
  readonly secretFile: string;
  #tokens = 0;
  readonly #sendSecret: 'header' | 'body';
  #route: Route | undefined;
  #authorization: ReturnType<typeof authorizationOf> | undefined;

  constructor(t: TestContext, sendSecret: 'header' | 'body') {
    this.secretFile = join(folder(t), 'secret');
    fs.writeFileSync(this.secretFile, 's3cret:+/ä\n');
    this.#sendSecret = sendSecret;
  }

  async start(t: TestContext): Promise<this> {
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        const { authorization } = request.headers;
        if (request.url === '/token') {
          this.asked.push({ authorization, form: Object.fromEntries(new URLSearchParams(body)) });
          const token = `token-${++this.#tokens}`;
          const { status = 200, life } = this.issue;
          if (status === 200) this.good.add(`Bearer ${token}`);
          const granted = {
            access_token: token,
            token_type: 'Bearer',
            ...(life === undefined ? {} : { expires_in: life }),
          };
          response.writeHead(status, { 'content-type': 'application/json' });
          response.end(this.issue.body ?? JSON.stringify(granted));
          return;
        }
        this.shown.push(authorization);
        response.writeHead(this.good.has(authorization ?? '') ? 200 : 401).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    const way = { proxy: undefined, connectTimeoutMs: 2000 };
    const host = { files: hostFiles, clock: this.clock, transports: hostTransports };
    const oauth2 = {
      kind: 'oauth2' as const,
      tokenUrl: `${url}/token`,
      clientId: 'edge 1',
      secretFile: this.secretFile,
      scope: 'logs write',
      audience: undefined,
      sendSecret: this.#sendSecret,
      tls: undefined,
    };
    this.#authorization = authorizationOf(oauth2, host, way);
    const addresses = new Addresses([`${url}/in`], this.clock);
    this.#route = new Route({ addresses, open: (each) => hostTransports.open({ ...way, url: each }), heard: () => {} });
    t.after(async () => {
      await this.#route?.close();
      await this.#authorization?.close();
      server.close();
    });
    return this;
  }

  async send(): Promise<number> {
    const { signal } = new AbortController();
    const request = { method: 'POST', headers: {}, progressTimeoutMs: 5000, answerBytesMax: 1000, signal };
    return (await sendAuthorized(this.#route!, request, this.#authorization)).status;
  }

  async trouble(): Promise<string> {
    const error = await this.send().then(
      () => assert.fail('it was sent'),
      (each: Error) => each,
    );
    const { kind, trouble } = failureOfError(error, 'endpoint');
    for (const text of [trouble.message, trouble.hint ?? '', String(error.stack)])
      assert.doesNotMatch(text, /s3cret|token-\d/);
    return `${kind} ${trouble.cause}`;
  }
}

test('a token is drawn once, used while it is good, and drawn anew before it expires', async (t) => {
  const world = await new World(t, 'header').start(t);
  for (let i = 0; i < 3; i++) assert.equal(await world.send(), 200);
  assert.equal(world.asked.length, 1);
  const [first] = world.asked;
  assert.deepEqual(first!.form, { grant_type: 'client_credentials', scope: 'logs write' });
  const basic = Buffer.from(first!.authorization!.replace('Basic ', ''), 'base64').toString();
  assert.equal(basic, 'edge+1:s3cret%3A%2B%2F%C3%A4');
  await world.clock.runFor(3_545_000);
  assert.equal(await world.send(), 200);
  assert.equal(await world.send(), 200);
  assert.equal(world.asked.length, 2);
  assert.deepEqual(world.shown.slice(-3), ['Bearer token-1', 'Bearer token-2', 'Bearer token-2']);
});

test('id and secret go into the body where that is asked for, and a changed secret is used for the next token', async (t) => {
  const world = await new World(t, 'body').start(t);
  await world.send();
  fs.writeFileSync(world.secretFile, 'another\n');
  world.good.clear();
  assert.equal(await world.send(), 200);
  const secrets = world.asked.map(({ authorization, form }) => [authorization, form.client_id, form.client_secret]);
  assert.deepEqual(secrets, [
    [undefined, 'edge 1', 's3cret:+/ä'],
    [undefined, 'edge 1', 'another'],
  ]);
});

test('a token that is refused is drawn anew once, and not again and again', async (t) => {
  const world = await new World(t, 'header').start(t);
  assert.equal(await world.send(), 200);
  world.good.clear();
  assert.equal(await world.send(), 200);
  assert.deepEqual(world.shown, ['Bearer token-1', 'Bearer token-1', 'Bearer token-2']);
  // Now none is good: each request costs one token, which is shown once.
  world.good.add = () => world.good;
  world.good.clear();
  await world.clock.runFor(120_000);
  for (const tokens of [3, 4]) {
    assert.equal(await world.send(), 401);
    assert.equal(world.asked.length, tokens);
  }
});

test('while the old token is good a token endpoint that fails is no trouble; after that it is named', async (t) => {
  const world = await new World(t, 'header').start(t);
  assert.equal(await world.send(), 200);
  world.issue = { status: 503, body: 'token-9 s3cret' };
  await world.clock.runFor(3_550_000);
  for (let i = 0; i < 5; i++) assert.equal(await world.send(), 200);
  assert.equal(world.asked.length, 2);
  await world.clock.runFor(60_000);
  assert.equal(await world.trouble(), 'later token_endpoint');
  world.issue = { status: 401, body: JSON.stringify({ error: 'invalid_client', error_description: 's3cret' }) };
  assert.equal(await world.trouble(), 'trouble token_refused');
  for (const body of [
    '<html>',
    '{}',
    '{"access_token":7}',
    '{"access_token":"a\\nb"}',
    '{"access_token":"x","token_type":"mac"}',
  ]) {
    world.issue = { body };
    assert.equal(await world.trouble(), 'trouble token_refused', body);
  }
  fs.rmSync(world.secretFile);
  assert.equal(await world.trouble(), 'trouble no_secret');
  fs.writeFileSync(world.secretFile, 'back\n');
  world.issue = {};
  assert.equal(await world.send(), 200);
});

test('requests that need a token at the same time draw one', async (t) => {
  const world = await new World(t, 'header').start(t);
  assert.deepEqual(await Promise.all([world.send(), world.send(), world.send()]), [200, 200, 200]);
  assert.equal(world.asked.length, 1);
});
