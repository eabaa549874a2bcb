/**
 * How long after its start the executable takes SIGTERM over: sends it ever later to new processes and prints how many were ended
 * by the signal, and how many ended by themselves with exit 0. `npm run build && node build/measure-signals.ts`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const executable = join(import.meta.dirname, '../dist/tailspool');
const triesEach = 20;
const [stepMs, lastMs] = [5, 300];

const folder = fs.mkdtempSync(join(tmpdir(), 'tailspool-signals-'));
try {
  const configuration = join(folder, 'tailspool.yaml');
  fs.writeFileSync(
    configuration,
    `data_dir: ${folder}/data\ncollectors: { app: { type: file, include: [${folder}/*.log] } }\nshippers: { out: { type: mirror, path: ${folder}/out } }\n`,
  );
  for (let afterMs = 0; afterMs <= lastMs; afterMs += stepMs) {
    const ends: string[] = [];
    for (let tries = 0; tries < triesEach; tries++) ends.push(await endAfter(afterMs, configuration));
    const bySignal = ends.filter((end) => end === 'SIGTERM').length;
    const well = ends.filter((end) => end === '0').length;
    const others = triesEach - bySignal - well > 0 ? `, else: ${ends.find((end) => !/^(SIGTERM|0)$/.test(end))}` : '';
    console.log(
      `after ${String(afterMs).padStart(3)} ms: ${bySignal} ended by the signal, ${well} with exit 0${others}`,
    );
    if (bySignal === 0) break;
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}

async function endAfter(afterMs: number, configuration: string): Promise<string> {
  const child = spawn(executable, ['run', '--config', configuration], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await once(child, 'spawn');
  await pause(afterMs);
  child.kill('SIGTERM');
  const [code, signal] = (await ended) as [number | null, string | null];
  return String(code ?? signal);
}
