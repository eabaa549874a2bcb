// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configuration's own syntax is explained here.
/** The parts of the configuration reference that are not made from the schema. Every YAML block here is parsed by a test. */

const intro = `<!-- Made from agent/config/schema*.ts by \`node build/configuration-document.ts\` (Node 24); a test holds it to them. -->

# Configuration

The shortest one that ships: everything but a collector and a shipper has a default, and no default can lose data.

\`\`\`yaml
data_dir: /var/lib/tailspool
collectors:
  nginx:
    type: file
    include: [/var/log/nginx/*.log]
shippers:
  central:
    type: http
    protocol: native
    url: "http://aggregator:8600/v1/blocks"
\`\`\`

\`tailspool check --config FILE\` says everything that is wrong with it, each with file, line and column; nothing is started or
changed. \`tailspool run\` says the same and ends with exit code 2. What this host lacks for it is a warning: files and folders that cannot be read, programs
(\`journalctl\`) that cannot be found, the native part for datagrams, and ports below 1024 where the user who asks may not bind them.

# In an editor

\`tailspool schema\` prints the configuration's JSON Schema. Editors that speak YAML (with yaml-language-server: VS Code, Neovim, Emacs, Helix
and others) complete keys, show what they mean and mark mistakes while you type:

\`\`\`
tailspool schema > /etc/tailspool/schema.json
\`\`\`

and as the first line of the configuration:

\`\`\`
# yaml-language-server: $schema=/etc/tailspool/schema.json
\`\`\`

The schema knows every key; rules between keys and ranges are \`tailspool check\`'s.`;

const files = `# Files, values, variables

- \`--config\` takes a file or a folder, and may be repeated. Of a folder, its \`*.yaml\` and \`*.yml\` are read in the order of their
  names, without hidden ones and without folders below it. A file may have up to 1 MiB.
- The sections (\`collectors\`, \`shippers\`, \`spool\` …) of all files are merged. A name or key that is given twice is an error that
  names both places; no file overrides another.
- Names of collectors and shippers begin with a letter and hold up to 63 letters, digits, \`_\`, \`-\`, \`.\`.
- **Sizes** are whole numbers of bytes, or with a unit: \`KiB\`, \`MiB\`, \`GiB\`, \`TiB\` (1024) and \`KB\`, \`MB\`, \`GB\`, \`TB\` (1000), as in
  \`64KiB\`, \`10GiB\`, \`1MB\`.
- **Durations** are whole numbers with a unit: \`ms\`, \`s\`, \`m\`, \`h\`, \`d\`, as in \`100ms\`, \`5s\`, \`1h\`, \`3d\`. \`0\` needs none.
- **Variables**: \`\${NAME}\` in a value is replaced from the environment, \`\${NAME:-default}\` by the default where it is unset or
  empty. Unset without a default is an error. What a variable holds is taken as a value, it cannot become YAML. \`$$\` is a dollar
  sign. What came from a variable is never printed.
- YAML anchors and aliases work within a file; merge keys (\`<<\`) and tags do not.
- Secrets stand in files of their own, which the configuration names; they are read again when they change. A file that cannot be read is a
  warning, and then a red entry in \`tailspool status\` until it can.`;

const receive = `# \`tailspool receive\`

\`tailspool receive --listen 0.0.0.0:8600 --data-dir /var/lib/tailspool-receiver --out /srv/logs --token-file /etc/tailspool/token
--tls-cert /etc/tailspool/cert.pem --tls-key /etc/tailspool/key.pem\` is exactly \`tailspool run\` with this configuration:

\`\`\`yaml
data_dir: /var/lib/tailspool-receiver
collectors:
  edge:
    type: blocks
    listen: 0.0.0.0:8600
    token_file: /etc/tailspool/token
    tls: { cert: /etc/tailspool/cert.pem, key: /etc/tailspool/key.pem }
shippers:
  mirror:
    type: mirror
    path: /srv/logs
\`\`\`

\`--tls-client-ca FILE\` is \`tls.client_ca\`, \`--admin HOST:PORT\` is \`admin.listen\`, \`--insecure\` is \`insecure: true\`. Without \`--out\` there is no
shipper. Relative paths on the command line are relative to the current folder.`;

