import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, printed, sound, withSections } from './texts.ts';

/** What is told of a configuration with these sections. */
function told(sections: Record<string, string>): string {
  return printed(parse(withSections(sections)));
}

const file = 'a: {type: file, include: [/a]}';

test('an agent without a collector is refused, one without a shipper is warned of', () => {
  assert.match(told({ collectors: '{}' }), /error: there is no collector/);
  const ring = parse(withSections({ shippers: '{}' }));
  assert.equal(sound(ring).shippers.length, 0);
  assert.match(printed(ring), /a\.yaml:3:1: warning: there is no shipper/);
});

test('a line may have at most 8 MiB, and must fit a small spool', () => {
  assert.match(told({ collectors: '{a: {type: file, include: [/a], max_line: 9MiB}}' }), /is too large\n.*1KiB – 8MiB/);
  const large = '{a: {type: file, include: [/a], max_line: 8MiB}}';
  assert.equal(told({ collectors: large }), '');
  assert.match(told({ collectors: large, spool: '{max_size: 16MiB}' }), /`max_line` is too large for so small a spool/);
});

test('lines: encodings and patterns are checked, with the place of what is wrong', () => {
  const lines = (more: string) => told({ collectors: `{a: {type: file, include: [/a], ${more}}}` });
  assert.equal(lines('encoding: Shift_JIS, multiline: {start: "^a", traces: [java]}'), '');
  assert.match(lines('encoding: klingon'), /a\.yaml:\d+:\d+: error: .*is no encoding that is known here/);
  assert.match(lines('encoding: latin1, max_line: 8MiB'), /`max_line` is too large for lines that are decoded/);
  assert.match(lines('multiline: {}'), /does not say which lines belong together/);
  assert.match(
    told({ collectors: '{t: {type: tcp, listen: "127.0.0.1:1", format: text, multiline: {start: ^a}}}' }),
    /makes records of several lines/,
  );
  assert.match(told({ collectors: '{s: {type: stdin, multiline: {}}}' }), /does not say which lines/);
  assert.match(lines('multiline: {traces: [cobol]}'), /a\.yaml:\d+:\d+: error/);
  assert.match(lines('multiline: {start: "("}'), /is no regular expression/);
  for (const pattern of ['(?=a)b', '(a)\\\\1', 'x{1,1000}'])
    assert.match(
      lines(`multiline: {start: "${pattern}"}`),
      /a\.yaml:\d+:\d+: error: .*could take more than linear time/,
    );
});

test('containers: those of both runtimes without a word, and no encoding of their own', () => {
  const one = sound(parse(withSections({ collectors: '{c: {type: containers, multiline: {traces: [go]}}}' })))
    .collectors[0]!;
  assert.ok(one.type === 'containers' && one.include.length === 2 && one.multiline?.traces.length === 1);
  assert.match(told({ collectors: '{c: {type: containers, encoding: latin1}}' }), /`encoding`/);
  assert.match(told({ collectors: '{c: {type: containers, max_line: 4MiB}}' }), /is too large/);
  assert.match(told({ collectors: '{c: {type: containers, multiline: {}}}' }), /does not say which lines/);
});

test('segments shrink with the spool, unless they were given', () => {
  assert.equal(sound(parse(withSections({ spool: '{max_size: 20MiB}' }))).spool.segmentBytes, 5 * 1024 * 1024);
  assert.match(told({ spool: '{max_size: 20MiB, segment_size: 6MiB}' }), /must fit 4 times/);
  assert.equal(told({ spool: '{max_size: 20MiB, segment_size: 5MiB}' }), '');
  assert.match(told({ spool: '{max_size: 20MiB, retain_acked: 11MiB}' }), /more than half/);
});

test('receiving beyond loopback needs token and TLS, unless it is said to be insecure', () => {
  const receive = (more: string) => told({ collectors: `{r: {type: blocks, ${more}}}` });
  const tls = 'tls: {cert: /c, key: /k}';
  for (const listen of ['127.0.0.1:1', '127.8.8.8:1', '"[::1]:1"', 'localhost:1']) {
    assert.equal(receive(`listen: ${listen}`), '', listen);
  }
  for (const listen of ['0.0.0.0:1', '"[::]:1"', '10.0.0.1:1', 'host.example:1', '127.0.0.1.example:1']) {
    assert.match(receive(`listen: ${listen}`), /needs `token_file` and `tls`/, listen);
    assert.match(receive(`listen: ${listen}, token_file: /t`), /needs `tls`/);
    assert.match(receive(`listen: ${listen}, ${tls}`), /needs `token_file`/);
    assert.equal(receive(`listen: ${listen}, token_file: /t, ${tls}`), '');
    assert.equal(receive(`listen: ${listen}, insecure: true`), '');
  }
  assert.match(receive('listen: 127.0.0.1:1, tls: {cert: /c}'), /`collectors\.r\.tls\.key` is missing/);
});

