/** What the log says of where a receiver was found to stand. */
import type { Finding } from './place.ts';

export const findings: Readonly<
  Record<Finding, { readonly severity: 'debug' | 'info' | 'warn'; readonly text: string }>
> = {
  first_contact: { severity: 'info', text: 'it never met this spool.' },
  as_saved: { severity: 'debug', text: 'it holds what was acknowledged.' },
  ahead: { severity: 'info', text: 'it holds more than was acknowledged to us; an answer got lost.' },
  behind: { severity: 'warn', text: 'it holds less than it had acknowledged; what is still here goes out again.' },
  behind_with_gap: {
    severity: 'warn',
    text: 'it holds less than it had acknowledged, and a part of that is not here any more; the gap is declared (retain_acked keeps more).',
  },
  forgotten: {
    severity: 'warn',
    text: 'it acknowledged before and holds nothing of this spool now; all that is still here goes out.',
  },
  forked: {
    severity: 'warn',
    text: 'it holds another history of this spool: this data_dir is a copy or was restored. What was not acknowledged to us goes out under a new epoch, perhaps a second time.',
  },
  from_oldest: {
    severity: 'warn',
    text: 'nothing that it holds of this spool can be recognised; all that is still here goes out, perhaps a second time.',
  },
};