const examples = `# Examples

An agent with several collectors and two receivers, one of which may fall behind:

\`\`\`yaml
data_dir: /var/lib/tailspool
resource:
  deployment.environment.name: "\${ENVIRONMENT:-prod}"
collectors:
  nginx:
    type: file
    include: [/var/log/nginx/*.log]
    rotated: [/var/log/nginx/old/*]
    attributes: { service.name: nginx }
  system:
    type: file
    include: [/var/log/syslog, /var/log/auth.log]
    start_at: end
spool: { max_size: 10GiB, sync_interval: 100ms, retain_acked: 256MiB }
shippers:
  central:
    type: http
    protocol: native
    url: "https://aggregator:8600/v1/blocks"
    tls: { ca: /etc/tailspool/ca.pem, cert: /etc/tailspool/agent.pem, key: /etc/tailspool/agent.key }
    auth: { bearer_file: /etc/tailspool/token }
  archive:
    type: http
    protocol: native
    url: "https://archive:8600/v1/blocks"
    auth: { basic: { user: edge, password_file: /etc/tailspool/archive-password } }
    rate_limit: 5MiB/s
    when_full: drop_oldest
admin: { listen: "127.0.0.1:8601" }
\`\`\`

To endpoints of others: one that takes NDJSON and honours \`Idempotency-Key\`, and one that wants lines and a key of its own
([the plain protocol](plain-protocol.md)):

\`\`\`yaml
data_dir: /var/lib/tailspool
collectors: { logs: { type: file, include: [/var/log/*.log] } }
shippers:
  store:
    type: http
    protocol: plain
    url: "https://logs.example.com/insert/jsonline?_time_field=observedTimestamp&_msg_field=body"
    headers: { x-scope-orgid: tenant-7 }
    outstanding: 4
  lines:
    type: http
    protocol: plain
    url: "https://intake.example.com/v1/raw"
    method: PUT
    encoding: text
    compression: gzip
    header_files: { x-api-key: /etc/tailspool/api-key }
\`\`\`

Through a proxy, with OAuth 2.0, TLS 1.3 and a second address, secrets as systemd's \`LoadCredential=\` gives them; and to a collector on the same host
([operations](operations.md)):

\`\`\`yaml
data_dir: /var/lib/tailspool
collectors: { logs: { type: file, include: [/var/log/*.log] } }
shippers:
  cloud:
    type: http
    protocol: plain
    url: "https://logs.example.com/in"
    failover: ["https://logs-b.example.com/in"]
    tls: { ca: /etc/tailspool/ca.pem, min_version: 1.3 }
    auth:
      oauth2:
        token_url: "https://login.example.com/oauth2/token"
        client_id: edge
        client_secret_file: "\${CREDENTIALS_DIRECTORY:-/etc/tailspool}/oauth2-secret"
        scope: logs.write
    proxy:
      url: "http://proxy.example.com:3128"
      basic: { user: edge, password_file: "\${CREDENTIALS_DIRECTORY:-/etc/tailspool}/proxy-password" }
      no_proxy: [.internal, 10.0.0.0/8]
  local:
    type: http
    protocol: plain
    url: "http://localhost/v1/logs"
    unix_socket: /run/collector.sock
\`\`\`

A relay: receives on a trusted network, and passes on:

\`\`\`yaml
data_dir: /var/lib/tailspool
collectors:
  edge: { type: blocks, listen: "10.0.0.5:8600", insecure: true }
shippers:
  centre: { type: http, protocol: native, url: "http://10.1.0.1:8600/v1/blocks" }
log: { level: warn, format: json }
\`\`\``;

export const documentTexts = { intro, files, receive, examples } as const;
