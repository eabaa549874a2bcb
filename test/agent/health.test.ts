import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../../agent/status/health.ts';
import { healthText, statusText } from '../../agent/status/text.ts';
import { collector, picture, shipper, source, spool } from './pictures.ts';

const problem = { cause: 'unauthorized', subject: 'central', message: 'It answers 401.', since: 940_000, red: true };

test('an agent without problems is not red', () => {
  assert.equal(judge(picture(), []).red, false);
  assert.equal(healthText(judge(picture(), [])), 'ok');
});

test('one red problem of any part makes the agent red', () => {
  assert.ok(judge(picture({ collectors: [collector({ problems: [problem] })] }), []).red);
  assert.ok(judge(picture({ shippers: [shipper({ problems: [problem] })] }), []).red);
  assert.ok(judge(picture({ spool: spool({ problems: [problem] }) }), []).red);
  assert.ok(judge(picture(), [{ ...problem, part: 'admin' }]).red);
});

test('a problem that is not red is shown and leaves the agent green', () => {
  const status = judge(picture({ shippers: [shipper({ problems: [{ ...problem, red: false }] })] }), []);
  assert.equal(status.red, false);
  assert.equal(status.problems.length, 1);
});

test('a stalled or unreadable source is a problem even where its collector reported none', () => {
  const sources = [source({ state: 'stalled', reason: 'read gave EIO' }), source({ name: '/b', state: 'unreadable' })];
  const status = judge(picture({ collectors: [collector({ sources })] }), []);
  assert.deepEqual(
    status.problems.map(({ cause, subject, red }) => [cause, subject, red]),
    [
      ['stalled', '/var/log/a.log', true],
      ['unreadable', '/b', false],
    ],
  );
});

test('a source that was never read is in trouble since its collector says so, not since 1970', () => {
  const never = { state: 'stalled', lastReadAt: undefined } as const;
  const sources = [source({ ...never, name: '/a', since: 960_000 }), source({ ...never, name: '/b' })];
  const { problems } = judge(picture({ collectors: [collector({ sources })] }), []);
  assert.deepEqual(
    problems.map(({ subject, since }) => [subject, since]),
    [
      ['/a', 960_000],
      ['/b', 1_000_000],
    ],
  );
});

test('a source whose collector reported it is one problem, not two', () => {
  const sources = [source({ state: 'unreadable' })];
  const problems = [{ ...problem, cause: 'unreadable', subject: '/var/log/a.log', red: false }];
  assert.equal(judge(picture({ collectors: [collector({ sources, problems })] }), []).problems.length, 1);
});

test('the status for people names the part, the cause, since when, what waits and what to do', () => {
  const shown = shipper({ problems: [{ ...problem, hint: 'Renew the token.' }] });
  const text = statusText(judge(picture({ shippers: [shown] }), []));
  assert.match(text, /host: RED\./);
  assert.match(text, /^collector nginx \(file\): read 10 records, 100 B; all read;.*passed over 10 B \(hole\)/m);
  assert.match(text, /^spool: 500 B of 4\.9 KiB in 1 segment;/m);
  assert.match(
    text,
    /^shipper central .*: idle; acknowledged 6 records, 60 B; 2 records, 20 B wait \(oldest 2\.0 s\)/m,
  );
  assert.match(text, /^RED shipper central: unauthorized central \(for 60 s, 20 B wait\)$/m);
  assert.match(text, /^ {4}It answers 401\.$/m);
  assert.match(text, /^ {4}to do: Renew the token\.$/m);
});

test('control characters in a file name do not reach the terminal', () => {
  const sources = [source({ name: '/var/log/\u001b[2J.log', state: 'unreadable', reason: 'EACCES' })];
  assert.doesNotMatch(statusText(judge(picture({ collectors: [collector({ sources })] }), [])), /\u001b/);
});
