/** What the measurements of the least that has to be done (`measure-floor*.ts`) have in common. */
import { spawn } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';

/** Runs a script in a process of its own and gives what it printed, without white space around it. */
export async function printedBy(
  script: string,
  args: readonly string[],
  flags: readonly string[] = [],
): Promise<string> {
  const child = spawn(process.execPath, ['--no-warnings', ...flags, script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  await new Promise((resolve) => child.on('close', resolve));
  return printed.trim();
}

/** Percent of a core that this process takes over `measuredMs`, once `settleMs` have passed. */
export async function shareOfCore(settleMs: number, measuredMs: number): Promise<number> {
  await setTimeout(settleMs);
  const before = process.cpuUsage();
  await setTimeout(measuredMs);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / 1000 / measuredMs) * 100;
}
