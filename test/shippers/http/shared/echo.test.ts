/** What an endpoint says of the credentials it was shown is told without them, also where it has decoded them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutEchoes } from '../../../../shippers/http/shared/echo.ts';

const said = (body: string, authorization: string) => {
  const answer = { status: 401, headers: {}, body: Buffer.from(body) };
  return Buffer.from(withoutEchoes(answer, { authorization, 'content-type': 'text/plain' }).body).toString();
};

test('a password is taken out as it was sent, with its user, and by itself', () => {
  const header = `Basic ${Buffer.from('agent7:hünter-22').toString('base64')}`;
  assert.equal(said(`no: ${header}`, header), 'no: Basic ***');
  assert.equal(said('no user agent7:hünter-22 here', header), 'no user *** here');
  assert.equal(said('hünter-22 is wrong for agent7', header), '*** is wrong for agent7');
});

test('a token is taken out; what is no credential stays', () => {
  assert.equal(said('expired: s3cret-token', 'Bearer s3cret-token'), 'expired: ***');
  assert.equal(said('text/plain is not taken', 'Bearer s3cret-token'), 'text/plain is not taken');
});
