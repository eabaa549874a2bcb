import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, sound, withSections } from './texts.ts';

test('every key arrives where the rooms look for it, in their units', () => {
  const text = `
data_dir: /d
resource: {k: agent}
collectors:
  f:
    type: file
    include: [/i]
    exclude: [/e]
    rotated: [/r]
    start_at: end
    max_line: 64KiB
    partial_timeout: 2s
    encoding: UTF-16
    multiline: {start: ^a, continue: ^b, traces: [java, go], timeout: 4s, max_lines: 50, max_bytes: 32KiB}
    scan_interval: 3s
    network_fs: true
    deleted_file_limit: 1h
    forget_after: 2d
    open_files_max: 10
    sources_max: 20
    attributes: {a: b}
    resource: {c: d}
  b:
    type: blocks
    listen: "[::1]:8600"
    token_file: /t
    tls: {cert: /c, key: /k, client_ca: /ca, min_version: 1.3}
    insecure: true
    memory_max: 64MiB
    connections_max: 5
    idle_timeout: 7s
spool:
  max_size: 1GiB
  when_full: drop_oldest
  sync_interval: 20ms
  retain_acked: 1MiB
  segment_size: 2MiB
  min_free: 3MiB
  damaged_max_size: 4MiB
shippers:
  h:
    type: http
    protocol: native
    url: https://h:1/v1/blocks
    tls: {ca: /ca, cert: /c, key: /k, server_name: n, min_version: 1.3}
    failover: [https://i:1/v1/blocks]
    auth: {basic: {user: u, password_file: /p}}
    proxy: {url: "https://p:3128", basic: {user: v, password_file: /q}, ca: /pca, no_proxy: [.x], environment: false}
    when_full: block
    rate_limit: 5MiB/s
    connect_timeout: 4s
    progress_timeout: 6s
    batch_max: 1MiB
    retry_max: 8s
  m: {type: mirror, path: /m}
admin: {listen: "127.0.0.1:1"}
log: {level: debug, format: text}
`;
  const MiB = 1024 * 1024;
  assert.deepEqual(sound(parse(text)), {
    dataDir: '/d',
    resource: { k: 'agent' },
    collectors: [
      {
        type: 'file',
        name: 'f',
        include: ['/i'],
        exclude: ['/e'],
        rotated: ['/r'],
        startAt: 'end',
        maxLineBytes: 65_536,
        partialTimeoutMs: 2000,
        encoding: 'utf-16',
        multiline: {
          start: /^a/,
          continue: /^b/,
          traces: ['java', 'go'],
          timeoutMs: 4000,
          linesMax: 50,
          bytesMax: 32_768,
        },
        scanIntervalMs: 3000,
        networkFs: true,
        deletedFileLimitMs: 3_600_000,
        forgetAfterMs: 172_800_000,
        openFilesMax: 10,
        sourcesMax: 20,
        attributes: { a: 'b' },
        resource: { k: 'agent', c: 'd' },
      },
      {
        type: 'blocks',
        name: 'b',
        listen: { host: '::1', port: 8600 },
        tokenFile: '/t',
        tls: { certFile: '/c', keyFile: '/k', clientCaFile: '/ca', minVersion: '1.3' },
        insecure: true,
        memoryBytesMax: 64 * MiB,
        connectionsMax: 5,
        idleTimeoutMs: 7000,
      },
    ],
    spool: {
      maxBytes: 1024 * MiB,
      whenFull: 'drop_oldest',
      syncIntervalMs: 20,
      retainAckedBytes: MiB,
      segmentBytes: 2 * MiB,
      minFreeBytes: 3 * MiB,
      damagedBytesMax: 4 * MiB,
    },
    shippers: [
      {
        type: 'http',
        protocol: 'native',
        name: 'h',
        url: 'https://h:1/v1/blocks',
        failover: ['https://i:1/v1/blocks'],
        socketPath: undefined,
        tls: { caFile: '/ca', certFile: '/c', keyFile: '/k', serverName: 'n', minVersion: '1.3' },
        auth: { kind: 'basic', user: 'u', passwordFile: '/p' },
        proxy: {
          url: 'https://p:3128/',
          basic: { user: 'v', passwordFile: '/q' },
          caFile: '/pca',
          noProxy: ['.x'],
          environment: false,
        },
        whenFull: 'block',
        rateBytesPerSecondMax: 5 * MiB,
        connectTimeoutMs: 4000,
        progressTimeoutMs: 6000,
        batchBytesMax: MiB,
        retryDelayMsMax: 8000,
      },
      { type: 'mirror', name: 'm', path: '/m', whenFull: 'drop_oldest' },
    ],
    admin: { listen: { host: '127.0.0.1', port: 1 } },
    log: { level: 'debug', format: 'text' },
  });
});

