/** The dead letters as they lie in a data_dir, whether an agent runs or not. Reads only. */
import { recordsOf } from '../../shippers/http/plain/body.ts';
import { Expander } from '../../shippers/http/plain/contents.ts';
import { cursorsOf, findSpool, inspect, type Place } from '../../spool/inspect.ts';
import type { Codec, Files } from '../../spool/ports.ts';
import { retryName } from './box.ts';
import { decodeLetter, type StoredLetter } from './letter.ts';

export interface DeadPlace {
  readonly shipper: string;
  readonly place: Place;
}

export type FoundLetter =
  /** `line` is valid until the next one. */
  | { readonly kind: 'letter'; readonly stored: StoredLetter; readonly line: Uint8Array }
  | { readonly kind: 'unreadable'; readonly where: string; readonly why: string };

/** One for each shipper that ever had dead letters. Throws where data_dir cannot be read. */
export function deadPlaces(files: Files, dataDir: string): DeadPlace[] {
  const found: DeadPlace[] = [];
  for (const { name } of listOrNone(files, `${dataDir}/dead`)) {
    const place = findSpool(files, `${dataDir}/dead/${name}`);
    if (place) found.push({ shipper: decoded(name), place });
  }
  return found.sort((a, b) => (a.shipper < b.shipper ? -1 : 1));
}

/** What is held, oldest first. */
export function* lettersIn(files: Files, codec: Codec, { place }: DeadPlace): Generator<FoundLetter> {
  const from = cursorsOf(files, place).find(({ name }) => name === retryName)?.cursor?.position ?? 0;
  const expander = new Expander(codec);
  for (const found of inspect(files, place, from)) {
    if (found.kind === 'segment' || found.kind === 'gone') continue;
    if (found.kind !== 'block') {
      // The end of the newest segment may be in the middle of being written.
      if (found.kind === 'damage' && found.segment.newest && found.end === found.segment.end) continue;
      const why = found.kind === 'damage' ? found.why : 'a newer version wrote it';
      yield { kind: 'unreadable', where: `${found.segment.name} at ${found.position}`, why };
      continue;
    }
    const { block, segment } = found;
    if (block.position < from || block.header.records === 0) continue;
    const bytes = block.bytes();
    const contents = bytes ? expander.expand(bytes) : 'it is gone';
    if (typeof contents === 'string') {
      yield { kind: 'unreadable', where: `${segment.name} at ${block.position}`, why: contents };
      continue;
    }
    for (const { bytes: line } of recordsOf(contents, { first: 0, count: contents.records })) {
      const stored = decodeLetter(line);
      if (stored) yield { kind: 'letter', stored, line };
    }
  }
}

/** A folder that somebody else put there keeps its name. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function listOrNone(files: Files, path: string) {
  try {
    return files.list(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
