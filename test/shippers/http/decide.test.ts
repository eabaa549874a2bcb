import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outgoing } from '../../../shippers/http/native/batch.ts';
import { decide, decideTold } from '../../../shippers/http/native/decide.ts';
import type { Blocks, Place } from '../../../shippers/http/native/place.ts';
import { decideError } from '../../../shippers/http/shared/trouble.ts';
import type { TransportAnswer } from '../../../shippers/ports.ts';
import type { Answer } from '../../../spool/wire-answer.ts';
import { encodeAnswer } from '../../../spool/wire-answer.ts';

const id = (letter: string) => letter.repeat(32);
const place: Place = { receiver: id('a'), epoch: id('e'), forked: false, position: 100, hash: id('0'), fork: false };
const sent: Outgoing = {
  batch: {
    spool: id('5'),
    stream: '',
    epoch: id('e'),
    receiver: id('a'),
    after: 100,
    upto: 300,
    gaps: [],
    parent: undefined,
    firstContact: false,
    descriptionsBytes: 0,
    descriptionsCrc: 0,
  },
  blocks: new Uint8Array(200),
  blocksCount: 2,
  records: 20,
  boundaries: [
    { position: 200, hash: id('1') },
    { position: 300, hash: id('2') },
  ],
  forked: false,
};
const alone: Outgoing = { ...sent, blocksCount: 1 };
const epoch = { id: id('e'), start: 0, parent: undefined };
const blocks: Blocks = {
  oldest: 0,
  endingAt: (position) => (position === 500 ? { epoch, hash: id('3') } : undefined),
};

function told(over: Partial<Answer> & { held?: number; hash?: string; epoch?: string }, status = 200): TransportAnswer {
  const row = { epoch: over.epoch ?? id('e'), held: over.held ?? 300, hash: over.hash ?? id('2') };
  const base: Answer = {
    answer: 'taken',
    receiver: id('a'),
    row,
    rows: [],
    describe: false,
    versions: [],
    message: 'so',
  };
  return plain(status, encodeAnswer({ ...base, ...over }));
}

function plain(status: number, body = '', headers: Record<string, string> = {}): TransportAnswer {
  return { status, headers, body: Buffer.from(body) };
}

const login = '<html><form>Please log in</form></html>';
const half = encodeAnswer({
  answer: 'taken',
  receiver: id('a'),
  row: { epoch: id('e'), held: 300, hash: id('2') },
  rows: [],
  describe: false,
  versions: [],
  message: 'so',
}).slice(0, -20);

