/** One agent whose every shipper is in another kind of trouble: the status names each, and docs/operations.md has it as it is printed. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ShownProblem } from '../../agent/status/status.ts';
import { askAdmin, askStatus, Tailspool, until } from '../end-to-end/tailspool.ts';
import { opensslMissing } from '../support/certificates.ts';
import { Endpoints } from './endpoints.ts';
import { allCases, type Case } from './troubles.ts';

const documentFile = join(import.meta.dirname, '../../docs/operations.md');
const quick = { connect_timeout: '1s', progress_timeout: '500ms', retry_max: '500ms' };

test('each trouble is named in the status by cause, since when, bytes waiting and what to do, and the document has it so', {
  skip: opensslMissing,
}, async (t) => {
  await using stack = new AsyncDisposableStack();
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-troubles-'));
  stack.defer(() => fs.rmSync(folder, { recursive: true, force: true }));
  const endpoints = stack.use(new Endpoints());
  const cases = await allCases(folder, endpoints, stack);
  const dataDir = join(folder, 'agent');
  const config = join(folder, 'tailspool.yaml');
  fs.writeFileSync(join(folder, 'a.log'), 'a line that has to wait\n'.repeat(100));
  const collectors = { logs: { type: 'file', include: [join(folder, '*.log')] } };
  const shippers = Object.fromEntries(
    cases.map(({ shipper }, index) => [`s${index}`, { type: 'http', ...quick, ...shipper }]),
  );
  fs.writeFileSync(config, JSON.stringify({ data_dir: dataDir, collectors, shippers }));
  const environment = { https_proxy: 'socks5://user:s3cret@proxy:1080', no_proxy: '255.255.255.255' };
  const agent = stack.use(new Tailspool(['run', '--config', config], { environment }));

  const begun = async () => (await askStatus(dataDir))?.shippers.every((each) => each.problems.length > 0) === true;
  await until('every shipper to be in trouble', begun, () => agent.printed);
  for (const { spoil } of cases) spoil?.();
  let problems: readonly ShownProblem[] = [];
  const named = ({ cause }: Case, index: number) =>
    problems.find((problem) => problem.part === `shipper s${index}` && problem.cause === cause);
  const missing = () =>
    cases.flatMap((each, index) => {
      const mine = problems
        .filter(({ part }) => part === `shipper s${index}`)
        .map(({ cause, message }) => `${cause} (${message})`);
      return named(each, index) ? [] : [`${each.cause}, but there is: ${mine.join(', ') || 'nothing'}`];
    });
  await until(
    'every trouble in the status',
    async () => {
      problems = (await askStatus(dataDir))?.problems ?? [];
      return problems.length > 0 && missing().length === 0;
    },
    () => `${missing().join('\n')}\n${agent.printed}`,
    30_000,
  );

  const rows = new Map<string, string>();
  for (const [index, each] of cases.entries()) {
    const problem = named(each, index)!;
    const { cause, red, how, note } = each;
    if (Date.now() - problem.since < 50_000) assert.equal(problem.red, red, cause);
    assert.ok(Math.abs(Date.now() - problem.since) < 120_000, cause);
    assert.ok(problem.waitingBytes! > 0, `${cause}: nothing waits`);
    const turns = note ? 'never' : red ? 'at once' : 'after a minute';
    if (!rows.has(cause)) rows.set(cause, `| \`${cause}\` | ${how} | ${turns} | ${problem.hint} |`);
  }
  const told = [await askAdmin(dataDir, '/status.json'), await askAdmin(dataDir, '/metrics'), agent.printed].join('\n');
  assert.doesNotMatch(told, /s3cret/);

  const [, section = ''] = fs.readFileSync(documentFile, 'utf8').split(/^## /m);
  const written = section.split('\n').filter((line) => line.startsWith('| `'));
  const expected = [...rows.values()];
  t.diagnostic(`${cases.length} shippers in trouble, ${expected.length} causes`);
  assert.deepEqual(written, expected, `docs/operations.md is to have these rows:\n${expected.join('\n')}`);
});
