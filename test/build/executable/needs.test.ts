/** What the check of an executable's needs reads out of ELF files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNewer, needsOf } from '../../../build/executable/needs.ts';

test('versions are compared part by part, as numbers', () => {
  assert.ok(isNewer('2.28', '2.9'));
  assert.ok(isNewer('2.2.5', '2.2'));
  assert.ok(!isNewer('2.28', '2.28'));
  assert.ok(!isNewer('2.4', '2.28'));
});

test('this Node needs the C library, and at most glibc 2.28 as the executable promises', () => {
  const { libraries, versions } = needsOf([process.execPath]);
  assert.ok(libraries.includes('libc.so.6'), libraries.join());
  assert.ok(!isNewer(versions.get('GLIBC')!, '2.28'), versions.get('GLIBC'));
  assert.match(versions.get('GLIBC')!, /^2\.\d+$/);
});
