/**
 * Holds the sources to docs/architecture.md: which room may import what, and that nothing outside `agent/host/` reaches
 * the world by itself. Prints every breach and ends with 1 if there is one; long files are only mentioned.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** What a part of the tree may import. The longest matching folder decides. */
interface Room {
  readonly folder: string;
  /** Files of the project, as patterns on their paths. */
  readonly own: readonly RegExp[];
  readonly node: ReadonlySet<string> | 'all';
  readonly packages: ReadonlySet<string> | 'all';
  /** May read clocks, set timers, draw random numbers and touch `process`. */
  readonly world: boolean;
}

/** Modules of Node that compute and do nothing else. */
const pure = new Set(['node:buffer', 'node:crypto', 'node:path', 'node:util', 'node:zlib']);
const none = new Set<string>();
const spoolDoors = /^spool\/(nouns|ports|event|format[a-z-]*|wire[a-z-]*|bytes)\.ts$/;

const rooms: readonly Room[] = [
  { folder: 'spool', own: [/^spool\//], node: pure, packages: none, world: false },
  {
    folder: 'collectors',
    own: [/^collectors\//, spoolDoors],
    node: pure,
    packages: new Set(['picomatch', '@msgpack/msgpack']),
    world: false,
  },
  { folder: 'processors', own: [/^processors\//, spoolDoors], node: pure, packages: none, world: false },
  { folder: 'shippers', own: [/^shippers\//, spoolDoors], node: pure, packages: none, world: false },
  {
    folder: 'agent',
    own: [/^(agent|collectors|processors|shippers|spool)\//],
    node: pure,
    packages: 'all',
    world: false,
  },
  {
    folder: 'agent/cli',
    own: [/^(agent|collectors|processors|shippers|spool)\//],
    node: pure,
    packages: 'all',
    world: true,
  },
  { folder: 'agent/demo', own: [/./], node: 'all', packages: 'all', world: true },
  {
    folder: 'agent/host',
    own: [/^agent\/host\//, /ports\.ts$/, /^spool\/nouns\.ts$/],
    node: 'all',
    packages: 'all',
    world: true,
  },
  { folder: 'build', own: [/./], node: 'all', packages: 'all', world: true },
  { folder: 'test', own: [/./], node: 'all', packages: 'all', world: true },
];

/** The entry of the program: what it does before anything else is loaded may need the process. */
const entry = 'agent/main.ts';
const linesWarned = 300;

/** To be had by `process.getBuiltinModule` where TLS is used: loading them parses all root certificates, which costs 2 MiB. */
const onlyWithTls = new Set(['node:tls', 'node:https']);

const worldly =
  /\b(Date\.now|new Date\(\)|performance\.now|Math\.random|setTimeout|setInterval|setImmediate|AbortSignal\.timeout|fetch\(|process\.(env|exit|exitCode|argv|std(in|out|err)|cwd|chdir|kill|on|once|hrtime|memoryUsage|cpuUsage|umask)\b)/;

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** What is wrong with one file. */
export function checkFile(file: string, source: string): Finding[] {
  const room = roomOf(file);
  if (room === undefined) return [{ file, line: 1, message: 'belongs to no room (docs/architecture.md lists them)' }];
  return withoutComments(source)
    .split('\n')
    .flatMap((text, index) => checkLine(room, file, text).map((message) => ({ file, line: index + 1, message })));
}

function checkLine(room: Room, file: string, text: string): string[] {
  const found: string[] = [];
  const target = importTarget(text);
  if (target !== undefined) {
    const problem = checkImport(room, file, target, text);
    if (problem !== undefined) found.push(problem);
  } else if (!room.world && file !== entry) {
    const word = worldly.exec(withoutStrings(text))?.[0];
    if (word !== undefined) found.push(`${word} outside agent/host: it has to come in through a port`);
  }
  return found;
}

function importTarget(text: string): string | undefined {
  return /(?:\bfrom|^import|\bimport\()\s*'([^']+)'/.exec(text)?.[1];
}

function checkImport(room: Room, file: string, target: string, text: string): string | undefined {
  if (onlyWithTls.has(target) && room.folder === 'agent/host' && !/^import type/.test(text))
    return `${target} is loaded only where TLS is used, by process.getBuiltinModule`;
  if (target.startsWith('node:')) {
    if (room.node === 'all' || room.node.has(target) || file === entry) return undefined;
    return `${target} is for agent/host only`;
  }
  if (!target.startsWith('.')) {
    const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/');
    if (room.packages === 'all' || room.packages.has(name)) return undefined;
    return `${room.folder}/ may not use the package ${name}`;
  }
  const path = posix.join(posix.dirname(file), target);
  return room.own.some((pattern) => pattern.test(path)) ? undefined : `${room.folder}/ may not import ${path}`;
}

function roomOf(file: string): Room | undefined {
  return rooms
    .filter((room) => file.startsWith(`${room.folder}/`))
    .sort((a, b) => b.folder.length - a.folder.length)[0];
}

/** Blanked out, so that lines keep their numbers. */
function withoutComments(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}

function withoutStrings(text: string): string {
  return text.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`$]*`/g, "''");
}

function* sources(root: string, folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(root, path);
    else if (entry.name.endsWith('.ts')) yield path;
  }
}

function main(): void {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const present = new Set(readdirSync(root));
  const folders = [...new Set(rooms.map((room) => room.folder.split('/')[0]!))].filter((folder) => present.has(folder));
  const findings: Finding[] = [];
  const long: string[] = [];
  let files = 0;
  for (const file of folders.flatMap((folder) => [...sources(root, folder)])) {
    const source = readFileSync(join(root, file), 'utf8');
    const lines = source.split('\n').length - 1;
    files++;
    findings.push(...checkFile(file, source));
    if (lines > linesWarned) long.push(`${file} (${lines})`);
  }
  if (long.length > 0) console.log(`long, perhaps two ideas in one: ${long.join(', ')}`);
  for (const { file, line, message } of findings) console.error(`${file}:${line}: ${message}`);
  console.log(`structure: ${files} files, ${findings.length} breaches`);
  if (findings.length > 0) process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