/** What comes → what is concluded. `at`: where the cursor goes; nothing else moves it. */
const table: [
  name: string,
  answer: TransportAnswer,
  expected: { kind: string; outcome: string; at?: number; cause?: string },
][] = [
  ['all of it is held', told({}), { kind: 'advanced', outcome: 'acknowledged', at: 300 }],
  ['a part of it is held', told({ held: 200, hash: id('1') }), { kind: 'advanced', outcome: 'acknowledged', at: 200 }],
  ['it was held already', told({ answer: 'duplicate' }), { kind: 'advanced', outcome: 'duplicate', at: 300 }],
  [
    'more is held, and it is ours',
    told({ answer: 'duplicate', held: 500, hash: id('3') }),
    { kind: 'advanced', outcome: 'duplicate', at: 500 },
  ],
  [
    'more is held, and it is not ours',
    told({ answer: 'duplicate', held: 500, hash: id('4') }),
    { kind: 'doubt', outcome: 'not_ours' },
  ],
  ['more is held than this spool has', told({ held: 5000, hash: id('3') }), { kind: 'doubt', outcome: 'not_ours' }],
  ['the right place with a wrong hash', told({ hash: id('9') }), { kind: 'doubt', outcome: 'not_ours' }],
  ['a right hash at a wrong place', told({ held: 250 }), { kind: 'doubt', outcome: 'not_ours' }],
  ['nothing of it is held', told({ held: 100, hash: id('0') }), { kind: 'doubt', outcome: 'not_ours' }],
  ['another receiver answers 200', told({ receiver: id('b') }), { kind: 'doubt', outcome: 'other_receiver' }],
  [
    'a receiver without an id',
    told({ receiver: undefined }),
    { kind: 'trouble', outcome: 'not_ours', cause: 'not_a_receiver' },
  ],
  [
    'an answer about another epoch',
    told({ epoch: id('f') }),
    { kind: 'trouble', outcome: 'not_ours', cause: 'not_a_receiver' },
  ],
  [
    'an answer about no stream',
    told({ row: undefined }),
    { kind: 'trouble', outcome: 'not_ours', cause: 'not_a_receiver' },
  ],
  [
    '200 with a refusal inside',
    told({ answer: 'behind' }),
    { kind: 'trouble', outcome: 'not_ours', cause: 'not_a_receiver' },
  ],
  ['a login page with 200', plain(200, login), { kind: 'trouble', outcome: 'not_ours', cause: 'login_page' }],
  ['200 without a body', plain(200), { kind: 'trouble', outcome: 'not_ours', cause: 'not_a_receiver' }],
  ['204', plain(204), { kind: 'trouble', outcome: 'not_ours', cause: 'not_a_receiver' }],
  ['half an answer', plain(200, half), { kind: 'trouble', outcome: 'not_ours', cause: 'not_a_receiver' }],
  ['garbage', plain(200, '\u0000\u0001{]'), { kind: 'trouble', outcome: 'not_ours', cause: 'not_a_receiver' }],
  ['behind', told({ answer: 'behind', held: 50 }, 409), { kind: 'relocate', outcome: 'behind' }],
  ['unknown', told({ answer: 'unknown', row: undefined }, 409), { kind: 'relocate', outcome: 'unknown' }],
  ['conflict', told({ answer: 'conflict' }, 409), { kind: 'doubt', outcome: 'conflict' }],
  [
    'meant for another receiver',
    told({ answer: 'other_receiver', receiver: id('b') }, 409),
    { kind: 'doubt', outcome: 'other_receiver' },
  ],
  ['409 of somebody else', plain(409, login), { kind: 'trouble', outcome: 'status_409', cause: 'rejected' }],
  [
    '301',
    plain(301, '', { location: 'https://x/y?token=s' }),
    { kind: 'trouble', outcome: 'status_301', cause: 'redirected' },
  ],
  ['302', plain(302), { kind: 'trouble', outcome: 'status_302', cause: 'redirected' }],
  ['304', plain(304), { kind: 'trouble', outcome: 'status_304', cause: 'redirected' }],
  [
    '400',
    told({ answer: 'bad_request', row: undefined }, 400),
    { kind: 'trouble', outcome: 'status_400', cause: 'rejected' },
  ],
  ['401', plain(401), { kind: 'trouble', outcome: 'status_401', cause: 'unauthorized' }],
  ['403', plain(403), { kind: 'trouble', outcome: 'status_403', cause: 'forbidden' }],
  ['404', plain(404), { kind: 'trouble', outcome: 'status_404', cause: 'not_found' }],
  ['405', plain(405), { kind: 'trouble', outcome: 'status_405', cause: 'method_refused' }],
  ['408', plain(408), { kind: 'later', outcome: 'status_408', cause: 'timeout' }],
  ['411', plain(411), { kind: 'trouble', outcome: 'status_411', cause: 'rejected' }],
  ['413 to several blocks', plain(413), { kind: 'later', outcome: 'status_413', cause: 'too_large' }],
  ['418', plain(418), { kind: 'trouble', outcome: 'status_418', cause: 'rejected' }],
  ['425', plain(425), { kind: 'later', outcome: 'status_425', cause: 'server_error' }],
  [
    '426',
    told({ answer: 'unknown_version', row: undefined, versions: [1] }, 426),
    { kind: 'trouble', outcome: 'status_426', cause: 'unknown_version' },
  ],
  ['429', plain(429), { kind: 'later', outcome: 'status_429', cause: 'rate_limited' }],
  ['500', plain(500), { kind: 'later', outcome: 'status_500', cause: 'server_error' }],
  ['502 with a page', plain(502, login), { kind: 'later', outcome: 'status_502', cause: 'server_error' }],
  [
    '503 full',
    told({ answer: 'full', row: undefined }, 503),
    { kind: 'later', outcome: 'status_503', cause: 'receiver_full' },
  ],
  [
    '503 busy',
    told({ answer: 'busy', row: undefined }, 503),
    { kind: 'later', outcome: 'status_503', cause: 'receiver_busy' },
  ],
  [
    '503 that claims to hold all',
    told({ answer: 'taken' }, 503),
    { kind: 'later', outcome: 'status_503', cause: 'server_error' },
  ],
];

