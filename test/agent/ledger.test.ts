import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger } from '../../agent/events/ledger.ts';
import { judge } from '../../agent/status/health.ts';
import type { Picture } from '../../agent/status/status.ts';
import type { LogEntry } from '../../spool/ports.ts';
import { collector, picture, spool } from './pictures.ts';

function said(...pictures: Picture[]): string[] {
  const entries: LogEntry[] = [];
  const ledger = new Ledger({ write: (entry) => entries.push(entry) });
  for (const shown of pictures) ledger.compare(judge(shown, []));
  return entries.map(({ severity, event, subject }) => [severity, event, subject].join(' '));
}

const full = spool({ problems: [{ cause: 'disk_full', subject: '/data', message: 'full', since: 1, red: true }] });

test('a problem is said once when it begins and once when it is gone', () => {
  const bad = picture({ spool: full });
  assert.deepEqual(said(picture(), bad, bad, bad, picture(), picture()), [
    'error problem.disk_full /data',
    'info mended.disk_full /data',
  ]);
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