test('a plain shipper sets each header once, and none that frames the request', () => {
  const plain = (more: string) => told({ shippers: `{s: {type: http, protocol: plain, url: "https://h/", ${more}}}` });
  assert.equal(plain('encoding: text, headers: {X-A: b}, header_files: {x-key: /k}, outstanding: 4'), '');
  assert.match(plain('headers: {x-a: b}, header_files: {X-A: /k}'), /`x-a` stands in `headers` already/);
  assert.match(plain('headers: {authorization: x}, auth: {bearer_file: /t}'), /`auth` sets this header already/);
  assert.match(plain('headers: {Content-Length: 7}'), /is set by Tailspool itself/);
  assert.match(plain('headers: {"a b": c}'), /is no name of a header/);
  assert.match(plain('outstanding: 0'), /too small/);
});

test('an http shipper needs its protocol, an http or https URL, and whole pairs', () => {
  const ship = (more: string) => told({ shippers: `{s: {type: http, ${more}}}` });
  const native = (more: string) => ship(`protocol: native, ${more}`);
  assert.match(ship('url: "http://h/"'), /`shippers\.s\.protocol` is missing/);
  assert.match(native('url: "http://h/", compression: gzip'), /belongs to `protocol: plain` only/);
  assert.match(native('url: "file:///etc/passwd"'), /neither http: nor https:/);
  assert.match(native('url: "h:8600"'), /neither http: nor https:/);
  assert.match(native('url: "//h/"'), /is not a URL/);
  assert.match(native('url: "https://h/#x"'), /has a `#` part/);
  assert.match(native('url: "https://h/", tls: {cert: /c}'), /`cert` and `key` go together/);
  assert.match(native('url: "http://h/", tls: {ca: /c}'), /`tls` does nothing with an http: URL/);
  assert.match(native('url: "https://h/", auth: {}'), /exactly one of `bearer_file`, `basic` and `oauth2`/);
  assert.match(
    native('url: "https://h/", auth: {bearer_file: /t, basic: {user: u, password_file: /p}}'),
    /exactly one of/,
  );
  assert.match(
    native('url: "http://h/", auth: {bearer_file: /t}'),
    /warning: the secret of `auth` goes over the network/,
  );
  assert.equal(native('url: "http://[::1]:1/", auth: {bearer_file: /t}'), '');
});

test('the other ways to a destination fit together, or the check says how they do not', () => {
  const native = (more: string) => told({ shippers: `{s: {type: http, protocol: native, ${more}}}` });
  const https = 'url: "https://h/"';
  const oauth2 = (more: string) => `${https}, auth: {oauth2: {client_id: c, client_secret_file: /s, ${more}}}`;
  assert.equal(native(oauth2('token_url: "https://login/"')), '');
  assert.equal(native(oauth2('token_url: "http://localhost:1/"')), '');
  assert.match(
    native(oauth2('token_url: "http://login/"')),
    /error: the secret would go over the network in the clear/,
  );
  assert.match(native(oauth2('token_url: "https://login/", tls: {cert: /c}')), /`cert` and `key` go together/);
  assert.match(native(`${https}, failover: ["https://h/"]`), /stands here already/);
  assert.match(native(`${https}, failover: ["https://i/"], unix_socket: /s`), /`failover` does nothing with/);
  assert.match(native('url: "https://h/", failover: ["http://i/"], auth: {bearer_file: /t}'), /in the clear/);
  assert.match(native(`${https}, proxy: {url: "http://p/", no_proxy: [x]}, unix_socket: /s`), /no proxy leads to/);
  assert.match(native(`${https}, proxy: {basic: {user: u, password_file: /p}}`), /`basic` needs the `url`/);
  assert.match(native(`${https}, proxy: {url: "http://p/", ca: /c}`), /`ca` is for an https: proxy/);
  assert.match(native(`${https}, proxy: {url: "http://p/x"}`), /has no path/);
  assert.match(native(`${https}, proxy: {url: "http://u:secret@p/"}`), /has a user or password in it/);
  assert.doesNotMatch(native(`${https}, proxy: {url: "http://u:secret@p/"}`), /secret@/);
  assert.match(native(`${https}, tls: {min_version: 1.1}`), /one of: 1.2, 1.3/);
  assert.equal(native(`${https}, tls: {min_version: 1.3, server_name: n}`), '');
});

