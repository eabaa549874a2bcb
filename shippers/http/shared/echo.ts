/**
 * Some endpoints answer an error with the request's own headers. What they say is shown to people and stands beside dead letters, so
 * credentials that come back are taken out first.
 */
import type { TransportAnswer } from '../../ports.ts';

/** Headers that say what is sent, and are no secret. */
const harmless = /^(content-|accept|idempotency-key$|tailspool-)/;
const credentialCharsMin = 6;

/** The answer with `***` wherever a credential of the request stands in its body. */
export function withoutEchoes(answer: TransportAnswer, headers: Readonly<Record<string, string>>): TransportAnswer {
  const credentials = Object.entries(headers)
    .filter(([name]) => !harmless.test(name.toLowerCase()))
    .flatMap(([, value]) => formsOf(value))
    .filter((value) => value.length >= credentialCharsMin);
  const text = Buffer.from(answer.body).toString('latin1');
  if (!credentials.some((each) => text.includes(each))) return answer;
  const clean = credentials.reduce((rest, each) => rest.replaceAll(each, '***'), text);
  return { ...answer, body: Buffer.from(clean, 'latin1') };
}

/** A header's credential as it was sent; of `Basic` (RFC 7617) also user and password as they were before they were encoded, and the password. */
function formsOf(value: string): string[] {
  const credential = value.replace(/^(bearer|basic)\s+/i, '');
  if (!/^basic\s/i.test(value)) return [credential];
  // As the bytes of the body are looked at: one character each.
  const pair = Buffer.from(credential, 'base64').toString('latin1');
  return [credential, pair, pair.slice(pair.indexOf(':') + 1)];
}
