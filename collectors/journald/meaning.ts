/** What journalctl's end means, and what a person can do about it. Pure. */
import type { ChildEnd } from '../ports.ts';

export interface Meaning {
  readonly cause: 'journalctl_missing' | 'journal_forbidden' | 'journal_cursor' | 'journalctl_failed';
  readonly message: string;
  readonly hint: string;
}

/** `said`: its last lines on standard error. */
export function meaningOf(end: ChildEnd, program: string, said: readonly string[]): Meaning {
  const text = said.join(' ');
  if (end.kind === 'not_started') {
    const missing = end.code === 'ENOENT';
    const message = missing ? `There is no ${program} here` : `${program} cannot be started: ${end.message}`;
    const hint = 'install systemd’s journalctl, or name it in the collector’s `journalctl`';
    return { cause: missing ? 'journalctl_missing' : 'journalctl_failed', message, hint };
  }
  if (/insufficient permissions|Permission denied|not permitted/i.test(text))
    return { cause: 'journal_forbidden', message: `${program} may not read the journal: ${text}`, hint: groupHint };
  if (/seek to cursor/i.test(text)) {
    const hint = 'nothing: the journal is read from its beginning, and entries may come twice';
    return { cause: 'journal_cursor', message: `${program} does not know the place that was kept: ${text}`, hint };
  }
  const how = end.kind === 'exited' ? `with code ${end.code}` : `by ${end.signal}`;
  const message = `${program} ended ${how}${text === '' ? '' : `: ${text}`}`;
  return { cause: 'journalctl_failed', message, hint: 'it is started again; try the same command by hand' };
}

export const groupHint = 'run Tailspool in the group systemd-journal (the packages do), or as root';

/** journalctl shows a user without rights its own entries only, and says so once. */
export function saysPartial(line: string): boolean {
  return /not seeing messages from other users/i.test(line);
}
