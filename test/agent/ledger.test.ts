import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger } from '../../agent/events/ledger.ts';
import { judge } from '../../agent/status/health.ts';
import type { AgentStatus, Picture } from '../../agent/status/status.ts';
import type { LogEntry } from '../../spool/ports.ts';
import { collector, picture, shipper } from './pictures.ts';

function said(...pictures: Picture[]): string[] {
  return saidOf(...pictures.map((shown) => judge(shown, [])));
}

function saidOf(...statuses: AgentStatus[]): string[] {
  const entries: LogEntry[] = [];
  const ledger = new Ledger({ write: (entry) => entries.push(entry) });
  for (const status of statuses) ledger.compare(status);
  return entries.map(({ severity, event, subject }) => [severity, event, subject].join(' '));
}

const gone = { cause: 'gone', subject: '/logs', message: 'no such folder', since: 1, red: true };

test('a problem is said once when it begins and once when it is gone', () => {
  const bad = picture({ collectors: [collector({ problems: [gone] })] });
  assert.deepEqual(said(picture(), bad, bad, bad, picture(), picture()), [
    'error problem.gone /logs',
    'info mended.gone /logs',
  ]);
});

test('a problem that its part has said itself is not said again, one that was watched is', () => {
  const shown = picture({ shippers: [shipper({ problems: [gone] })] });
  assert.deepEqual(said(picture(), shown), []);
  const watched = { ...gone, part: 'shipper central', cause: 'shipper_hangs', watched: true };
  assert.deepEqual(saidOf(judge(picture(), [watched])), ['error problem.shipper_hangs /logs']);
});

test('a drop is said when its counter has moved, not because it stood there before', () => {
  const dropped = { hole: { records: 1, bytes: 10 }, truncated: { records: 3, bytes: 30 } };
  const more = picture({ collectors: [collector({ totals: { spooled: { records: 9, bytes: 90 }, dropped } })] });
  assert.deepEqual(said(picture(), more, more), ['warn dropped.truncated nginx ']);
});

test('ten thousand problems at once are fifty lines and a number', () => {
  const problems = Array.from({ length: 10_000 }, (_, index) => ({
    cause: 'unreadable',
    subject: `/log/${index}`,
    message: 'EACCES',
    since: 1,
    red: false,
  }));
  const lines = said(picture({ collectors: [collector({ problems })] }));
  assert.equal(lines.length, 51);
  assert.equal(lines.at(-1), 'warn problem.more ');
});

test('what happened and what to do are two sentences in the log', () => {
  const entries: LogEntry[] = [];
  const ledger = new Ledger({ write: (entry) => entries.push(entry) });
  ledger.compare(judge(picture(), []));
  const problems = [{ ...gone, message: '/logs is a fifo, not a file', hint: 'exclude it.' }];
  ledger.compare(judge(picture({ collectors: [collector({ problems })] }), []));
  assert.match(entries[0]?.message ?? '', /: \/logs is a fifo, not a file\. Exclude it\.$/);
});
