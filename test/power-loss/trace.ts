/**
 * Reads what strace wrote of a process: the changes it made to files below a folder, when each sync was asked for and when it
 * returned, and what it told others over sockets. `-f -y -xx` is expected: threads, the paths of descriptors, all text in hex.
 */

export type Step =
  | { readonly kind: 'create' | 'unlink' | 'mkdir' | 'rmdir'; readonly path: string }
  | { readonly kind: 'write'; readonly path: string; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  /** Only what was there when it was asked for is promised once it has returned. */
  | { readonly kind: 'sync'; readonly path: string; readonly id: number }
  | { readonly kind: 'synced'; readonly id: number }
  /** Something went out on a socket. */
  | { readonly kind: 'told'; readonly text: string };

/** System calls that are to be recorded. */
export const calls = [
  ...['openat', 'open', 'creat', 'write', 'pwrite64', 'writev', 'pwritev', 'pwritev2', 'ftruncate', 'truncate'],
  ...['rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'mkdir', 'mkdirat', 'rmdir', 'link', 'linkat'],
  ...['fsync', 'fdatasync', 'sync_file_range', 'fallocate', 'copy_file_range', 'sendfile', 'sendto', 'sendmsg'],
];
/** What the agent is not known to do to its files: if it ever does, the model has to learn it first. */
const unknownCalls =
  /^(link|linkat|fallocate|copy_file_range|sendfile|truncate|sync_file_range|pwritev|pwritev2|creat)$/;

/** The steps of one process, in the order in which they took effect. Paths are below `folder`, with a slash in front. */
export function parseTrace(trace: string, folder: string): Step[] {
  const steps: Step[] = [];
  const begun = new Map<string, { text: string; id: number }>();
  let ids = 0;
  for (const line of trace.split('\n')) {
    const [, pid, rest] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (!pid || !rest) continue;
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const unfinished = rest.endsWith('<unfinished ...>');
    const before = resumed ? begun.get(pid) : undefined;
    const text = resumed ? `${before?.text ?? ''}${resumed[1]}` : rest;
    const id = before?.id ?? ids++;
    if (!resumed) pushSync(steps, text, folder, id);
    if (unfinished) begun.set(pid, { text: text.slice(0, -'<unfinished ...>'.length), id });
    else steps.push(...effectOf(text, folder, id));
    if (resumed) begun.delete(pid);
  }
  return steps;
}

function pushSync(steps: Step[], text: string, folder: string, id: number): void {
  if (!/^f(data)?sync\(/.test(text)) return;
  const path = below(descriptor(text)?.path, folder);
  if (path !== undefined) steps.push({ kind: 'sync', path, id });
}

/** What a finished call did; nothing where it failed. */
function effectOf(text: string, folder: string, id: number): Step[] {
  const [, name = ''] = /^(\w+)\(/.exec(text) ?? [];
  const result = Number(/ = (-?\d+)[^=]*$/.exec(text)?.[1] ?? -1);
  if (result < 0) return [];
  const on = descriptor(text);
  const path = below(on?.path, folder);
  const named = strings(text).map((string) => string.toString());
  const [first, second] = named.map((one) => below(one, folder));
  if (unknownCalls.test(name) && (path ?? first ?? second) !== undefined)
    throw new Error(`not in the model: ${text.slice(0, 200)}`);
  if (/^(write|writev|sendto|sendmsg)$/.test(name) && on?.path.startsWith('socket:'))
    return [{ kind: 'told', text: Buffer.concat(strings(text)).toString('latin1') }];
  if (name === 'fsync' || name === 'fdatasync') return path === undefined ? [] : [{ kind: 'synced', id }];
  if (name === 'pwrite64' && path !== undefined) {
    const [bytes] = strings(text);
    const at = Number(/, (\d+) *\) +=/.exec(text)?.[1]);
    return [{ kind: 'write', path, at, bytes: bytes!.subarray(0, result) }];
  }
  if (/^write/.test(name) && path !== undefined) throw new Error(`not in the model: ${text.slice(0, 200)}`);
  if (name === 'ftruncate' && path !== undefined)
    return [{ kind: 'truncate', path, size: Number(/, (\d+) *\) +=/.exec(text)?.[1]) }];
  if (/^open/.test(name)) return first !== undefined && /O_CREAT/.test(text) ? [{ kind: 'create', path: first }] : [];
  if (/^rename/.test(name))
    return first !== undefined && second !== undefined ? [{ kind: 'rename', path: first, to: second }] : [];
  if (/^unlink/.test(name) && first !== undefined)
    return [{ kind: /AT_REMOVEDIR/.test(text) ? 'rmdir' : 'unlink', path: first }];
  if (name === 'rmdir' && first !== undefined) return [{ kind: 'rmdir', path: first }];
  if (/^mkdir/.test(name) && first !== undefined) return [{ kind: 'mkdir', path: first }];
  return [];
}

/** The descriptor that a call begins with, and what it stands for. */
function descriptor(text: string): { path: string } | undefined {
  const found = /^\w+\(\d+<((?:[^>\\]|\\x[0-9a-f]{2})*)>/.exec(text);
  return found ? { path: unhex(found[1]!).toString() } : undefined;
}

function strings(text: string): Buffer[] {
  if (/"\.\.\.[,)\]}]/.test(text)) throw new Error('strace cut a string short: give it a larger -s');
  return [...text.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map((match) => unhex(match[1]!));
}

function unhex(text: string): Buffer {
  return text.includes('\\x') ? Buffer.from(text.replaceAll('\\x', ''), 'hex') : Buffer.from(text);
}

function below(path: string | undefined, folder: string): string | undefined {
  if (path === undefined || path.endsWith(' (deleted)')) return undefined;
  if (path === folder) return '/';
  return path.startsWith(`${folder}/`) ? path.slice(folder.length) : undefined;
}
