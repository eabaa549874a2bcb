/** Counts the syncs of a process and its threads with strace. It slows the process down: for runs in which nothing else counts. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

export function straceMissing(): boolean {
  return spawnSync('strace', ['-V']).status !== 0;
}

/** From now until the process ends; the promise that it gives is for then. */
export async function countSyncs(pid: number): Promise<() => Promise<number>> {
  const summary = await traceCalls(pid, ['-e', 'trace=fsync,fdatasync,sync_file_range,syncfs,msync']);
  return async () => callsIn(await summary());
}

/** The same for all calls: strace's summary with the columns name and calls; '' where it is not installed. */
export async function traceCalls(pid: number, options: readonly string[] = []): Promise<() => Promise<string>> {
  if (straceMissing()) return async () => '';
  const strace = spawn('strace', ['-f', '-c', '-U', 'name,calls', ...options, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  strace.stderr.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const ended = once(strace, 'close');
  while (!said.includes('attached') && strace.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
  return async () => {
    await ended;
    return said;
  };
}

/** Of strace's summary with the columns name and calls. */
export function callsIn(summary: string): number {
  const calls = [...summary.matchAll(/^\s*(?:fsync|fdatasync|sync_file_range|syncfs|msync)\s+(\d+)\s*$/gm)];
  return calls.reduce((sum, [, count]) => sum + Number(count), 0);
}
