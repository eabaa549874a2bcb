/** Asks the running agent of a data_dir something, through its socket. */
import { adminSocketPath } from '../admin/admin.ts';
import type { Host } from '../ports.ts';

export interface Question {
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly target: string;
  readonly answerMsMax: number;
}

export type Asked =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly text: string;
      readonly headers: Readonly<Record<string, string | undefined>>;
    }
  /** No agent runs there. */
  | { readonly kind: 'nobody' }
  /** For people. */
  | { readonly kind: 'failed'; readonly message: string };

const answerBytesMax = 64 * 1024 * 1024;

export async function askAdmin(
  dataDir: string,
  { transports }: Pick<Host, 'transports'>,
  { method, target, answerMsMax }: Question,
): Promise<Asked> {
  const socketPath = adminSocketPath(dataDir);
  await using stack = new AsyncDisposableStack();
  try {
    const transport = transports.open({ url: 'http://admin', socketPath, connectTimeoutMs: answerMsMax });
    stack.defer(() => transport.close());
    const { status, headers, body } = await transport.send({
      method,
      url: `http://admin${target}`,
      headers: {},
      progressTimeoutMs: answerMsMax,
      answerBytesMax,
      signal: new AbortController().signal,
    });
    return { kind: 'answered', status, headers, text: new TextDecoder().decode(body) };
  } catch (error) {
    return failure(error as NodeJS.ErrnoException, socketPath, answerMsMax);
  }
}

function failure(error: NodeJS.ErrnoException, socketPath: string, answerMsMax: number): Asked {
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ECONNREFUSED':
      return { kind: 'nobody' };
    case 'EACCES':
    case 'EPERM':
      return { kind: 'failed', message: `${socketPath} belongs to another user: ask as that user or as root.` };
    case 'PROGRESS_TIMEOUT':
      return {
        kind: 'failed',
        message: `The agent at ${socketPath} runs but does not answer within ${answerMsMax / 1000} s: it hangs, or its host is overloaded.`,
      };
    default:
      return { kind: 'failed', message: `Asking ${socketPath} failed: ${error.message}` };
  }
}
