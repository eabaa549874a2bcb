/**
 * OAuth 2.0 client credentials (RFC 6749 section 4.4): draws a token, shows it as a bearer token, draws another before it expires and
 * once after it was refused. Tokens live in memory only, and nothing of what the token endpoint sent appears in an error but its `error` code.
 * A library was not taken: those there are go through `fetch`, which costs 10 MiB.
 */
import type { Clock, MonotonicMs } from '../../../spool/ports.ts';
import type { Authorization, Transport, TransportAnswer } from '../../ports.ts';

export interface OAuth2Options {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly scope: string | undefined;
  readonly audience: string | undefined;
  readonly sendSecret: 'header' | 'body';
}

export interface OAuth2World {
  readonly transport: Transport;
  readonly clock: Clock;
  /** The secret at this moment. Throws where it cannot be read, without the secret in the error. */
  readonly secret: () => string;
}

interface Token {
  readonly value: string;
  readonly drawnAt: MonotonicMs;
  readonly renewAt: MonotonicMs;
  readonly expiresAt: MonotonicMs;
  /** Drawn because the one before was refused. */
  readonly afterRefusal: boolean;
}

export const oauth2Limits = {
  /** A token is drawn anew so long before it expires, or a quarter of its life. */
  renewBeforeMsMax: 60_000,
  /** While the old token is good yet and no new one is given. */
  drawAgainMs: 10_000,
  /** A token that is refused so soon after another is no better: not drawn anew at once. */
  refusedAgainMs: 60_000,
  answerBytesMax: 64 * 1024,
  progressTimeoutMs: 15_000,
  lifeMsMax: 365 * 86_400_000,
} as const;

export class OAuth2Tokens implements Authorization {
  readonly #options: OAuth2Options;
  readonly #world: OAuth2World;
  #token: Token | undefined;
  #refused = false;
  #notBefore: MonotonicMs = 0;
  #drawing: Promise<Token> | undefined;

  constructor(options: OAuth2Options, world: OAuth2World) {
    this.#options = options;
    this.#world = world;
  }

  async header(signal: AbortSignal): Promise<string> {
    const now = this.#world.clock.monotonic();
    const held = this.#token;
    if (held && (now < held.renewAt || (now < held.expiresAt && now < this.#notBefore))) return bearer(held);
    try {
      this.#drawing ??= this.#draw(signal).finally(() => {
        this.#drawing = undefined;
      });
      return bearer(await this.#drawing);
    } catch (error) {
      this.#notBefore = now + oauth2Limits.drawAgainMs;
      if (held && now < held.expiresAt) return bearer(held);
      throw error;
    }
  }

  refused(): boolean {
    const held = this.#token;
    const again = held?.afterRefusal && this.#world.clock.monotonic() - held.drawnAt < oauth2Limits.refusedAgainMs;
    this.#token = undefined;
    this.#refused = true;
    return held !== undefined && !again;
  }

  close(): Promise<void> {
    return this.#world.transport.close();
  }

  async #draw(signal: AbortSignal): Promise<Token> {
    const { transport, clock } = this.#world;
    const { answerBytesMax, progressTimeoutMs } = oauth2Limits;
    const url = this.#options.tokenUrl;
    const request = { method: 'POST', url, ...this.#form(), progressTimeoutMs, answerBytesMax, signal };
    let got: TransportAnswer;
    try {
      got = await transport.send(request);
    } catch (error) {
      throw Object.assign(error as Error, { from: 'token endpoint' });
    }
    const drawnAt = clock.monotonic();
    const { value, lifeMs } = readToken(got);
    const early = Math.min(oauth2Limits.renewBeforeMsMax, lifeMs / 4);
    const afterRefusal = this.#refused;
    this.#refused = false;
    const token = { value, drawnAt, renewAt: drawnAt + lifeMs - early, expiresAt: drawnAt + lifeMs, afterRefusal };
    this.#token = token;
    return token;
  }

  #form(): { headers: Record<string, string>; body: Uint8Array } {
    const { clientId, scope, audience, sendSecret } = this.#options;
    const secret = this.#world.secret();
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    if (scope !== undefined) form.set('scope', scope);
    if (audience !== undefined) form.set('audience', audience);
    const headers: Record<string, string> = {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    };
    if (sendSecret === 'body') {
      form.set('client_id', clientId);
      form.set('client_secret', secret);
    } else {
      // RFC 6749 section 2.3.1: both are form-encoded before they are joined
      headers.authorization = `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(secret)}`).toString('base64')}`;
    }
    return { headers, body: Buffer.from(form.toString()) };
  }
}

function bearer(token: Token): string {
  return `Bearer ${token.value}`;
}

/** RFC 6749 sections 5.1 and 5.2. */
function readToken(got: TransportAnswer): { value: string; lifeMs: number } {
  const said = parse(got.body);
  if (got.status !== 200) {
    const code =
      typeof said.error === 'string' && /^[\x20-\x7e]{1,100}$/.test(said.error) ? said.error : 'no reason given';
    throw refusal(code, got.status);
  }
  const { access_token: value, token_type: type, expires_in: life } = said;
  if (typeof value !== 'string' || !/^[\x21-\x7e]{1,16384}$/.test(value))
    throw refusal('its answer holds no token that can be shown', got.status);
  if (typeof type === 'string' && type.toLowerCase() !== 'bearer')
    throw refusal('the token is not of type bearer', got.status);
  const seconds = Number(life ?? Number.NaN);
  const lifeMs = seconds > 0 ? Math.min(seconds * 1000, oauth2Limits.lifeMsMax) : oauth2Limits.lifeMsMax;
  return { value, lifeMs };
}

function parse(body: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function refusal(message: string, status: number): Error {
  return Object.assign(new Error(message), { code: 'TOKEN_REFUSED', status });
}

function formEncoded(text: string): string {
  return new URLSearchParams({ a: text }).toString().slice(2);
}
