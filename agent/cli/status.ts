/**
 * `tailspool status`: what the running agent says of itself, through `data_dir/admin.sock`; from disk when nothing runs.
 * Changes nothing.
 */
import { redHeader } from '../admin/routes.ts';
import type { Host } from '../ports.ts';
import { diskText, lookAtDisk } from '../status/disk.ts';
import { askAdmin } from './ask-admin.ts';
import { type Command, exitCodes, type StatusOptions } from './commands.ts';

const answerMsMax = 5_000;

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

async function askAgent({ dataDir, json }: StatusOptions, host: Host): Promise<Answer | { readonly kind: 'nobody' }> {
  const asked = await askAdmin(dataDir, host, {
    method: 'GET',
    target: `/status.${json ? 'json' : 'txt'}`,
    answerMsMax,
  });
  if (asked.kind !== 'answered') return asked;
  const { status, text, headers } = asked;
  if (status !== 200) return { kind: 'failed', message: `the agent in ${dataDir} answered ${status}: ${text}` };
  return { kind: 'answered', text, red: headers[redHeader] === 'yes' };
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
