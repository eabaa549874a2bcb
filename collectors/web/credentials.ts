/** Who may bring something: bearer tokens (RFC 6750) and user with password (RFC 7617), compared in a time that tells nothing. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isAuthorized } from '../blocks/token.ts';

/** Read at each request, so that a new secret needs no restart. They throw where their file cannot be read. */
export interface Credentials {
  readonly tokens?: (() => readonly string[]) | undefined;
  /** Those that are good, as `user:password`. */
  readonly logins?: (() => readonly string[]) | undefined;
}

/** What is to be shown, for `www-authenticate`; undefined where nobody is asked. */
export function challenge({ tokens, logins }: Credentials): string | undefined {
  const ways = [...(tokens ? ['Bearer realm="tailspool"'] : []), ...(logins ? ['Basic realm="tailspool"'] : [])];
  return ways.length === 0 ? undefined : ways.join(', ');
}

/** `authorization`: the header as it came. True where nobody is asked. */
export function isWelcome(authorization: string | undefined, { tokens, logins }: Credentials): boolean {
  if (!tokens && !logins) return true;
  const byToken = tokens !== undefined && isAuthorized(authorization, tokens());
  const byLogin = logins !== undefined && isLogin(authorization, logins());
  return byToken || byLogin;
}

function isLogin(authorization: string | undefined, logins: readonly string[]): boolean {
  const given = /^Basic +([A-Za-z0-9+/]+=*) *$/i.exec(authorization ?? '')?.[1];
  const shown = digest(Buffer.from(given ?? '', 'base64'));
  let good = false;
  for (const login of logins) good = timingSafeEqual(shown, digest(Buffer.from(login))) || good;
  return good && given !== undefined;
}

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
