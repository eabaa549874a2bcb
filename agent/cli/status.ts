/**
 * `tailspool status`: what the running agent says of itself, through `data_dir/admin.sock`; from disk when nothing runs.
 * Changes nothing.
 */
import { adminSocketPath } from '../admin/admin.ts';
import { redHeader } from '../admin/routes.ts';
import type { Host } from '../ports.ts';

export interface StatusOptions {
  /** Absolute. */
  readonly dataDir: string;
  readonly json: boolean;
}

/** What a command has for the terminal, and its exit code. */
export interface CommandEnd {
  readonly out: string;
  readonly err: string;
  readonly code: 0 | 1;
}

const answerMsMax = 5_000;
const answerBytesMax = 64 * 1024 * 1024;

/** Code 1 when the agent is red, hangs, or cannot be asked. */
export async function statusCommand(
  options: StatusOptions,
  host: Pick<Host, 'transports' | 'files'>,
): Promise<CommandEnd> {
  const asked = await askAgent(options, host);
  switch (asked.kind) {
    case 'answered':
      return { out: asked.text, err: '', code: asked.red ? 1 : 0 };
    case 'nobody':
      return fromDisk(options, host);
    case 'failed':
      return { out: '', err: asked.message, code: 1 };
    default:
      throw new Error(`unknown: ${JSON.stringify(asked satisfies never)}`);
  }
}

type Asked =
  | { readonly kind: 'answered'; readonly text: string; readonly red: boolean }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'failed'; readonly message: string };

async function askAgent({ dataDir, json }: StatusOptions, { transports }: Pick<Host, 'transports'>): Promise<Asked> {
  const socketPath = adminSocketPath(dataDir);
  await using stack = new AsyncDisposableStack();
  try {
    const transport = transports.open({ url: 'http://admin', socketPath, connectTimeoutMs: answerMsMax });
    stack.defer(() => transport.close());
    const answer = await transport.send({
      method: 'GET',
      url: `http://admin/status.${json ? 'json' : 'txt'}`,
      headers: {},
      progressTimeoutMs: answerMsMax,
      answerBytesMax,
      signal: new AbortController().signal,
    });
    const text = new TextDecoder().decode(answer.body);
    if (answer.status !== 200) return { kind: 'failed', message: `${socketPath} answered ${answer.status}: ${text}` };
    return { kind: 'answered', text, red: answer.headers[redHeader] === 'yes' };
  } catch (error) {
    return failure(error as NodeJS.ErrnoException, socketPath);
  }
}

function failure(error: NodeJS.ErrnoException, socketPath: string): Asked {
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ECONNREFUSED':
      return { kind: 'nobody' };
    case 'EACCES':
    case 'EPERM':
      return { kind: 'failed', message: `${socketPath} belongs to another user: ask as that user or as root.\n` };
    case 'PROGRESS_TIMEOUT':
      return {
        kind: 'failed',
        message: `The agent at ${socketPath} runs but does not answer within ${answerMsMax / 1000} s: it hangs, or its host is overloaded.\n`,
      };
    default:
      return { kind: 'failed', message: `Asking ${socketPath} failed: ${error.message}\n` };
  }
}

/** What the disk tells while nothing runs. */
function fromDisk({ dataDir, json }: StatusOptions, { files }: Pick<Host, 'files'>): CommandEnd {
  try {
    files.stat(dataDir);
  } catch (error) {
    return {
      out: '',
      err: `There is no data_dir at ${dataDir} (${(error as NodeJS.ErrnoException).code}).\n`,
      code: 1,
    };
  }
  const out = json
    ? `${JSON.stringify({ running: false, dataDir })}\n`
    : `tailspool: not running. Data in ${dataDir}.\n`;
  return { out, err: '', code: 0 };
}
