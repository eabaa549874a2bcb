/** Times as events have them: RFC 3339 in UTC. Pure. */

/** Latest second that RFC 3339 can write: 9999-12-31T23:59:59Z. */
const secondsMax = 253_402_300_799;

/** `fraction`: digits of the second, at most nine. undefined for what RFC 3339 cannot write. */
export function rfc3339(seconds: number, fraction: string): string | undefined {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > secondsMax || fraction.length > 9) return undefined;
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return `${text}${fraction === '' ? '' : `.${fraction}`}Z`;
}

/** Seconds since 1970 with a fraction, which a double holds to about a microsecond. */
export function timestampOfSeconds(time: number): string | undefined {
  if (Number.isInteger(time)) return rfc3339(time, '');
  const microseconds = Math.round(time * 1e6);
  const whole = Math.floor(microseconds / 1e6);
  return rfc3339(whole, String(microseconds - whole * 1e6).padStart(6, '0'));
}
