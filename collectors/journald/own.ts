/** Which entries are our own: each that was collected would make another. Pure. */
import type { Entry } from './export-parser.ts';
import type { Own } from './options.ts';

/** By the unit, whichever run of it; else by this process, told from another that had its number (before, or in another namespace). */
export function isOwn({ fields }: Entry, { pid, executable, bootId, unit }: Own): boolean {
  if (unit !== undefined && fields.get('_SYSTEMD_UNIT') === unit) return true;
  return (
    fields.get('_PID') === String(pid) &&
    fields.get('_EXE') === executable &&
    fields.get('_BOOT_ID') === bootId.replaceAll('-', '')
  );
}
