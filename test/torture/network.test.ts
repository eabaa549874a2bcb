import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Network } from './network.ts';

/** A server that answers each piece with the same in capitals, behind a network. */
async function echoing(t: TestContext) {
  const received: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      received.push(data.toString());
      socket.write(data.toString().toUpperCase());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const network = await Network.open((server.address() as AddressInfo).port);
  t.after(async () => {
    await network[Symbol.asyncDispose]();
    server.close();
  });
  return { network, received };
}

async function client(network: Network): Promise<Socket> {
  const socket = connect(network.port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  return Promise.race([once(socket, 'data').then(String), once(socket, 'close').then(() => 'closed')]);
}

test('in good times both directions pass', async (t) => {
  const { network } = await echoing(t);
  const socket = await client(network);
  assert.equal(await ask(socket, 'hello'), 'HELLO');
  assert.equal(await ask(socket, 'again'), 'AGAIN');
  socket.destroy();
});

test('closed: who is connected is cut off, who comes is refused, and later it is there again at the same port', async (t) => {
  const { network } = await echoing(t);
  const socket = await client(network);
  const cut = once(socket, 'close');
  await network.suffer('closed');
  await cut;
  await assert.rejects(client(network), { code: 'ECONNREFUSED' });
  await network.suffer(undefined);
  assert.equal(await ask(await client(network), 'hello'), 'HELLO');
});

test('silent: connections are taken and nothing moves; what was sent arrives late, also of a sender that has gone', async (t) => {
  const { network, received } = await echoing(t);
  await network.suffer('silent');
  const gone = await client(network);
  gone.write('late');
  const patient = await client(network);
  const answer = ask(patient, 'patient');
  gone.end();
  assert.equal(received.length, 0);
  await network.suffer(undefined);
  assert.equal(await answer, 'PATIENT');
  while (!received.includes('late')) await new Promise((resolve) => setTimeout(resolve, 5));
  patient.destroy();
});

test('replies cut: the request arrives whole, of the reply so many bytes', async (t) => {
  const { network, received } = await echoing(t);
  await network.suffer('replies_cut', 3);
  const socket = await client(network);
  const closed = once(socket, 'close');
  assert.equal(await ask(socket, 'hello'), 'HEL');
  await closed;
  assert.deepEqual(received, ['hello']);
});

test('requests cut: of the request so many bytes arrive', async (t) => {
  const { network, received } = await echoing(t);
  await network.suffer('requests_cut', 2);
  const socket = await client(network);
  socket.write('hello');
  await once(socket, 'close');
  assert.deepEqual(received, ['he']);
});