for (const [name, answer, expected] of table) {
  test(`answer to a batch: ${name}`, () => {
    const verdict = decide(answer, sent, place, blocks);
    const at = verdict.kind === 'advanced' ? verdict.place.position : undefined;
    const cause = 'trouble' in verdict ? verdict.trouble.cause : undefined;
    assert.deepEqual(
      { kind: verdict.kind, outcome: verdict.outcome, at, cause },
      { at: undefined, cause: undefined, ...expected },
    );
  });
}

test('413 to a single block is trouble, for nothing smaller can be sent', () => {
  const verdict = decide(plain(413), alone, place, blocks);
  assert.equal(verdict.kind === 'trouble' && verdict.trouble.cause, 'too_large');
});

test('a redirect shows where to, without what may be secret in it', () => {
  const verdict = decide(
    plain(302, '', { location: 'https://login.example.com/sso?state=SECRET' }),
    sent,
    place,
    blocks,
  );
  const message = verdict.kind === 'trouble' ? verdict.trouble.message : '';
  assert.match(message, /login\.example\.com/);
  assert.doesNotMatch(message, /SECRET/);
});

test('Retry-After is handed on, whoever sent it', () => {
  const verdict = decide(plain(429, login, { 'retry-after': '7' }), sent, place, blocks);
  assert.equal(verdict.kind === 'later' && verdict.retryAfter, '7');
});

const errors: [code: string, kind: string, cause: string, smaller: boolean][] = [
  ['ECONNREFUSED', 'later', 'connection_refused', false],
  ['ECONNRESET', 'later', 'connection_reset', false],
  ['EPIPE', 'later', 'connection_reset', false],
  ['ETIMEDOUT', 'later', 'connect_timeout', false],
  ['EHOSTUNREACH', 'later', 'unreachable', false],
  ['ENOTFOUND', 'later', 'name_not_found', false],
  ['EAI_AGAIN', 'later', 'name_not_found', false],
  ['HPE_INVALID', 'later', 'not_http', false],
  ['PROGRESS_TIMEOUT', 'later', 'timeout', true],
  ['CERT_HAS_EXPIRED', 'trouble', 'tls_expired', false],
  ['CERT_NOT_YET_VALID', 'trouble', 'tls_not_yet_valid', false],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'trouble', 'tls_unknown_ca', false],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'trouble', 'tls_unknown_ca', false],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'trouble', 'tls_unknown_ca', false],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'trouble', 'tls_wrong_host', false],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'trouble', 'tls_refused_ours', false],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'trouble', 'tls_refused_ours', false],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'trouble', 'tls_version', false],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'trouble', 'tls', false],
  ['PROXY_AUTH', 'trouble', 'proxy_auth', false],
  ['PROXY_REFUSED', 'later', 'proxy_failed', false],
  ['SECRET_UNREADABLE', 'trouble', 'no_secret', false],
];

for (const [code, kind, cause, smaller] of errors) {
  test(`an exchange that fails with ${code} is ${kind}: ${cause}`, () => {
    const verdict = decideError(Object.assign(new Error('why'), { code }), true);
    assert.equal(verdict.kind, kind);
    assert.equal(verdict.trouble.cause, cause);
    assert.equal(verdict.kind === 'later' && verdict.smaller, smaller);
  });
}

test('the answer to a question is believed only from a receiver', () => {
  assert.equal(decideTold(told({ answer: 'state' })).kind, 'told');
  for (const other of [
    told({}),
    told({ answer: 'state', receiver: undefined }),
    plain(200, login),
    plain(200, half),
    plain(204),
  ])
    assert.equal(decideTold(other).kind, 'trouble');
  assert.equal(decideTold(plain(503)).kind, 'later');
  assert.equal(decideTold(plain(404)).kind, 'trouble');
  assert.equal(decideTold(told({ answer: 'state' }, 500)).kind, 'later');
});
