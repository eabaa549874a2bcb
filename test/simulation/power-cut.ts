/**
 * What a power cut leaves: all that was synced, and of the rest each 512-byte sector and each directory entry or not, as
 * the seed says. Changes to one sector stay in their order; a rename within a directory happened whole or not at all.
 */
import type { Content, DirectoryNode, EntryChange, FileNode, Node } from './nodes.ts';
import { SeededRandom } from './random.ts';

const sectorBytes = 512;

/** A new tree; the old one stays as it was, so that another seed may be tried. */
export function afterPowerCut(root: DirectoryNode, pending: readonly EntryChange[][], seed: number): DirectoryNode {
  const random = new SeededRandom(seed);
  return rebuilt(root, survivingEntries(pending, random), random);
}

/** The same where nothing that was not synced has survived. */
export function onlyWhatIsSafe(root: DirectoryNode): DirectoryNode {
  return rebuilt(root, new Map(), undefined);
}

function rebuilt(root: DirectoryNode, entries: Entries, random: SeededRandom | undefined): DirectoryNode {
  const copies = new Map<Node, Node>();
  const copied = copyNode(root, entries, random, copies) as DirectoryNode;
  for (const [node, copy] of copies) if (node.kind !== 'directory') copy.meta.links = 0;
  countLinks(copied);
  return copied;
}

type Entries = ReadonlyMap<DirectoryNode, ReadonlyMap<string, Node | undefined>>;

/** A cut often comes before anything, or after everything, reached the disk: those are tried as often as a mixture. */
function luck(random: SeededRandom): number {
  return random.pick([0, 1, 0.5, 0.9, random.fraction()]);
}

function survivingEntries(pending: readonly EntryChange[][], random: SeededRandom): Entries {
  const survived = new Map<DirectoryNode, Map<string, Node | undefined>>();
  const probability = luck(random);
  for (const together of pending) {
    if (!random.chance(probability)) continue;
    for (const change of together) {
      const names = survived.get(change.directory) ?? new Map<string, Node | undefined>();
      survived.set(change.directory, names.set(change.name, change.node));
    }
  }
  return survived;
}

/** Without `random` nothing survives but what is safe. */
function copyNode(node: Node, entries: Entries, random: SeededRandom | undefined, copies: Map<Node, Node>): Node {
  const known = copies.get(node);
  if (known !== undefined) return known;
  const meta = { ...node.meta, opens: 0 };
  let copy: Node;
  if (node.kind === 'symlink') copy = { ...node, meta };
  else if (node.kind === 'file') copy = { kind: 'file', meta, ...survivingContent(node, random), pending: [] };
  else copy = { kind: 'directory', meta, entries: new Map(), safe: new Map() };
  copies.set(node, copy);
  if (node.kind === 'directory' && copy.kind === 'directory') {
    const names = new Map<string, Node | undefined>([...node.safe, ...(entries.get(node) ?? [])]);
    for (const [name, child] of names) {
      if (child !== undefined) copy.safe.set(name, copyNode(child, entries, random, copies));
    }
    copy.entries = new Map(copy.safe);
  }
  return copy;
}

function survivingContent(file: FileNode, random: SeededRandom | undefined): { current: Content; safe: Content } {
  const content = file.pending.length === 0 || random === undefined ? file.safe.clone() : mixed(file, random);
  return { current: content, safe: content.clone() };
}

/** The size is one that the file had on the way; each sector is as it was after some of the changes to it. */
function mixed(file: FileNode, random: SeededRandom): Content {
  const probability = luck(random);
  const content = file.safe.clone();
  const reached = random.chance(probability) ? file.pending.length : random.below(file.pending.length + 1);
  const stopped = new Set<number>();
  let size = content.size;
  file.pending.forEach((change, index) => {
    if (change.kind === 'truncate') {
      if (index >= reached) return;
      content.truncate(change.size);
      size = change.size;
      return;
    }
    const end = change.at + change.bytes.length;
    if (index < reached) size = Math.max(size, end);
    for (let at = change.at; at < end; ) {
      const sector = Math.floor(at / sectorBytes);
      const upto = Math.min(end, (sector + 1) * sectorBytes);
      if (!stopped.has(sector) && !random.chance(probability)) stopped.add(sector);
      if (!stopped.has(sector)) content.write(change.bytes.subarray(at - change.at, upto - change.at), at);
      at = upto;
    }
  });
  content.truncate(size);
  return content;
}

function countLinks(directory: DirectoryNode): void {
  for (const node of directory.entries.values()) {
    if (node.kind === 'directory') countLinks(node);
    else node.meta.links++;
  }
}
