/** rsyslog's omrelp and the real agent: nothing that was sent is lost, whatever is killed; with TLS too. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../packages/packages.ts';
import { makeAuthority, makeCertificate, opensslMissing } from '../support/certificates.ts';
import { eventsOf, gaugesOf, Omrelp, sendOverKills, skip, untilArrived } from './omrelp.ts';
import { Pair } from './pair.ts';
import { freePort, untilAnswers } from './tailspool.ts';

test('3,000 messages of omrelp over three kill -9: none lost, twice only what was under way', { skip }, async (t) => {
  const { twice } = await sendOverKills(3000, 3);
  t.diagnostic(`${twice} came twice`);
});

test('omrelp over TLS: each shows the other its certificate', { skip: skip || opensslMissing }, async () => {
  const port = await freePort();
  using folder = temporaryFolder();
  const authority = makeAuthority(folder.path, 'authority');
  const [server, client] = ['server', 'client'].map((name) => makeCertificate(folder.path, name, authority));
  const tls = `tls: { cert: ${server!.certFile}, key: ${server!.keyFile}, client_ca: ${authority.certFile} }`;
  await using pair = await Pair.make({
    collectors: ['r:', '  type: relp', `  listen: 127.0.0.1:${port}`, `  ${tls}`, '  parse: false'],
  });
  pair.startReceiver();
  await untilAnswers(pair.receiverData);
  pair.startAgent();
  const input = join(pair.folder, 'input');
  fs.writeFileSync(input, Array.from({ length: 200 }, (_, n) => `message ${n}\n`).join(''));
  const files = `tls.caCert="${authority.certFile}" tls.myCert="${client!.certFile}" tls.myPrivKey="${client!.keyFile}"`;
  await using _sender = new Omrelp(
    folder.path,
    input,
    port,
    `tls="on" ${files} tls.authMode="name" tls.permittedPeer=["server","localhost"]`,
  );
  await untilArrived(pair, 200);
  const events = eventsOf(pair);
  assert.match(String(events[7]?.body), /^<133>1 \S+ \S+ load - - - message 7$/);
  assert.equal(events[7]?.attributes?.['network.peer.address'], '127.0.0.1');
  const gauges = await gaugesOf(pair);
  // omrelp itself sends its first message twice, in one session.
  assert.equal(new Set(events.map(({ body }) => body)).size, 200);
  assert.equal(gauges?.acknowledged, events.length);
});
