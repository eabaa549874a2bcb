/**
 * `tailspool status`: what the running agent says of itself, through `data_dir/admin.sock`; from disk when nothing runs.
 * Changes nothing.
 */
import { adminSocketPath } from '../admin/admin.ts';
import { redHeader } from '../admin/routes.ts';
import type { Host } from '../ports.ts';
import { diskText, lookAtDisk } from '../status/disk.ts';
import { type Command, exitCodes, type StatusOptions } from './commands.ts';

const answerMsMax = 5_000;
const answerBytesMax = 64 * 1024 * 1024;

/** Ends with 1 when the agent is red, hangs, or cannot be asked. */
export const statusCommand: Command<StatusOptions> = async (options, context) => {
  const host = await context.openHost({ write() {} });
  const asked = await askAgent(options, host);
  const answer = asked.kind === 'nobody' ? askDisk(options, host) : asked;
  if (answer.kind === 'failed') {
    context.err(`tailspool: ${answer.message}\n`);
    return exitCodes.runtime;
  }
  await context.out(answer.text);
  return answer.red ? exitCodes.runtime : exitCodes.ok;
};

type Answer =
  | { readonly kind: 'answered'; readonly text: string; readonly red: boolean }
  | { readonly kind: 'failed'; readonly message: string };

async function askAgent(
  { dataDir, json }: StatusOptions,
  { transports }: Host,
): Promise<Answer | { readonly kind: 'nobody' }> {
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

function failure(error: NodeJS.ErrnoException, socketPath: string): Answer | { readonly kind: 'nobody' } {
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

/** What the disk tells while nothing runs. */
function askDisk({ dataDir, json }: StatusOptions, { files, clock }: Host): Answer {
  try {
    files.stat(dataDir);
    const status = lookAtDisk(files, dataDir, clock.now());
    const text = json ? JSON.stringify(status) : diskText(status).toWellFormed();
    return { kind: 'answered', text: `${text}\n`, red: status.red };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { kind: 'failed', message: `there is no data_dir at ${dataDir} (${code}).` };
    return { kind: 'failed', message: `${dataDir} cannot be looked at: ${message}` };
  }
}
