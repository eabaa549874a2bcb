/**
 * Every `npm run …` begins here: plain JavaScript for the Node that the machine happens to have (20 or later). It installs the
 * exact dependencies where they are missing or differ from package-lock.json, then runs the task with the Node that came
 * with them, the same in development, tests and the executable.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const nodeMajorMin = 24;

/** Each task is commands that run one after the other; the last gets the arguments after `--`. */
const tasks = {
  start: () => [node('agent/demo/demo.ts')],
  native: () => [node('build/native.ts')],
  test: (args) => [testCommand(args)],
  types: () => [tool('typescript', 'bin/tsc', '-p', '.')],
  lint: () => [tool('@biomejs/biome', 'bin/biome', 'check', '--error-on-warnings', '.')],
  structure: () => [node('build/structure.ts')],
  check: (args) => [...tasks.types(), ...tasks.lint(), ...tasks.structure(), ...tasks.test(args)],
  build: () => [node('build/executable.ts')],
  reproducible: () => [node('build/reproducible.ts')],
  release: () => [node('build/release.ts')],
  // Needs root, debootstrap, systemd-container, rpm, qemu-user-static and a cross compiler; says what it skips without them.
  packages: () => [
    ...tasks.build(),
    node(
      ...['--test', '--test-concurrency=1', 'test/packages/minimal-root.check.ts', 'test/packages/rpm.check.ts'],
      ...['test/packages/systemd.check.ts', 'test/packages/image.check.ts', 'test/packages/arm64.check.ts'],
    ),
  ],
  image: () => [node('build/image.ts')],
  footprint: () => [node('build/footprint.ts')],
  bench: () => [node('build/bench/bench.ts')],
  'bench:long': () => [node('build/bench/bench.ts', '--long')],
  simulate: () => [node('test/simulation/simulate.ts')],
  drill: () => [node('test/drill/drill.ts')],
  fuzz: () => [node('test/fuzz/fuzz.ts')],
  'power-loss': () => [node('test/power-loss/power-loss.ts')],
  torture: () => [node('build/torture/torture.ts')],
  // Everything there is, in modest size: about half an hour on two cores.
  'check:full': () => [
    ...tasks.check([]),
    node('test/simulation/simulate.ts', '--seeds', '300'),
    node('test/simulation/simulate.ts', '--shapes', '--seeds', '100'),
    node('test/simulation/simulate.ts', '--shapes', '--every', '--seeds', '1'),
    node('--test', 'test/simulation/plain.check.ts', 'test/end-to-end/flapping.check.ts'),
    node('--test', 'test/simulation/acknowledged.check.ts', 'test/simulation/senders.check.ts'),
    // Fetches ClickHouse where apt-get can; says why it skips where not.
    node('--test', 'test/end-to-end/clickhouse.check.ts'),
    node('--test', '--test-concurrency=1', 'test/end-to-end/http.check.ts', 'test/end-to-end/otlp.check.ts'),
    // 100,000 records of each real client.
    node(
      ...['--test', '--test-concurrency=1', 'test/end-to-end/journald.check.ts', 'test/end-to-end/relp.check.ts'],
      ...['test/end-to-end/syslog.check.ts', 'test/end-to-end/fluent.check.ts', 'test/end-to-end/gelf.check.ts'],
      'test/end-to-end/lines.check.ts',
    ),
    node('test/drill/drill.ts', '--minutes', '4'),
    node('test/fuzz/fuzz.ts', '--minutes', '4'),
    node('test/power-loss/power-loss.ts'),
    ...tasks.build(),
    node('build/torture/torture.ts', '--minutes', '5'),
    ...tasks.packages(),
  ],
};
/** Tasks whose arguments are not the last command's. */
const own = ['test', 'check', 'check:full'];

const [task = '', ...rest] = process.argv.slice(2);
if (!Object.hasOwn(tasks, task)) fail(`there is no task "${task}"; there are: ${Object.keys(tasks).join(', ')}`);
install();
const commands = tasks[task](rest);
for (const [index, command] of commands.entries()) {
  const last = index === commands.length - 1;
  const code = await run(command, last && !own.includes(task) ? rest : []);
  if (code !== 0) process.exit(code);
}

function install() {
  const modules = join(root, 'node_modules');
  // A link is somebody's own arrangement (worktrees that share one folder).
  if (existsSync(modules) && lstatSync(modules).isSymbolicLink()) return;
  const stamp = join(modules, '.tailspool-lock');
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.error('tailspool: installing dependencies (once; the fast zstd codec is compiled, which takes a minute) …');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    // All cores for the addon.
    env: { ...process.env, JOBS: process.env.JOBS ?? 'max' },
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) fail(`npm ci failed${npm.error ? `: ${npm.error.message}` : ''}; see its output above`);
  if (!existsSync(join(modules, 'zstd-napi'))) {
    console.error(
      'tailspool: zstd-napi could not be built here (it needs a C++ compiler): Node’s own zstd is used, somewhat slower',
    );
  }
  writeFileSync(stamp, wanted);
}

function node(script, ...args) {
  return [nodeBinary(), '--disable-warning=ExperimentalWarning', script, ...args];
}

function tool(name, bin, ...args) {
  return [nodeBinary(), join(root, 'node_modules', name, bin), ...args];
}

/** Node's own runner; test files given by name are run instead of all. */
function testCommand(args) {
  const files = args.filter((arg) => arg.endsWith('.ts'));
  const options = args.filter((arg) => !arg.endsWith('.ts'));
  const found = files.length > 0 ? files : testFiles('test').sort();
  return node('--test', '--test-concurrency=2', ...options, ...found);
}

function testFiles(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return testFiles(path);
    return entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

function nodeBinary() {
  const installed = join(root, 'node_modules/.bin/node');
  if (existsSync(installed)) return installed;
  if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) return process.execPath;
  return fail(
    `no Node ${nodeMajorMin} for ${process.platform} ${process.arch} came with the dependencies; install it and try again`,
  );
}

/** Ctrl-C reaches the child by itself (one process group): here it is only waited for. */
function run([command, ...args], more) {
  const child = spawn(command, [...args, ...more], { cwd: root, stdio: 'inherit' });
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.on('error', (error) => fail(`cannot run ${command}: ${error.message}`));
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

function fail(message) {
  console.error(`tailspool: ${message}`);
  process.exit(1);
}
