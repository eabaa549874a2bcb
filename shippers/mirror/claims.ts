/**
 * Which spool writes under which host's folder. A host name belongs to the first spool that says it, for good; a second
 * one gets `<host.name>~<first 8 of its id>`. Durable with `flush`. Names that differ in case only count as one, for the
 * folder may lie on a file system that thinks so.
 */
import type { Id } from '../../spool/nouns.ts';
import type { Files } from '../../spool/ports.ts';
import { Journal } from './journal.ts';
import { hostFolder, secondClaim } from './names.ts';

export const claimsMax = 65_536;

export interface Claim {
  readonly folder: string;
  /** Made just now, and not under the host's own name: worth a word in the log. */
  readonly renamedNow: boolean;
}

export class Claims {
  readonly #journal: Journal;
  readonly #byClaimant: Map<string, string>;
  readonly #takenBy: Map<string, Id>;
  readonly damagedLines: number;

  constructor(files: Files, path: string) {
    const byClaimant = new Map<string, string>();
    const takenBy = new Map<string, Id>();
    const { journal, damagedLines } = Journal.open(files, path, (entry) => {
      if (!isClaim(entry)) return;
      const [folder, spool, wanted] = entry;
      if (wanted !== null) byClaimant.set(keyOf(spool, wanted), folder);
      takenBy.set(foldCase(folder), spool);
    });
    this.#journal = journal;
    this.#byClaimant = byClaimant;
    this.#takenBy = takenBy;
    this.damagedLines = damagedLines;
  }

  get count(): number {
    return this.#takenBy.size;
  }

  /** The folder for what `spool` has of `hostName`; undefined when there are too many already. */
  claim(spool: Id, hostName: string | undefined): Claim | undefined {
    const wanted = hostName === undefined || hostName === '' ? '' : hostFolder(hostName);
    const known = this.#byClaimant.get(keyOf(spool, wanted));
    if (known !== undefined) return { folder: known, renamedNow: false };
    if (this.#takenBy.size >= claimsMax) return undefined;
    const folder = this.#choose(spool, wanted);
    this.#byClaimant.set(keyOf(spool, wanted), folder);
    this.#takenBy.set(foldCase(folder), spool);
    this.#journal.append([folder, spool, wanted]);
    return { folder, renamedNow: folder !== wanted };
  }

  /** A folder that the spool was found to write to, although no claim says so (any more). */
  found(spool: Id, folder: string): void {
    if (this.#takenBy.has(foldCase(folder))) return;
    this.#takenBy.set(foldCase(folder), spool);
    this.#journal.append([folder, spool, null]);
  }

  flush(): Promise<void> {
    return this.#journal.flush();
  }

  #choose(spool: Id, wanted: string): string {
    const free = (folder: string) => (this.#takenBy.get(foldCase(folder)) ?? spool) === spool;
    if (wanted !== '' && free(wanted)) return wanted;
    for (let attempt = 0; ; attempt++) {
      const folder = secondClaim(wanted === '' ? '@no-host' : wanted, spool, attempt);
      if (free(folder)) return folder;
    }
  }
}

function isClaim(entry: unknown): entry is [string, Id, string | null] {
  if (!Array.isArray(entry) || entry.length !== 3) return false;
  const [folder, spool, wanted] = entry as unknown[];
  return typeof folder === 'string' && typeof spool === 'string' && (wanted === null || typeof wanted === 'string');
}

function keyOf(spool: Id, wanted: string): string {
  return `${spool}/${wanted}`;
}

function foldCase(folder: string): string {
  return folder.normalize('NFC').toLowerCase();
}
