import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { askStatus, program, Tailspool } from '../../end-to-end/tailspool.ts';

const folder = mkdtempSync(join(tmpdir(), 'tailspool-run-'));
after(() => rmSync(folder, { recursive: true }));

const fromSources = process.env.TAILSPOOL === undefined;

/** A configuration of its own, with an agent that has nothing to do. */
function configure(name: string): { config: string; dataDir: string } {
  const home = join(folder, name);
  mkdirSync(home);
  const dataDir = join(home, 'data');
  const config = join(home, 'tailspool.yaml');
  writeFileSync(config, `data_dir: ${dataDir}\ncollectors: {a: {type: file, include: [${home}/*.log]}}\n`);
  return { config, dataDir };
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.fail(`not within 10 s: ${what}`);
}

async function running(config: string, dataDir: string): Promise<Tailspool> {
  const agent = new Tailspool(['run', '--config', config]);
  await until(`it runs: ${agent.printed}`, async () => (await askStatus(dataDir)) !== undefined || !agent.running);
  assert.ok(agent.running, agent.printed);
  return agent;
}

test('SIGTERM and SIGINT end the agent with 0, a second signal included', async () => {
  const { config, dataDir } = configure('signals');
  for (const signals of [['SIGINT'], ['SIGTERM', 'SIGTERM', 'SIGINT']] as const) {
    await using agent = await running(config, dataDir);
    for (const signal of signals) agent.signal(signal);
    const { code, signal, err } = await agent.ended;
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, err);
    assert.match(err, /"event_name":"agent\.stopped"/);
  }
});

test('SIGHUP says that reload comes later, and the agent goes on', async () => {
  const { config, dataDir } = configure('hangup');
  await using agent = await running(config, dataDir);
  agent.signal('SIGHUP');
  await until('it says so', () => agent.printed.includes('comes later'));
  assert.notEqual(await askStatus(dataDir), undefined);
  assert.equal((await agent.end('SIGTERM')).code, 0);
});

test('a second agent on the same data_dir ends with 3 and names the holder', async () => {
  const { config, dataDir } = configure('held');
  await using agent = await running(config, dataDir);
  const { code, out, err } = await new Tailspool(['run', '--config', config]).ended;
  assert.equal(code, 3, err);
  assert.equal(out, '');
  assert.match(err, new RegExp(`${dataDir} is held by .*${agent.pid}`));
  assert.ok(agent.running);
});

test('a signal while the agent is still starting ends it with 0', async () => {
  const { config } = configure('early');
  await using agent = new Tailspool(['run', '--config', config]);
  await until('it began', () => agent.printed.includes('agent.') || !agent.running);
  assert.equal((await agent.end('SIGTERM')).code, 0, agent.printed);
});

/** Sends the signal to itself when the module is about to be loaded: at that moment, on any machine. */
function signalWhenLoading(module: string, signal: string): string {
  const load = `(url,context,next)=>{if(url.endsWith('${module}'))process.kill(process.pid,'${signal}');return next(url,context)}`;
  return `data:text/javascript,import{registerHooks}from'node:module';registerHooks({load:${load}})`;
}

test('a signal while the program is still loading ends it with 0, by itself', { skip: !fromSources }, async () => {
  const { config, dataDir } = configure('loading');
  const run = ['run', '--config', config];
  const receive = ['receive', '--listen', '127.0.0.1:0', '--data-dir', dataDir];
  const moments = [
    { command: run, module: 'cli/program.ts', signal: 'SIGTERM' },
    { command: receive, module: 'cli/receive.ts', signal: 'SIGINT' },
    { command: run, module: 'agent/agent.ts', signal: 'SIGINT' },
    { command: receive, module: 'host/host.ts', signal: 'SIGTERM' },
  ];
  for (const { command, module, signal } of moments) {
    const [node, ...first] = program;
    const args = ['--import', signalWhenLoading(module, signal), ...first, ...command];
    const child = spawn(node, args, { stdio: 'ignore' });
    after(() => child.kill('SIGKILL'));
    const end = await new Promise((resolve) => child.once('close', (code, by) => resolve({ code, by })));
    assert.deepEqual(end, { code: 0, by: null }, `${command[0]}, ${signal} at ${module}`);
    // It does not go on starting first, which may take long.
    assert.ok(!existsSync(dataDir), `${command[0]}, ${signal} at ${module}`);
  }
});

test('a data_dir that cannot be made ends with 1 and says why, without a stack trace', async () => {
  const home = join(folder, 'nowhere');
  mkdirSync(home);
  writeFileSync(join(home, 'file'), '');
  const config = join(home, 'a.yaml');
  writeFileSync(config, `data_dir: ${home}/file/data\ncollectors: {a: {type: file, include: [/nowhere/*.log]}}\n`);
  const { code, err } = await new Tailspool(['run', '--config', config]).ended;
  assert.equal(code, 1, err);
  assert.match(err, /tailspool: cannot run on .*\/file\/data: /);
  assert.doesNotMatch(err, /\n\s+at /);
});

