/**
 * What went wrong between a shipper and its endpoint, named: by a stable cause, in words, with what to do. Pure, and the same for
 * both protocols. `docs/operations.md` has the table, `test/operations/` provokes each for real.
 */
import { forPeople } from '../../../spool/wire-answer.ts';
import type { TransportAnswer } from '../../ports.ts';

export interface Trouble {
  /** Stable and short, as in `Problem.cause`. */
  readonly cause: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** An attempt that failed. */
export type Failure =
  /** May pass by itself. `smaller`: with smaller requests the sooner. */
  | {
      readonly kind: 'later';
      readonly outcome: string;
      readonly trouble: Trouble;
      readonly retryAfter?: string | undefined;
      readonly smaller: boolean;
    }
  /** Somebody has to mend something. */
  | { readonly kind: 'trouble'; readonly outcome: string; readonly trouble: Trouble };

/** `who`: as it stands in a sentence, `receiver` or `endpoint`. An error that a transport or an `Authorization` gave. */
export function failureOfError(error: unknown, who: string): Failure {
  const found = error as {
    code?: string;
    message?: string;
    file?: string;
    from?: string;
    status?: number;
    address?: string;
  };
  const { code = 'ERROR' } = found;
  const text = forPeople(found.message ?? String(error));
  const whom = found.from ?? who;
  switch (true) {
    case code === 'SECRET_UNREADABLE':
      return lasting(
        'no_secret',
        `A secret cannot be read: ${text}`,
        'Look at auth and proxy in the configuration, and at the rights of the file.',
      );
    case code === 'TOKEN_REFUSED':
      return tokenRefused(text, found.status ?? 0);
    case code.startsWith('PROXY_'):
      return ofProxy(code, text, found.status);
    case found.file !== undefined:
      return lasting(
        'tls_files',
        `Certificate files cannot be used: ${text}`,
        'Look at tls.ca, tls.cert and tls.key. Changed files are read by themselves.',
      );
    default:
      return ofTls(code, text, whom) ?? ofSocketPath(found, text, whom) ?? ofNetwork(code, text, whom);
  }
}

/** The same for what was sent in one request: `divisible` says whether less can be sent. */
export function decideError(error: unknown, divisible: boolean, who = 'receiver'): Failure {
  const failure = failureOfError(error, who);
  return failure.kind === 'later' && failure.smaller && !divisible ? { ...failure, smaller: false } : failure;
}

/** The answers that no protocol has its own words for. `said`: what the body told, for people, or ''. */
export function failureOfStatus(got: TransportAnswer, who: string, said = ''): Failure {
  const { status } = got;
  const told = said === '' ? '' : ` It says: ${said}`;
  const outcome = `status_${status}`;
  const ofTls = refusedForTls(got, who);
  if (ofTls !== undefined) return ofTls;
  if (passesByItself(status)) {
    const { cause, hint } = passingCause(status);
    const trouble = { cause, message: `The ${who} answered ${status}.${told}`, hint };
    return { kind: 'later', outcome, trouble, retryAfter: got.headers['retry-after'], smaller: false };
  }
  if (status >= 200 && status < 300) return notTheEndpoint(got, who);
  return { kind: 'trouble', outcome, trouble: troubleOfStatus(got, who, told) };
}

/**
 * A 400 or 403 that is about the connection and not about what was sent: our receiver says so in a header, nginx only in words. No
 * such answer may ever blame records.
 */
export function refusedForTls({ status, headers, body }: TransportAnswer, who: string): Failure | undefined {
  const reason = /^client_certificate ([A-Z_]+)$/.exec(headers['tailspool-refused'] ?? '')?.[1];
  const words = status === 400 ? Buffer.from(body.subarray(0, 2048)).toString('latin1') : '';
  if (reason !== undefined || /SSL certificate/.test(words)) {
    const { cause, hint } = refusedOurs;
    return lasting(cause, `The ${who} does not take our certificate (${reason ?? status}).`, hint, 'tls');
  }
  if (!/plain HTTP request was sent to HTTPS port|HTTP request to an HTTPS server/.test(words)) return undefined;
  return lasting(
    'not_http',
    `The ${who} speaks https: at this port, and url says http:.`,
    'Write https: in url.',
    'tls',
  );
}

/** An answer that should have been one of the protocol's own and is not. */
export function notTheEndpoint(got: TransportAnswer, who: string, why = ''): Failure {
  if (isPage(got)) {
    const hint =
      'A login page or the page of a proxy stands in between: give the address behind it, or have it let this host through.';
    return lasting('login_page', `A web page answers (${got.status}) where the ${who} should.`, hint, 'not_ours');
  }
  const reason = why === '' ? `it answered ${got.status} with something else than an answer of this protocol` : why;
  const hint = 'A proxy may stand in between. Look at what listens at this url.';
  return lasting(`not_a_${who}`, `What listens at the url is not a ${who}: ${reason}.`, hint, 'not_ours');
}

/** HTML, as pages for people are. */
export function isPage({ headers, body }: TransportAnswer): boolean {
  if (/^text\/html|^application\/xhtml/i.test(headers['content-type'] ?? '')) return true;
  return /^\s*<(!doctype html|html)/i.test(Buffer.from(body.subarray(0, 256)).toString('latin1'));
}

const passing: ReadonlySet<number> = new Set([408, 425, 429]);

/** Statuses that say nothing about what was sent, only that it is to be sent again. */
export function passesByItself(status: number): boolean {
  return passing.has(status) || status >= 500;
}

function passingCause(status: number): { cause: string; hint: string } {
  if (status === 429)
    return {
      cause: 'rate_limited',
      hint: 'It asks for fewer requests; they go on by themselves. rate_limit here keeps below its limit.',
    };
  if (status === 408 || status === 504)
    return { cause: 'timeout', hint: 'The endpoint or a proxy in front of it is slow; it is tried again by itself.' };
  return { cause: 'server_error', hint: 'Look at the log of the endpoint; it is tried again by itself.' };
}

function troubleOfStatus({ status, headers }: TransportAnswer, who: string, told: string): Trouble {
  if (status >= 300 && status < 400) {
    const where = headers.location ? ` to ${forPeople(withoutQuery(headers.location))}` : '';
    return {
      cause: 'redirected',
      message: `The ${who} redirects (${status})${where}; redirects are not followed.`,
      hint: 'Give the address itself as url. A redirect to a login page means that something in between asks who we are.',
    };
  }
  const known = statusTroubles[status];
  if (known === undefined)
    return {
      cause: 'rejected',
      message: `The ${who} answered ${status}.${told}`,
      hint: 'Look at what listens at this url.',
    };
  return { cause: known.cause, message: `The ${who} ${known.says} (${status}).${told}`, hint: known.hint };
}

const statusTroubles: Readonly<
  Record<number, { readonly cause: string; readonly says: string; readonly hint: string }>
> = {
  401: {
    cause: 'unauthorized',
    says: 'does not know who we are',
    hint: 'Compare the secret of auth here with what is expected there; a changed file is read by itself.',
  },
  403: {
    cause: 'forbidden',
    says: 'forbids it',
    hint: 'We are known, but not allowed: look at the rights of the token or user, and at a proxy in between.',
  },
  404: { cause: 'not_found', says: 'has nothing at this address', hint: 'Look at the path of url.' },
  405: { cause: 'method_refused', says: 'does not take this method', hint: 'Look at the path of url, and at method.' },
  413: {
    cause: 'too_large',
    says: 'finds a single block too large',
    hint: 'Raise the body limit of the endpoint or of the proxy in between.',
  },
  415: { cause: 'wrong_type', says: 'does not take this type of body', hint: 'Look at encoding and compression.' },
  422: { cause: 'unprocessable', says: 'cannot process what it was sent', hint: 'Look at what the endpoint expects.' },
};

function tokenRefused(text: string, status: number): Failure {
  if (passesByItself(status))
    return passes(
      'token_endpoint',
      `The token endpoint answered ${status}: ${text}`,
      'Look at the token endpoint; it is tried again by itself.',
    );
  const hint = 'Look at auth.oauth2: client_id, the secret in its file, scope, audience, send_secret.';
  return lasting('token_refused', `The token endpoint gives no token (${status}): ${text}`, hint);
}

function ofProxy(code: string, text: string, status: number | undefined): Failure {
  if (code === 'PROXY_AUTH')
    return lasting(
      'proxy_auth',
      `The proxy wants to know who we are (407). ${text}`,
      'Give proxy.basic (with proxy.url), or user and password in the environment’s proxy.',
    );
  if (code === 'PROXY_UNUSABLE')
    return lasting('proxy_unusable', `${text}.`, 'Give an http: or https: URL there, or say proxy.environment: false.');
  if (code === 'PROXY_REFUSED' && status !== undefined && status < 500)
    return lasting(
      'proxy_refused',
      `The proxy does not let us through (${status}). ${text}`,
      'Look at the rules of the proxy: CONNECT to this host and port has to be allowed.',
    );
  const hint =
    'Look at the proxy, and whether it reaches the host; proxy.no_proxy names hosts that are reached directly.';
  return passes('proxy_failed', `The proxy fails (${code}): ${text}`, hint);
}

function ofTls(code: string, text: string, whom: string): Failure | undefined {
  const message = (what: string) => `${what} (${code}): ${text}`;
  const known = tlsCauses.find(({ codes }) => codes.test(code));
  if (known === undefined) return undefined;
  return lasting(known.cause, message(known.says.replace('WHOM', whom)), known.hint, 'tls');
}

const refusedOurs = {
  codes: /ALERT_.*CERTIFICATE|ALERT_UNKNOWN_CA|ALERT_ACCESS_DENIED|ALERT_DECRYPT_ERROR/,
  cause: 'tls_refused_ours',
  says: 'The WHOM does not take our certificate',
  hint: 'Look at tls.cert and tls.key here (expired? of the right authority?) and at the client authority there.',
} as const;

/** The first that fits; the words are OpenSSL's and Node's. */
const tlsCauses: readonly { codes: RegExp; cause: string; says: string; hint: string }[] = [
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$|HOSTNAME_MISMATCH/,
    cause: 'tls_wrong_host',
    says: 'The certificate of the WHOM is for another name',
    hint: 'Give url a name that stands in the certificate, or that name as tls.server_name.',
  },
  refusedOurs,
  {
    codes: /^CERT_HAS_EXPIRED$/,
    cause: 'tls_expired',
    says: 'The certificate of the WHOM has expired',
    hint: 'Renew it there. If it has not expired, the clock of this host is wrong.',
  },
  {
    codes: /^CERT_NOT_YET_VALID$/,
    cause: 'tls_not_yet_valid',
    says: 'The certificate of the WHOM is not valid yet',
    hint: 'The clock of this host is probably behind; else the certificate was made with a clock that is ahead.',
  },
  {
    codes:
      /SELF_SIGNED|UNABLE_TO_|CERT_UNTRUSTED|INVALID_CA|CERT_CHAIN|CERT_SIGNATURE|CERT_REJECTED|INVALID_PURPOSE|CERT_REVOKED/,
    cause: 'tls_unknown_ca',
    says: 'The certificate of the WHOM is not signed by an authority that is trusted here',
    hint: 'Give the authority that signed it as tls.ca; if tls.ca stands there, it is another one, or a proxy opens TLS in between.',
  },
  {
    codes: /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW/,
    cause: 'tls_version',
    says: 'The WHOM speaks no version of TLS that is allowed here',
    hint: 'Update it there, or lower tls.min_version (1.2 is the least).',
  },
  {
    codes: /^ERR_SSL|^ERR_TLS|^EPROTO$|^ERR_OSSL|CERT|CRL/,
    cause: 'tls',
    says: 'TLS with the WHOM fails',
    hint: 'Does https: really listen at this port? Look at tls in the configuration, and at the other side’s log.',
  },
];

