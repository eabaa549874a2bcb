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
    tls: {cert: /c, key: /k, client_ca: /ca}
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
    tls: {ca: /ca, cert: /c, key: /k}
    auth: {basic: {user: u, password_file: /p}}
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
        tls: { certFile: '/c', keyFile: '/k', clientCaFile: '/ca' },
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
        tls: { caFile: '/ca', certFile: '/c', keyFile: '/k' },
        auth: { kind: 'basic', user: 'u', passwordFile: '/p' },
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
