import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, decideFailed } from '../../../../shippers/http/plain/decide.ts';

const answer = (status: number, body = '', headers: Record<string, string> = {}) => ({
  status,
  headers,
  body: Buffer.from(body),
});

const expected: Readonly<Record<string, readonly number[]>> = {
  accepted: [200, 201, 202, 204, 206, 299],
  refused: [400, 413, 415, 422],
  later: [408, 425, 429, 500, 502, 503, 504, 507, 599],
  trouble: [
    300, 301, 302, 303, 307, 308, 304, 401, 402, 403, 404, 405, 406, 407, 409, 410, 411, 412, 414, 416, 421, 426, 431,
    451,
  ],
};

test('every status means what the table says, and only 400, 413, 415 and 422 may blame records', () => {
  for (const [kind, statuses] of Object.entries(expected))
    for (const status of statuses) assert.equal(decide(answer(status)).kind, kind, String(status));
  for (let status = 200; status < 600; status++) {
    const { kind } = decide(answer(status));
    assert.equal(kind === 'accepted', status < 300, String(status));
    assert.equal(kind === 'refused', [400, 413, 415, 422].includes(status), String(status));
  }
});

test('a whole web page is no acknowledgement, a short answer in HTML is one', () => {
  for (const page of ['<!DOCTYPE html><title>Log in', '  \n<html lang="en">', '<!-- proxy -->\n<!doctype HTML>']) {
    const verdict = decide(answer(200, page, { 'content-type': 'text/html' }));
    assert.equal(verdict.kind, 'trouble');
    assert.equal(verdict.kind === 'trouble' && verdict.trouble.cause, 'login_page');
  }
  for (const short of ['ok', '<p>thanks</p>', '{"html":"<html>"}', ''])
    assert.equal(decide(answer(200, short, { 'content-type': 'text/html' })).kind, 'accepted');
});

test('the reason of a refusal is one printable line', () => {
  const verdict = decide(answer(422, `field "x"\n\u0007 is bad${'!'.repeat(5000)}`));
  assert.ok(verdict.kind === 'refused');
  assert.match(verdict.refusal.reason, /^field "x" +is bad!+$/);
  assert.ok(verdict.refusal.reason.length <= 1024);
});

test('an error of the network is never the records’ fault', () => {
  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'PROGRESS_TIMEOUT', 'CERT_HAS_EXPIRED', 'WHATEVER'])
    assert.notEqual(decideFailed(Object.assign(new Error('x'), { code })).kind, 'refused');
});
