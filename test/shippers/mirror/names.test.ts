import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { hostFiles } from '../../../agent/host/files.ts';
import {
  alternativePath,
  baseName,
  formatPath,
  hostFolder,
  secondClaim,
  unknownPath,
} from '../../../shippers/mirror/names.ts';
import type { SourceDescription } from '../../../spool/nouns.ts';
import { fileSource, folderFor } from './world.ts';

const spool = '0123456789abcdef'.repeat(2);
const placeOf = (description: SourceDescription, format: 'text' | 'json' = 'text') =>
  formatPath(baseName(description), format);
const fileAt = (path: string) => placeOf(fileSource(path, 'h'));

test('an ordinary path is kept as it is', () => {
  for (const path of [
    '/var/log/syslog',
    '/srv/a b/ä&%20#.log',
    '/x/.hidden',
    '/a/~b',
    '/tmp/back\\slash',
    '/new\nline',
  ])
    assert.equal(fileAt(path), path.slice(1));
  assert.equal(hostFolder('web-1.example.com'), 'web-1.example.com');
});

test('hostile names stay inside the folder and have no NUL', () => {
  const parts = fc.constantFrom(
    '..',
    '.',
    '',
    'a',
    '/',
    '\0',
    '@',
    '.tailspool',
    '.TailSpool',
    '~',
    '%',
    '\udc2f',
    '\ud800',
    '\udcff',
    '\\',
    'é',
  );
  const name = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(parts, { maxLength: 12 }).map((all) => all.join('')),
  );
  fc.assert(
    fc.property(name, name, name, (host, path, peer) => {
      const folder = hostFolder(host);
      const other = { collector: host, type: 'x', resource: {}, attributes: { 'network.peer.address': peer } };
      for (const below of [fileAt(path), placeOf(other), placeOf(other, 'json')]) {
        const whole = folder === '' ? below : `${folder}/${below}`;
        assert.ok(resolve('/out', whole).startsWith('/out/'), whole);
        for (const part of whole.split('/')) {
          assert.ok(part !== '' && part !== '.' && part !== '..' && !part.includes('\0'), whole);
          assert.ok(Buffer.byteLength(part) <= 3 * 255);
        }
      }
      assert.ok(!folder.startsWith('@') && !folder.toLowerCase().startsWith('.tailspool'));
    }),
    { numRuns: 2000, ...(process.env.SEED ? { seed: Number(process.env.SEED) } : {}) },
  );
});

test('different names have different places', () => {
  const tricky = fc.array(
    fc.constantFrom('~', '%', '~%', '2E', '.', '..', '/', '\0', '@', '7E', '25', '00', '40', 'a'),
    { maxLength: 8 },
  );
  const name = tricky.map((parts) => `/${parts.join('')}`);
  fc.assert(
    fc.property(name, name, (one, two) => {
      const same = one.split('/').filter(Boolean).join('/') === two.split('/').filter(Boolean).join('/');
      assert.equal(fileAt(one) === fileAt(two), same);
    }),
    { numRuns: 3000, ...(process.env.SEED ? { seed: Number(process.env.SEED) } : {}) },
  );
});

test('a name that looks like an escaped one has another place than what that stands for', () => {
  const parts = fc.constantFrom(
    '~',
    '%',
    '~%',
    '2E',
    '.',
    '..',
    '\0',
    '@',
    '7E',
    '25',
    '00',
    '40',
    'a',
    '\udcff',
    '\ud800',
  );
  fc.assert(
    fc.property(fc.array(parts, { minLength: 1, maxLength: 6 }), (all) => {
      const name = `/${all.join('')}`;
      const place = fileAt(name);
      assert.equal(fileAt(`/${place}`) === place, `/${place}` === name);
    }),
    { numRuns: 2000, ...(process.env.SEED ? { seed: Number(process.env.SEED) } : {}) },
  );
});

test('names that are too long for a file system are cut, and still differ', () => {
  const long = 'x'.repeat(300);
  const places = [
    `/a/${long}1`,
    `/a/${long}2`,
    `/a/${'ü'.repeat(200)}`,
    `/${'d/'.repeat(2000)}x`,
    `/${'d/'.repeat(2001)}x`,
  ].map(fileAt);
  assert.equal(new Set(places).size, places.length);
  for (const place of places) {
    assert.ok(place.length < 1100);
    for (const part of place.split('/')) assert.ok(Buffer.byteLength(part) <= 255);
  }
  assert.ok(Buffer.byteLength(placeOf(fileSource(`/${long}`, 'h'), 'json')) <= 255);
  assert.ok(Buffer.byteLength(secondClaim(hostFolder(long), spool, 0)) <= 255);
  assert.ok(Buffer.byteLength(alternativePath(fileAt(`/${long}`), -1)) <= 255);
});

test('a name that is not UTF-8 is written with its own bytes', (t) => {
  const folder = folderFor(t);
  const place = fileAt('/caf\udce9.log');
  hostFiles.open(`${folder}/${place}`, 'create').close();
  assert.deepEqual(fs.readdirSync(folder, { encoding: 'buffer' }), [Buffer.from('caf\xe9.log', 'latin1')]);
  // Two strings of one name would be two sources in one file: the one that is not its own is escaped.
  assert.notEqual(fileAt('/\udcc3\udca9'), fileAt('/é'));
  for (const name of ['/\udcc3\udca9', '/é']) hostFiles.open(join(folder, fileAt(name)), 'create').close();
});

test('other sources than files stand under their collector', () => {
  const unit = { collector: 'journal', type: 'journal', resource: {}, attributes: { 'systemd.unit': 'nginx.service' } };
  assert.equal(placeOf(unit), '@journal/nginx.service.log');
  assert.equal(placeOf(unit, 'json'), '@journal/nginx.service.ndjson');
  assert.equal(placeOf({ ...unit, attributes: {} }), '@journal/records.log');
  assert.notEqual(fileAt('/@journal/nginx.service.log'), placeOf(unit));
  assert.equal(unknownPath(spool, 7, 'text'), `@unknown/${spool}/7.log`);
});