/** Errors of a unix socket have its path as address. */
function ofSocketPath({ code, address }: { code?: string; address?: string }, text: string, whom: string) {
  if (!address?.startsWith('/') || code === 'ETIMEDOUT') return undefined;
  const hint = 'Look at unix_socket: does it exist, does somebody listen there, may the agent’s user write to it?';
  return passes('socket_unusable', `The unix socket of the ${whom} cannot be used (${code}): ${text}`, hint);
}

function ofNetwork(code: string, text: string, whom: string): Failure {
  switch (code) {
    case 'PROGRESS_TIMEOUT':
      return {
        ...passes(
          'timeout',
          `The ${whom} did not answer in time. ${text}`,
          'Look whether it hangs, or something in between swallows packets.',
          'timeout',
        ),
        smaller: true,
      };
    case 'ETIMEDOUT':
      return passes(
        'connect_timeout',
        `No connection to the ${whom} in time (${code}): ${text}`,
        'A firewall may swallow packets, or the host is down.',
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
    case 'EAI_NODATA':
    case 'EAI_NONAME':
      return passes(
        'name_not_found',
        `The name of the ${whom} cannot be looked up (${code}): ${text}`,
        'Look at the host in url, and at DNS on this host (/etc/resolv.conf).',
      );
    case 'ECONNREFUSED':
      return passes(
        'connection_refused',
        `The ${whom} refuses connections (${code}): ${text}`,
        'Nothing listens there: look whether it runs, and at host and port of url.',
      );
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
      return passes(
        'connection_reset',
        `The ${whom} broke off the connection (${code}): ${text}`,
        'It restarted, or something in between cuts connections off; it is tried again by itself.',
      );
    default:
      if (code.startsWith('HPE_'))
        return passes(
          'not_http',
          `What the ${whom} answers is not HTTP (${code}): ${text}`,
          'Does it speak https: at this port, or another protocol?',
        );
      return passes(
        'unreachable',
        `The ${whom} cannot be reached (${code}): ${text}`,
        'Look at the network and the routes of this host.',
      );
  }
}

function passes(
  cause: string,
  message: string,
  hint: string,
  outcome = 'network',
): Extract<Failure, { kind: 'later' }> {
  return { kind: 'later', outcome, trouble: { cause, message, hint }, retryAfter: undefined, smaller: false };
}

function lasting(cause: string, message: string, hint: string, outcome = cause): Extract<Failure, { kind: 'trouble' }> {
  return { kind: 'trouble', outcome, trouble: { cause, message, hint } };
}

/** What a person is told of an error that was thrown here: one with a code comes from the operating system. */
export function surprise(error: unknown): Trouble {
  const text = error instanceof Error ? error.message : String(error);
  if (typeof (error as NodeJS.ErrnoException).code === 'string')
    return {
      cause: 'spool_unreadable',
      message: `The spool cannot be read: ${text}`,
      hint: 'Look at the disk and the kernel log; it is tried again, and nothing is given up by it.',
    };
  const hint = 'This is a bug of tailspool; nothing is lost by it, and it is tried again.';
  return { cause: 'internal', message: `Something failed inside that should not: ${text}`, hint };
}

/** A destination as it may be shown: what stands behind `?` or before `@` may be secret. */
export function withoutQuery(url: string): string {
  return url.split(/[?#]/, 1)[0]!.replace(/\/\/[^@/]*@/, '//');
}
