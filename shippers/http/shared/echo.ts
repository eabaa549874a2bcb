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
    .map(([, value]) => value.replace(/^(bearer|basic)\s+/i, ''))
    .filter((value) => value.length >= credentialCharsMin);
  const text = Buffer.from(answer.body).toString('latin1');
  if (!credentials.some((each) => text.includes(each))) return answer;
  const clean = credentials.reduce((rest, each) => rest.replaceAll(each, '***'), text);
  return { ...answer, body: Buffer.from(clean, 'latin1') };
}
