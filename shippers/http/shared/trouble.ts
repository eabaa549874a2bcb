/**
 * What keeps a shipper from delivering, as both protocols say it: errors of the transport, and answers with which neither can
 * do anything. Pure. Whether it may pass by itself decides how soon it is tried again, and when health turns red.
 */
import { forPeople } from '../../../spool/wire-answer.ts';
import type { TransportAnswer } from '../../ports.ts';

export interface Trouble {
  /** Stable and short, as in `Problem.cause`. */
  readonly cause: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

export type Failure =
  /** May pass by itself. `smaller`: with less in a request the sooner. */
  | {
      readonly kind: 'later';
      readonly outcome: string;
      readonly trouble: Trouble;
      readonly retryAfter?: string | undefined;
      readonly smaller: boolean;
    }
  /** Somebody has to mend something. */
  | { readonly kind: 'trouble'; readonly outcome: string; readonly trouble: Trouble };

const passing: ReadonlySet<number> = new Set([408, 425, 429]);

/** Statuses that say nothing about what was sent, only that it is to be sent again. */
export function passesByItself(status: number): boolean {
  return passing.has(status) || status >= 500;
}

/** A 3xx: redirects are not followed, for they would take secrets and data elsewhere. */
export function redirected(got: TransportAnswer): Trouble {
  const to = got.headers.location;
  const where = to ? ` to ${forPeople(to.split('?', 1)[0] ?? '')}` : '';
  return {
    cause: 'redirected',
    message: `The endpoint redirects (${got.status})${where}; redirects are not followed.`,
    hint: 'Give the address of the receiver itself as url.',
  };
}

/** A transport's error: everything passes by itself but certificates, which somebody has to mend. */
export function decideError(error: unknown, divisible: boolean): Failure {
  const { code = 'ERROR', message = String(error) } = error as { code?: string; message?: string };
  const text = forPeople(message);
  if (code === 'PROGRESS_TIMEOUT') {
    const trouble = { cause: 'timeout', message: `The receiver did not answer in time. ${text}` };
    return { kind: 'later', outcome: 'timeout', trouble, retryAfter: undefined, smaller: divisible };
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL|ERR_OSSL|^ENOENT$|^EACCES$|^EISDIR$/.test(code)) {
    const hint =
      'Look at tls.ca, tls.cert and tls.key, and at the certificate of the receiver. Changed files are read by themselves.';
    return {
      kind: 'trouble',
      outcome: 'tls',
      trouble: { cause: 'tls', message: `TLS with the receiver fails (${code}): ${text}`, hint },
    };
  }
  if (code === 'SECRET_UNREADABLE') {
    const trouble = {
      cause: 'no_secret',
      message: `The secret for the receiver cannot be read: ${text}`,
      hint: 'Look at auth in the configuration.',
    };
    return { kind: 'trouble', outcome: 'no_secret', trouble };
  }
  const cause = code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? 'name_not_found' : 'unreachable';
  const trouble = { cause, message: `The receiver cannot be reached (${code}): ${text}` };
  return { kind: 'later', outcome: 'network', trouble, retryAfter: undefined, smaller: false };
}