test('the agent never collects the file that its own log goes to', async () => {
  const { config, dataDir } = configure('own-log');
  const home = join(folder, 'own-log');
  writeFileSync(join(home, 'other.log'), 'a line\n');
  const own = openSync(join(home, 'own.log'), 'a');
  const [command, ...first] = program;
  const child = spawn(command, [...first, 'run', '--config', config], { stdio: ['ignore', 'ignore', own] });
  after(() => child.kill('SIGKILL'));
  closeSync(own);
  let sources: readonly { readonly name: string; readonly state: string }[] = [];
  await until('it follows the other file', async () => {
    sources = (await askStatus(dataDir))?.collectors.flatMap((collector) => collector.sources) ?? [];
    return sources.some(({ name }) => name.endsWith('other.log'));
  });
  const ours = sources.filter(({ name }) => name.endsWith('own.log'));
  assert.deepEqual(
    ours,
    ours.filter(({ state }) => state === 'refused'),
  );
  child.kill('SIGTERM');
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0);
  assert.match(readFileSync(join(home, 'own.log'), 'utf8'), /agent\.stopped/);
});

test('fewer files are opened than the process may, and status says how many', async () => {
  const { config, dataDir } = configure('few-descriptors');
  const [command, ...first] = program;
  const limited = ['-c', 'ulimit -n 300; exec "$0" "$@"', command, ...first, 'run', '--config', config];
  const child = spawn('bash', limited, { stdio: 'ignore' });
  after(() => child.kill('SIGKILL'));
  await until('it runs', async () => (await askStatus(dataDir)) !== undefined);
  // The rest is for the spool, sockets and what they need.
  assert.equal((await askStatus(dataDir))?.collectors[0]?.gauges.open_files_max, 300 - 256);
  child.kill('SIGTERM');
  assert.equal(await new Promise((resolve) => child.once('close', resolve)), 0);
});

test('the agent never collects its data_dir or the folder of its mirror, whatever the patterns say', async () => {
  const { config, dataDir } = configure('own-folders');
  const home = join(folder, 'own-folders');
  const include = `include: [${home}/**/*.log]`;
  const mirror = join(home, 'mirror');
  writeFileSync(
    config,
    `data_dir: ${dataDir}\ncollectors: {a: {type: file, ${include}}}\nshippers: {m: {type: mirror, path: ${mirror}}}\n`,
  );
  await using agent = await running(config, dataDir);
  const names = async () =>
    (await askStatus(dataDir))?.collectors.flatMap(({ sources }) => sources.map(({ name }) => name)) ?? [];
  mkdirSync(join(mirror, 'below'), { recursive: true });
  for (const own of [dataDir, mirror, join(mirror, 'below')]) writeFileSync(join(own, 'own.log'), 'a line\n');
  writeFileSync(join(home, 'other.log'), 'a line\n');
  await until('it follows the other file', async () => (await names()).length > 0);
  // By now the other one is mirrored, too, into a file whose name matches.
  await until('it is mirrored', () => readdirSync(mirror, { recursive: true }).some((name) => /other/.test(`${name}`)));
  assert.deepEqual(await names(), [join(home, 'other.log')]);
  assert.equal((await agent.end('SIGTERM')).code, 0);
});

test('whoever does not read the log holds up neither the start nor the stop', async () => {
  const { config, dataDir } = configure('stuck-log');
  const pipe = join(folder, 'stuck-log', 'pipe');
  execFileSync('mkfifo', [pipe]);
  const [command, ...first] = program;
  // The pipe is full before the agent begins, and nobody reads it.
  const fill = 'exec 3<>"$0"; dd if=/dev/zero bs=65536 count=1 status=none >&3; exec "$@" 2>&3';
  const child = spawn('bash', ['-c', fill, pipe, command, ...first, 'run', '--config', config], { stdio: 'ignore' });
  after(() => child.kill('SIGKILL'));
  await until('it runs', async () => (await askStatus(dataDir)) !== undefined);
  const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  child.kill('SIGTERM');
  assert.deepEqual(await ended, { code: 0, signal: null });
});

test('an error that nobody caught is told for people and ends the agent with 1', { skip: !fromSources }, async () => {
  const { config } = configure('uncaught');
  for (const fault of ['throw new Error("planted")', 'Promise.reject(new Error("planted"))']) {
    const planted = `data:text/javascript,setTimeout(()=>{${fault}},700)`;
    const [command, ...first] = program;
    const args = ['--import', planted, ...first, 'run', '--config', config];
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    after(() => child.kill('SIGKILL'));
    let err = '';
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, 1, err);
    assert.match(err, /tailspool: this should not have happened, please report it:\nError: planted/);
  }
});