test('a token is read from the file that is named for it', () => {
  const shippers = '{c: {type: http, protocol: native, url: "https://h/", auth: {bearer_file: /t}}}';
  const [shipper] = sound(parse(withSections({ shippers }))).shippers;
  assert.deepEqual(shipper?.type === 'http' && shipper.auth, { kind: 'bearer', tokenFile: '/t' });
});

test('OAuth 2.0 and a unix socket arrive too, and a path may come from the environment', () => {
  const oauth2 = `{token_url: "https://login/t", client_id: c, client_secret_file: "\${CREDENTIALS_DIRECTORY}/s", scope: "a b", audience: x, send_secret: body, tls: {ca: /ca}}`;
  const shippers = `{c: {type: http, protocol: native, url: "http://h/", unix_socket: /run/s, auth: {oauth2: ${oauth2}}}}`;
  const [shipper] = sound(parse(withSections({ shippers }), { CREDENTIALS_DIRECTORY: '/run/credentials/x' })).shippers;
  if (shipper?.type !== 'http') throw new Error('no http shipper');
  assert.equal(shipper.socketPath, '/run/s');
  assert.deepEqual(shipper.auth, {
    kind: 'oauth2',
    tokenUrl: 'https://login/t',
    clientId: 'c',
    secretFile: '/run/credentials/x/s',
    scope: 'a b',
    audience: 'x',
    sendSecret: 'body',
    tls: { caFile: '/ca', certFile: undefined, keyFile: undefined, serverName: undefined, minVersion: '1.2' },
  });
});

test('collectors of sockets arrive where the room looks for them', () => {
  const text = `
data_dir: /d
resource: {k: agent}
collectors:
  t:
    type: tcp
    listen: "[::1]:5170"
    tls: {cert: /c, key: /k, client_ca: /ca, min_version: 1.3}
    framing: length
    length_bytes: 2
    length_order: little
    max_message: 1MiB
    multiline: {start: ^a}
    connections_max: 5
    connections_per_peer_max: 4
    idle_timeout: 7s
    handshake_timeout: 3s
    rate_limit: 5MiB/s
    when_full: drop_newest
    attributes: {a: b}
    resource: {c: d}
  u: {type: unix, path: /run/u.sock, mode: 0600, format: text}
  d: {type: udp, listen: "127.0.0.1:514", receive_buffer: 1MiB, max_message: 2KiB, format: text}
  l: {type: unixgram, path: /dev/log, mode: "0666"}
shippers: {m: {type: mirror, path: /m}}
`;
  const { collectors } = sound(parse(text));
  const common = { resource: { k: 'agent' }, attributes: {}, whenFull: 'block' };
  assert.deepEqual(collectors, [
    {
      ...common,
      type: 'tcp',
      name: 't',
      format: 'json',
      whenFull: 'drop_newest',
      attributes: { a: 'b' },
      resource: { k: 'agent', c: 'd' },
      framing: { kind: 'length', bytes: 2, order: 'little' },
      messageBytesMax: 1024 * 1024,
      multiline: {
        start: /^a/,
        continue: undefined,
        traces: [],
        timeoutMs: 1000,
        linesMax: 1000,
        bytesMax: 512 * 1024,
      },
      rateBytesPerSecondMax: 5 * 1024 * 1024,
      listen: {
        at: { host: '::1', port: 5170 },
        tls: { certFile: '/c', keyFile: '/k', clientCaFile: '/ca', minVersion: '1.3' },
        connectionsMax: 5,
        connectionsPerPeerMax: 4,
        handshakeTimeoutMs: 3000,
        idleTimeoutMs: 7000,
        outputBytesMax: 65_536,
      },
    },
    {
      ...common,
      type: 'unix',
      name: 'u',
      format: 'text',
      framing: { kind: 'newline' },
      messageBytesMax: 65_536,
      multiline: undefined,
      rateBytesPerSecondMax: undefined,
      listen: {
        at: { path: '/run/u.sock', mode: 0o600 },
        connectionsMax: 1024,
        connectionsPerPeerMax: 1024,
        handshakeTimeoutMs: 0,
        idleTimeoutMs: undefined,
        outputBytesMax: 65_536,
      },
    },
    {
      ...common,
      type: 'udp',
      name: 'd',
      format: 'text',
      listen: { at: { host: '127.0.0.1', port: 514 }, receiveBufferBytes: 1024 * 1024, datagramBytesMax: 2048 },
    },
    {
      ...common,
      type: 'unixgram',
      name: 'l',
      format: 'json',
      listen: { at: { path: '/dev/log', mode: 0o666 }, receiveBufferBytes: 4 * 1024 * 1024, datagramBytesMax: 65_536 },
    },
  ]);
});
