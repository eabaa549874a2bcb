/** Finding and changing entries in a simulated disk's tree, with the errors of Linux. */
import { systemError } from './errors.ts';
import type { DirectoryNode, Node } from './nodes.ts';

const linksMax = 40;

export interface Place {
  readonly directory: DirectoryNode;
  readonly name: string;
  readonly node: Node | undefined;
  /** Absolute, without links above the last component. */
  readonly path: string;
}

/** Where a path leads. Its last component may be missing; with `follow` a symlink there is followed. */
export function locate(root: DirectoryNode, path: string, call: string, follow: boolean): Place {
  const above: { node: DirectoryNode; name: string }[] = [];
  let directory = root;
  let rest = parts(path);
  for (let links = 0, index = 0; ; ) {
    const name = rest[index++];
    if (name === undefined) return placeOf(root, above);
    if (name === '..') {
      directory = above.pop()?.node ?? root;
      continue;
    }
    const node = directory.entries.get(name);
    const last = index === rest.length;
    if (node?.kind === 'symlink' && (!last || follow)) {
      if (++links > linksMax) throw systemError('ELOOP', call, path);
      if (node.target.startsWith('/')) {
        above.length = 0;
        directory = root;
      }
      rest = [...parts(node.target), ...rest.slice(index)];
      index = 0;
      continue;
    }
    if (last) return { directory, name, node, path: join(above, name) };
    if (node === undefined) throw systemError('ENOENT', call, path);
    if (node.kind !== 'directory') throw systemError('ENOTDIR', call, path);
    above.push({ node: directory, name });
    directory = node;
  }
}

/** As `locate`, but the last component has to be there. */
export function find(root: DirectoryNode, path: string, call: string, follow = true): Place & { readonly node: Node } {
  const place = locate(root, path, call, follow);
  if (place.node === undefined) throw systemError('ENOENT', call, path);
  return { ...place, node: place.node };
}

/** Whether `inner` is `directory` or lies below it. */
export function contains(directory: DirectoryNode, inner: Node): boolean {
  if (directory === inner) return true;
  return [...directory.entries.values()].some((node) => node.kind === 'directory' && contains(node, inner));
}

const known = new Map<string, readonly string[]>();
const knownMax = 10_000;

function parts(path: string): readonly string[] {
  const found = known.get(path);
  if (found !== undefined) return found;
  const split = path.split('/').filter((part) => part !== '' && part !== '.');
  if (known.size >= knownMax) known.clear();
  known.set(path, split);
  return split;
}

/** The path ended in `..` or is the root: the directory that was reached, under its own name. */
function placeOf(root: DirectoryNode, above: readonly { node: DirectoryNode; name: string }[]): Place {
  const parent = above.at(-1);
  if (parent === undefined) return { directory: root, name: '', node: root, path: '/' };
  const node = parent.node.entries.get(parent.name);
  return { directory: parent.node, name: parent.name, node, path: join(above.slice(0, -1), parent.name) };
}

function join(above: readonly { name: string }[], name: string): string {
  return `/${[...above.map((each) => each.name), name].join('/')}`;
}
