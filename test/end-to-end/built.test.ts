/**
 * The built file itself (TAILSPOOL=dist/tailspool): its parts, that nothing from outside runs inside it, and the main job with
 * kill -9. Against the sources these tests are skipped: what they ask of it only the executable promises.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Pair } from './pair.ts';
import { program, until, untilAnswers } from './tailspool.ts';

const built = process.env.TAILSPOOL;
const skip =
  built === undefined && 'TAILSPOOL does not name an executable (npm run build makes one; .ci/run runs these with it)';

test('each part that is built in works', { skip }, () => {
  const { stdout, status } = spawnSync(program[0], ['selftest'], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /^ok {6}fast codec: zstd-napi/m);
  assert.match(stdout, /^ok {6}sd_notify: own function/m);
  assert.match(stdout, /^ok {6}unix datagrams: own function/m);
  assert.doesNotMatch(stdout, /FAILED/);
});

test('version names version, commit, Node and codec', { skip }, () => {
  const { stdout } = spawnSync(program[0], ['version'], { encoding: 'utf8' });
  assert.match(stdout, /^tailspool \d+\.\d+\.\d+ \(([0-9a-f]{12}\+?|unknown), node 24\.\d+\.\d+\)\ncodec zstd-napi\n$/);
});

test('neither NODE_OPTIONS nor files in the working directory nor arguments make it run other code', { skip }, () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-hostile-'));
  const mark = join(folder, 'ran');
  const evil = `require('node:fs').appendFileSync(${JSON.stringify(mark)}, 'x');`;
  const put = (path: string, text: string) => {
    fs.mkdirSync(join(folder, path, '..'), { recursive: true });
    fs.writeFileSync(join(folder, path), text);
  };
  put('evil.js', evil);
  for (const name of ['main.cjs', 'index.js', 'sea.js', 'zstd-napi.node', 'node_modules/zstd-napi/binding.js'])
    put(name, evil);
  for (const name of ['undici', 'yaml', 'bufferutil', 'pino-pretty']) put(`node_modules/${name}/index.js`, evil);
  put('package.json', JSON.stringify({ main: 'evil.js', imports: { '#a': './evil.js' }, type: 'commonjs' }));
  put('node.config.json', JSON.stringify({ nodeOptions: { require: ['./evil.js'] } }));
  put('.env', `NODE_OPTIONS=--require ${folder}/evil.js\n`);
  put('.noderc', evil);
  const hostile = {
    NODE_OPTIONS: `--require ${folder}/evil.js --inspect=0`,
    NODE_PATH: join(folder, 'node_modules'),
    NODE_REPL_EXTERNAL_MODULE: join(folder, 'evil.js'),
  };
  const sound = join(folder, 'sound.yaml');
  put('sound.yaml', `data_dir: ${folder}/data\ncollectors: { logs: { type: file, include: [${folder}/*.log] } }\n`);
  for (const args of [
    ['version'],
    ['selftest'],
    ['check', '--config', sound],
    ['--require', './evil.js', 'version'],
    ['evil.js'],
  ]) {
    const { stderr } = spawnSync(program[0], args, {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, ...hostile },
    });
    assert.ok(!fs.existsSync(mark), `${args.join(' ')} ran something from outside`);
    assert.doesNotMatch(stderr, /Debugger listening/);
  }
  // What the trap would look like, were it not shut: Node itself falls into it.
  spawnSync(process.execPath, ['-e', '0'], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: hostile.NODE_OPTIONS },
  });
  assert.ok(fs.existsSync(mark), 'the trap works');
  fs.rmSync(folder, { recursive: true });
});

test('SIGUSR1 does not open the inspector of a running agent', { skip }, async () => {
  await using pair = await Pair.make();
  const agent = pair.startAgent();
  await untilAnswers(pair.agentData);
  agent.signal('SIGUSR1');
  await untilAnswers(pair.agentData);
  assert.ok(agent.running);
  assert.equal((await agent.end('SIGTERM')).code, 0);
  assert.doesNotMatch(agent.printed, /Debugger listening/);
});

test('the fast codec leaves no file behind', { skip }, () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-tmp-'));
  const seen = spawnSync(
    'strace',
    ['-f', '-e', 'trace=openat,open,creat,memfd_create,mkdir,link,linkat,rename', program[0], 'version'],
    {
      encoding: 'utf8',
      env: { ...process.env, TMPDIR: folder },
    },
  );
  if (seen.error === undefined) {
    const named = seen.stderr.split('\n').filter((line) => /O_CREAT|creat\(|mkdir\(|link(at)?\(|rename\(/.test(line));
    assert.deepEqual(named, []);
    assert.match(seen.stderr, /O_TMPFILE/);
  }
  assert.deepEqual(fs.readdirSync(folder), []);
  fs.rmSync(folder, { recursive: true });
});

test('where every folder is mounted noexec Node’s own codec is used, which version and the log say', {
  skip: skip || (process.getuid?.() !== 0 && 'needs root, for mounts of its own'),
}, () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-noexec-'));
  const executable = join(folder, 'tailspool');
  fs.copyFileSync(program[0], executable);
  fs.writeFileSync(
    join(folder, 'c.yaml'),
    'data_dir: /run/d\ncollectors: { logs: { type: file, include: [/run/*.log] } }\n',
  );
  const mounts = ['/dev/shm', '/var/tmp', '/run'].map((path) => `mount -t tmpfs -o noexec none ${path}`).join(' && ');
  const inside = (command: string) =>
    spawnSync('unshare', ['--mount', 'sh', '-c', `${mounts} && ${command}`], {
      encoding: 'utf8',
      env: { ...process.env, TMPDIR: '/run' },
    });
  const version = inside(`${executable} version`).stdout;
  assert.match(version, /^codec node:zlib \(zstd-napi cannot be used: .*\/dev\/shm: .*; \/run: .*\/var\/tmp: /m);
  const ran = inside(`timeout -s TERM 3 ${executable} run --config ${folder}/c.yaml`);
  assert.match(ran.stderr, /codec\.fallback.*blocks are compressed with node:zlib/);
  // One folder that allows it is enough: data_dir is the last that is tried.
  const more = inside(
    `mkdir /run/d && mount -t tmpfs none /run/d && timeout -s TERM 3 ${executable} run --config ${folder}/c.yaml`,
  );
  assert.doesNotMatch(more.stderr, /codec\.fallback/);
  assert.match(more.stderr, /agent\.running/);
  fs.rmSync(folder, { recursive: true });
});

test('killed again and again on both sides it loses and repeats nothing', { skip }, async () => {
  await using pair = await Pair.make();
  pair.startReceiver();
  pair.startAgent();
  const log = join(pair.logs, 'a.log');
  const writer = spawn('sh', ['-c', `i=0; while [ $i -lt 6000 ]; do i=$((i+1)); echo "line $i"; done >> "${log}"`]);
  const written = new Promise((resolve) => writer.on('close', resolve));
  let before = 0;
  for (let kill = 0; kill < 6; kill++) {
    fs.appendFileSync(log, `between ${kill}\n`);
    await until(
      `more than ${before} bytes in the mirror`,
      () => (pair.mirrored('a.log')?.length ?? 0) > before,
      () => pair.describe(),
    );
    before = pair.mirrored('a.log')!.length;
    if (kill % 2 === 0) {
      await pair.agent!.end('SIGKILL');
      pair.startAgent();
    } else {
      await pair.receiver!.end('SIGKILL');
      pair.startReceiver();
    }
    fs.appendFileSync(log, `after kill ${kill}\n`);
  }
  await written;
  fs.appendFileSync(log, 'the end\n');
  await pair.untilMirrored('a.log', fs.statSync(log).size);
  assert.ok(pair.mirrored('a.log')!.equals(fs.readFileSync(log)));
});
