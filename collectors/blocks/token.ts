/** Compares a bearer token in a time that tells nothing about it. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** `authorization`: the header as it came. `tokens`: those that are good; none means that nobody gets in. */
export function isAuthorized(authorization: string | undefined, tokens: readonly string[]): boolean {
  const given = /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1];
  const shown = digest(given ?? '');
  let good = false;
  for (const token of tokens) good = timingSafeEqual(shown, digest(token)) || good;
  return good && given !== undefined;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
