/** Finds and reads the configuration's files. Bounded in number and size; every problem is told, none is thrown. */
import type { Files } from '../../spool/ports.ts';
import type { ConfigurationProblem } from './problems.ts';

/** What reading a configuration needs of the file system. */
export type ConfigurationReader = Pick<Files, 'open' | 'stat' | 'list'>;

export interface Source {
  /** As people named it. */
  readonly file: string;
  readonly text: string;
}

export const fileBytesMax = 1024 * 1024;
export const filesMax = 1000;

export interface Sources {
  readonly sources: readonly Source[];
  readonly problems: readonly ConfigurationProblem[];
}

export function readSources(files: ConfigurationReader, paths: readonly string[]): Sources {
  const problems: ConfigurationProblem[] = [];
  const tell = (file: string, message: string, hint?: string) => {
    problems.push({ severity: 'error', place: { file, line: 0, column: 0 }, message, hint });
  };
  const names = paths.flatMap((path) => filesAt(files, path, tell));
  if (names.length > filesMax) tell(paths[0] ?? 'configuration', `there are more than ${filesMax} files`);
  const sources: Source[] = [];
  for (const file of names.slice(0, filesMax)) {
    const text = readText(files, file, tell);
    if (text !== undefined) sources.push({ file, text });
  }
  return { sources, problems };
}

type Tell = (file: string, message: string, hint?: string) => void;

/** The file itself, or a folder's `*.yaml` and `*.yml`, without hidden ones. */
function filesAt(files: ConfigurationReader, path: string, tell: Tell): string[] {
  try {
    if (files.stat(path).kind !== 'directory') return [path];
    const names = files.list(path).map(({ name }) => name);
    const wanted = names.filter((name) => /^[^.].*\.ya?ml$/.test(name)).sort();
    if (wanted.length === 0) tell(path, 'the folder has no *.yaml file in it');
    return wanted.map((name) => `${path.replace(/\/$/, '')}/${name}`);
  } catch (error) {
    tell(path, `cannot be read: ${reasonOf(error)}`);
    return [];
  }
}

function readText(files: ConfigurationReader, path: string, tell: Tell): string | undefined {
  try {
    using file = disposable(files.open(path, 'read'));
    const { kind, sizeBytes } = file.it.stat();
    if (kind !== 'file') tell(path, `is not a file but a ${kind}`, 'give a file, or a folder of *.yaml');
    else if (sizeBytes > fileBytesMax) tell(path, `is larger than ${fileBytesMax} bytes`);
    else return new TextDecoder('utf-8', { fatal: true }).decode(readWhole(file.it));
  } catch (error) {
    tell(path, `cannot be read: ${reasonOf(error)}`);
  }
  return undefined;
}

function readWhole(file: ReturnType<Files['open']>): Uint8Array {
  const bytes = new Uint8Array(fileBytesMax);
  let length = 0;
  for (;;) {
    const count = length < bytes.length ? file.read(bytes.subarray(length), length) : 0;
    if (count === 0) return bytes.subarray(0, length);
    length += count;
  }
}

function disposable(it: ReturnType<Files['open']>) {
  return { it, [Symbol.dispose]: () => it.close() };
}

/** Why a file cannot be had, in words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  const words: Record<string, string> = {
    ENOENT: 'there is no such file or folder',
    ENOTDIR: 'a part of the path is not a folder',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    ELOOP: 'its symlinks go in a circle',
    ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8 text',
  };
  return words[code ?? ''] ?? message;
}