test('data_dir and the folders of mirrors do not lie in one another', () => {
  const mirror = (path: string, more = '') => told({ shippers: `{m: {type: mirror, path: ${path}}${more}}` });
  assert.equal(mirror('/srv/logs'), '');
  assert.equal(mirror('/var/lib/tailspool-mirror'), '');
  for (const path of ['/var/lib/tailspool', '/var/lib/tailspool/m', '/var/lib', '/', '/var//lib/tailspool/']) {
    assert.match(mirror(path), /the mirror's folder and `data_dir` lie in one another/, path);
  }
  assert.match(mirror('/srv', ', n: {type: mirror, path: /srv/n}'), /and that of `m` lie in one another/);
});

test('two parts do not listen on one port', () => {
  const blocks = (name: string, port: number) => `${name}: {type: blocks, listen: "127.0.0.1:${port}"}`;
  assert.match(
    told({ collectors: `{${blocks('x', 1)}, ${blocks('y', 1)}}` }),
    /already taken by `collectors\.x\.listen`/,
  );
  assert.match(told({ collectors: `{${blocks('x', 1)}}`, admin: '{listen: "127.0.0.1:1"}' }), /choose another port/);
  assert.equal(told({ collectors: `{${blocks('x', 0)}, ${blocks('y', 0)}}` }), '');
});

test('an admin endpoint that others reach is warned of', () => {
  assert.match(told({ admin: '{listen: "0.0.0.0:8601"}' }), /warning: anybody who reaches this address/);
  assert.equal(told({ admin: '{listen: "127.0.0.1:8601"}' }), '');
});

test('names are letters, digits and a few signs, and never a way out of a folder', () => {
  for (const name of ['..', 'a/b', '-a', '1a', 'a b', 'é', 'x'.repeat(64)]) {
    assert.match(told({ collectors: `{"${name}": {type: file, include: [/a]}}` }), /a name begins with a letter/, name);
  }
  assert.equal(
    told({ collectors: `{${file}, B-2_x.y: {type: file, include: [/b]}, constructor: {type: file, include: [/b]}}` }),
    '',
  );
});

test('paths are absolute and say where they lead', () => {
  for (const path of ['a', './a', '/a/../b', '/a/./b', '"/a\\0b"', '""']) {
    assert.match(told({ data_dir: path }), /`data_dir`: /, path);
  }
  assert.equal(sound(parse(withSections({ data_dir: '//var//lib/x/' }))).dataDir, '/var/lib/x');
});

test('the resource of a collector is laid over that of the agent', () => {
  const { collectors } = sound(
    parse(withSections({ resource: '{a: 1, b: 1}', collectors: '{x: {type: file, include: [/a], resource: {b: 2}}}' })),
  );
  assert.ok(collectors[0]?.type === 'file');
  assert.deepEqual(collectors[0].resource, { a: '1', b: '2' });
});

test('sockets: beyond loopback is warned of, ports are told by protocol, and text has lines', () => {
  const collect = (...all: string[]) =>
    told({ collectors: `{${all.map((one, at) => `c${at}: {${one}}`).join(', ')}}` });
  assert.equal(collect('type: tcp, listen: 127.0.0.1:1', 'type: udp, listen: 127.0.0.1:1'), '');
  assert.match(
    collect('type: tcp, listen: 127.0.0.1:1', 'type: tcp, listen: 127.0.0.1:1'),
    /already taken by `collectors\.c0/,
  );
  assert.match(
    collect('type: udp, listen: 127.0.0.1:1', 'type: udp, listen: 127.0.0.1:1'),
    /already taken by `collectors\.c0/,
  );
  assert.match(collect('type: udp, listen: 0.0.0.0:1'), /warning: anybody who reaches this address can write records/);
  assert.match(collect('type: tcp, listen: 0.0.0.0:1'), /give `tls` with a `client_ca`/);
  assert.equal(collect('type: tcp, listen: 0.0.0.0:1, tls: {cert: /c, key: /k, client_ca: /a}'), '');
  assert.match(collect('type: tcp, listen: 127.0.0.1:1, framing: nul, format: text'), /error: `text` has lines only/);
  assert.match(collect('type: unix, path: /u, max_message: 2MiB'), /1024 connections may take 2MiB of memory each/);
  assert.match(collect('type: unixgram, path: /dev/log'), /warning: most programs may not write to `\/dev\/log`/);
  assert.equal(collect('type: unixgram, path: /dev/log, mode: 0666'), '');
  assert.match(collect('type: unix, path: /u, mode: 999'), /is no mode\n.*three octal digits/);
});

test('syslog: it listens somewhere, TLS has its certificate, a time zone is one, and /dev/log is for everybody', () => {
  const syslog = (more: string) => told({ collectors: `{a: {type: syslog, ${more}}}` });
  assert.equal(syslog('listen: {udp: "127.0.0.1:514", tcp: "127.0.0.1:514"}, timezone: Asia/Kolkata'), '');
  assert.match(syslog('listen: {}'), /a\.yaml:\d+:\d+: error: it listens nowhere/);
  assert.match(syslog('listen: {tls: "127.0.0.1:6514"}'), /error: TLS needs a certificate/);
  assert.match(syslog('listen: {tcp: "[::1]:514"}, tls: {cert: /c, key: /k}'), /error: nothing listens with TLS/);
  assert.match(syslog('listen: {tcp: "[::1]:514"}, timezone: Europe/Atlantis'), /error: .*is no time zone/);
  assert.match(syslog('listen: {unix: /a, unixgram: /a}'), /error: the two sockets have the same path/);
  assert.match(syslog('listen: {udp: "0.0.0.0:514"}'), /warning: anybody who reaches this address can write records/);
  assert.match(syslog('listen: {unixgram: /dev/log}'), /warning: most programs may not write/);
  assert.equal(syslog('listen: {unixgram: /dev/log}, socket_mode: "0666"'), '');
  const twice = '{a: {type: syslog, listen: {tcp: "[::1]:5"}}, b: {type: tcp, listen: "[::1]:5"}}';
  assert.match(told({ collectors: twice }), /already taken by `collectors\.a\.listen\.tcp`/);
});
