/** A real agent on its way to an endpoint: through a proxy with a token, over a unix socket, to the next address. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { startProxy } from '../support/proxy.ts';
import { Endpoint } from './endpoint.ts';
import { PlainAgent } from './plain-agent.ts';
import { sleep, until } from './tailspool.ts';

const lines = (from: number, count: number) => Array.from({ length: count }, (_, index) => `line ${from + index}`);

test('lines go through a proxy with a password, under a token that expires and is taken back', async (t) => {
  const tokens: string[] = [];
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      tokens.push(`token-${tokens.length}`);
      response.end(JSON.stringify({ access_token: tokens.at(-1), token_type: 'bearer', expires_in: 2 }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await using endpoint = await Endpoint.start({
    answer: ({ headers }) => (headers.authorization === `Bearer ${tokens.at(-1)}` ? undefined : { status: 401 }),
  });
  await using proxy = await startProxy({ authorization: `Basic ${Buffer.from('edge:pass').toString('base64')}` });
  const { port } = server.address() as { port: number };
  const place = fs.mkdtempSync('/tmp/tailspool-secrets-');
  t.after(() => fs.rmSync(place, { recursive: true, force: true }));
  fs.writeFileSync(join(place, 'password'), 'pass\n', { mode: 0o600 });
  fs.writeFileSync(join(place, 'secret'), 's3cret\n', { mode: 0o600 });
  await using agent = new PlainAgent(endpoint.url, [
    'encoding: text',
    `auth: { oauth2: { token_url: "http://127.0.0.1:${port}/token", client_id: edge, client_secret_file: ${place}/secret } }`,
    `proxy: { url: "http://127.0.0.1:${proxy.port}", basic: { user: edge, password_file: ${place}/password }, no_proxy: ["127.0.0.1:${port}"] }`,
  ]);
  agent.start();
  let written = 0;
  for (let round = 0; round < 3; round++) {
    // the last one is not good any more, whatever it was drawn for; then it expires
    if (round === 1) tokens.push('taken back');
    if (round === 2) await sleep(2100);
    agent.write('a.log', `${lines(written, 500).join('\n')}\n`);
    written += 500;
    await agent.untilDelivered(written);
  }
  assert.deepEqual(endpoint.lines, lines(0, written));
  assert.ok(tokens.length >= 4, `${tokens.length} tokens`);
  assert.ok(proxy.asked.every((asked) => asked.startsWith(`POST http://127.0.0.1:${endpoint.port}/`)));
  const told = JSON.stringify(await agent.status()) + agent.process?.printed;
  for (const secret of ['s3cret', 'token-', 'pass"', Buffer.from('edge:pass').toString('base64')])
    assert.ok(!told.includes(secret), `${secret} is shown`);
});

test('an endpoint that answers with the credentials it was shown gets them into no status, log or dead letter', async (t) => {
  const place = fs.mkdtempSync('/tmp/tailspool-secrets-');
  t.after(() => fs.rmSync(place, { recursive: true, force: true }));
  fs.writeFileSync(join(place, 'token'), 's3cret-token\n', { mode: 0o600 });
  fs.writeFileSync(join(place, 'key'), 's3cret-key\n', { mode: 0o600 });
  let status = 403;
  await using endpoint = await Endpoint.start({
    answer: ({ headers }) => (status < 300 ? undefined : { status, body: `what is this: ${JSON.stringify(headers)}` }),
  });
  await using agent = new PlainAgent(endpoint.url, [
    `auth: { bearer_file: ${place}/token }`,
    `header_files: { x-api-key: ${place}/key }`,
  ]);
  agent.write('a.log', 'line\n');
  agent.start();
  for (const [each, cause] of [
    [403, 'forbidden'],
    [400, 'refused'],
  ] as const) {
    status = each;
    const problem = async () => (await agent.status())?.problems.find((one) => one.cause === cause);
    await until(
      cause,
      async () => (await problem()) !== undefined,
      () => agent.describe(),
    );
    assert.match((await problem())!.message, /what is this: .*"authorization":"Bearer \*\*\*"/);
    assert.doesNotMatch(await agent.describe(), /s3cret/);
  }
});

test('lines go to a unix socket', async (t) => {
  const place = fs.mkdtempSync('/tmp/tailspool-socket-');
  t.after(() => fs.rmSync(place, { recursive: true, force: true }));
  const path = join(place, 'collector.sock');
  await using endpoint = await Endpoint.start({}, { path });
  await using agent = new PlainAgent('http://collector/in', ['encoding: text', `unix_socket: ${path}`]);
  agent.write('a.log', `${lines(0, 1000).join('\n')}\n`);
  agent.start();
  await agent.untilDelivered(1000);
  assert.deepEqual(endpoint.lines, lines(0, 1000));
  assert.equal(endpoint.requests[0]?.headers.host, 'collector');
});

test('while the first address of an endpoint is away the next takes over, and each line is there once', async () => {
  const shared = { keys: new Set<string>(), into: [] as string[], honoursKeys: true };
  await using second = await Endpoint.start(shared);
  let port: number;
  let written = 0;
  const write = (agent: PlainAgent) => {
    agent.write('a.log', `${lines(written, 500).join('\n')}\n`);
    written += 500;
  };
  {
    await using first = await Endpoint.start(shared);
    port = first.port;
    await using agent = new PlainAgent(first.url, [`failover: ["${second.url}"]`, 'encoding: text', 'outstanding: 3']);
    write(agent);
    agent.start();
    await agent.untilDelivered(written);
    assert.equal(second.requests.length, 0);
    write(agent);
    await first[Symbol.asyncDispose]();
    for (let round = 0; round < 5; round++) {
      write(agent);
      await sleep(50);
    }
    await agent.untilDelivered(written);
    const problems = async () => (await agent.status())?.problems ?? [];
    await until('the first address to be named', async () => {
      const [problem] = (await problems()).filter(({ cause }) => cause === 'failed_over');
      return problem?.red === false && problem.message.includes(`127.0.0.1:${port}`);
    });
  }
  assert.deepEqual([...shared.into].sort(), lines(0, written).sort());
});
