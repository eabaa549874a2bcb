/** The keys that say where an HTTP shipper sends and how it gets there: addresses, TLS, authentication, proxy. Both protocols have them. */
import * as z from 'zod';
import { duration, flag, path, text, url } from './fields.ts';

const tlsSchema = z.strictObject({
  ca: path().optional().meta({
    description:
      'The authorities that may have signed the certificate of the other side, PEM. Given: these alone are trusted.',
    fallback: 'the authorities that Node brings',
  }),
  cert: path().optional().meta({ description: 'Our own certificate chain, PEM. Needs `key`.', fallback: 'none' }),
  key: path().optional().meta({ description: 'Its private key, PEM.', fallback: 'none' }),
  server_name: text(253).optional().meta({
    description: 'The name that is asked for (SNI) and that the certificate has to bear.',
    fallback: "the URL's host",
  }),
  min_version: z.enum(['1.2', '1.3']).prefault('1.2').describe('The oldest version of TLS that is spoken.'),
});

const basicSchema = z.strictObject({
  user: text(256).describe('User name.'),
  password_file: path().describe('A file with the password. Read again when it changes.'),
});

const oauth2Schema = z.strictObject({
  token_url: url().meta({
    description: 'Where tokens are given out.',
    example: '"https://login.example.com/oauth2/token"',
  }),
  client_id: text(1024).describe('Who we are there.'),
  client_secret_file: path().describe('A file with the secret. Read again when it changes.'),
  scope: text()
    .optional()
    .meta({ description: 'The scopes to ask for, separated by spaces.', fallback: 'none are named' }),
  audience: text().optional().meta({ description: 'The audience to ask for.', fallback: 'none is named' }),
  send_secret: z
    .enum(['header', 'body'])
    .prefault('header')
    .describe('How id and secret are shown: as basic authentication, or as fields of the request.'),
  tls: tlsSchema.optional().meta({
    description: 'For an https: token_url. The files are read again when they change.',
    fallback: 'the authorities that Node brings, no certificate of our own',
  }),
});

const authSchema = z.strictObject({
  bearer_file: path().optional().meta({
    description: 'A file with the token to show. Read again when it changes.',
    fallback: 'no token',
  }),
  basic: basicSchema.optional().meta({ description: 'HTTP basic authentication.', fallback: 'none' }),
  oauth2: oauth2Schema.optional().meta({
    description:
      'OAuth 2.0 client credentials: a token is drawn, shown as a bearer token, and drawn anew before it expires and once after a 401.',
    fallback: 'none',
  }),
});

const proxySchema = z.strictObject({
  url: url().optional().meta({
    description:
      'The proxy, http: or https:. An https: URL goes through it with CONNECT and stays encrypted end to end.',
    fallback: 'what the environment says',
    example: '"http://proxy:3128"',
  }),
  basic: basicSchema.optional().meta({ description: 'How to authenticate at the proxy.', fallback: 'not at all' }),
  ca: path().optional().meta({
    description: 'The authorities that may have signed the certificate of an https: proxy, PEM.',
    fallback: 'the authorities that Node brings',
  }),
  no_proxy: z.array(text(256)).prefault([]).meta({
    description:
      'Hosts that are reached directly: names, which stand for the names below them too, addresses, networks (`10.0.0.0/8`), each with a port perhaps, or `*`.',
    example: '[.internal, 10.0.0.0/8]',
  }),
  environment: flag()
    .prefault('true')
    .describe(
      'Without `url`: whether `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy` of the environment count, in small or capital letters. `HTTP_PROXY` does not (a CGI request could set it). Loopback is always reached directly then.',
    ),
});

export const destinationKeys = {
  url: url().meta({ description: 'Where to send.', example: '"https://aggregator:8600/v1/blocks"' }),
  failover: z.array(url()).max(8).prefault([]).meta({
    description:
      'Further addresses of the same destination, used in turn while `url` fails. `native`: what answers there has to be the same receiver, anything else is refused. `plain`: they are taken to be the same because they stand here.',
    example: '["https://aggregator-b:8600/v1/blocks"]',
  }),
  unix_socket: path().optional().meta({
    description: "Connects to this unix socket; the URL's host then stands in the request only.",
    fallback: "the URL's host is connected to",
    example: '/run/collector.sock',
  }),
  tls: tlsSchema.optional().meta({
    description: 'For https: URLs. The files are read again when they change; verification cannot be turned off.',
    fallback: 'the authorities that Node brings, no certificate of our own',
  }),
  auth: authSchema
    .optional()
    .meta({ description: 'How to authenticate: `bearer_file`, `basic` or `oauth2`.', fallback: 'not at all' }),
  proxy: proxySchema.prefault({}).describe('The proxy in between.'),
  connect_timeout: duration({ min: 100, max: 600_000 })
    .prefault('10s')
    .describe('For the connection to be made, proxy and TLS included.'),
} as const;
