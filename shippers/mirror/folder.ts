/**
 * Makes sure that the mirror's folder and its state in data_dir belong together. They share an id, and a number that grows
 * with every batch, so that a copy of either from an earlier time is recognised: then nothing is cut.
 *
 * The folder holds no file of ours, so no tool that walks it meets one: the id is the name of an empty directory,
 * `.tailspool/<id>.<sequence>`.
 */
import type { Id } from '../../spool/nouns.ts';
import type { Files, Random } from '../../spool/ports.ts';
import { hasCode, makeDurableFolder, readAll, writeAll } from './filework.ts';
import type { Intent } from './intent.ts';

export const markerFolder = '.tailspool';

export type FolderCheck =
  | { readonly kind: 'ours'; readonly id: Id; readonly sequence: number }
  | { readonly kind: 'mismatch'; readonly message: string; readonly hint: string };

/** Where the mirror keeps its files, both absolute. */
export interface Places {
  readonly folder: string;
  readonly state: string;
}

/**
 * Looks, and on first contact (no batch was ever begun) makes the two belong together. `intent` is the newest one: it names
 * the folder too, so that one damaged file does not part them.
 */
export async function checkFolder(
  files: Files,
  random: Random,
  places: Places,
  intent: Pick<Intent, 'folder'> | undefined,
): Promise<FolderCheck> {
  const stored = readId(files, places.state);
  const markers = readMarkers(files, places.folder);
  const ours = markers.filter(({ id }) => id === stored || id === intent?.folder);
  const foreign = markers.find((marker) => !ours.includes(marker));
  if (foreign) return foreignFolder(places, foreign.id, stored);
  if (ours.length === 0 && intent) return lostMarker(places, intent.folder);
  const id = ours[0]?.id ?? stored ?? Buffer.from(random.bytes(16)).toString('hex');
  if (id !== stored) await writeId(files, places.state, id);
  await makeDurableFolder(files, `${places.folder}/${markerFolder}`);
  if (ours.length > 0) return { kind: 'ours', id, sequence: Math.max(...ours.map((marker) => marker.sequence)) };
  await setSequence(files, places.folder, id, 0);
  return { kind: 'ours', id, sequence: 0 };
}

/** Durable when it resolves. The new marker stands before the old one goes. */
export async function setSequence(files: Files, folder: string, id: Id, sequence: number): Promise<void> {
  const directory = `${folder}/${markerFolder}`;
  files.makeDirectory(`${directory}/${id}.${sequence}`);
  await files.syncDirectory(directory);
  for (const marker of readMarkers(files, folder))
    if (marker.id === id && marker.sequence !== sequence) files.removeDirectory(`${directory}/${marker.name}`);
}

function foreignFolder(places: Places, found: Id, expected: Id | undefined): FolderCheck {
  const message =
    expected === undefined
      ? `The mirror folder ${places.folder} belongs to another data_dir (it has the id ${found}, ${places.state} has none).`
      : `The mirror folder ${places.folder} belongs to another data_dir (it has the id ${found}, ${places.state} has ${expected}).`;
  const hint = `Use another folder, or remove ${places.folder}/${markerFolder} and ${places.state} to go on in this one: records that are in it already may then come again.`;
  return { kind: 'mismatch', message, hint };
}

function lostMarker(places: Places, id: Id): FolderCheck {
  return {
    kind: 'mismatch',
    message: `The mirror folder ${places.folder} is not the one that was written before: ${markerFolder}/${id}.… is missing.`,
    hint: `Is its file system mounted? To begin a new mirror there, remove ${places.state}.`,
  };
}

interface Marker {
  readonly name: string;
  readonly id: Id;
  readonly sequence: number;
}

function readMarkers(files: Files, folder: string): Marker[] {
  const markers: Marker[] = [];
  for (const name of listOrNothing(files, `${folder}/${markerFolder}`)) {
    const match = /^([0-9a-f]{32})\.(\d{1,15})$/.exec(name);
    if (match) markers.push({ name, id: match[1]!, sequence: Number(match[2]) });
  }
  return markers;
}

function listOrNothing(files: Files, directory: string): string[] {
  try {
    return files.list(directory).map((entry) => entry.name);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

function readId(files: Files, state: string): Id | undefined {
  try {
    const file = files.open(`${state}/id`, 'read');
    try {
      return /^([0-9a-f]{32})\n$/.exec(readAll(file, 64).toString('latin1'))?.[1];
    } finally {
      file.close();
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function writeId(files: Files, state: string, id: Id): Promise<void> {
  const draft = `${state}/id.new`;
  if (listOrNothing(files, state).includes('id.new')) files.unlink(draft);
  const file = files.open(draft, 'create');
  try {
    writeAll(file, Buffer.from(`${id}\n`), 0);
    await file.datasync();
  } finally {
    file.close();
  }
  files.rename(draft, `${state}/id`);
  await files.syncDirectory(state);
}
