/**
 * What the work costs at least: compressing to a file, compressing and sending from a shell, and the codec alone in memory. They
 * promise nothing: no cursor, no sync, nothing after a crash.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Measured } from '../figures.ts';
import { cpuFigures, timePipeline } from '../measure.ts';
import { mib } from '../numbers.ts';
import { openSink } from '../sink.ts';
import type { Made } from '../texts/text.ts';

export const pipeline = 'cat log | zstd -1 | curl -T -';

export async function zstdToFile(folder: string, log: Made): Promise<Measured> {
  const compressed = join(folder, 'log.zst');
  const timed = await timePipeline(`zstd -q -f -1 -T1 < ${log.path} > ${compressed}`);
  const diskMib = fs.statSync(compressed).size / mib;
  fs.rmSync(compressed);
  const speed = { megabytesPerSecond: log.bytes / 1e6 / timed.seconds };
  return { way: 'zstd -1 -T1 < log > file', figures: { ...speed, ...cpuFigures(timed.cpuSeconds, log), diskMib } };
}

export async function zstdToCurl(log: Made): Promise<Measured> {
  await using sink = await openSink();
  const timed = await timePipeline(`cat ${log.path} | zstd -q -1 | curl -sS -T - http://127.0.0.1:${sink.port}/`);
  const speed = { megabytesPerSecond: log.bytes / 1e6 / timed.seconds };
  const wireMib = sink.bytes() / mib;
  return { way: pipeline, figures: { ...speed, ...cpuFigures(timed.cpuSeconds, log), wireMib } };
}

/** In a process of its own, so that its CPU is its own. */
export async function codecAlone(log: Made): Promise<Measured> {
  const script = fileURLToPath(new URL('./codec-alone.ts', import.meta.url));
  const child = spawn(process.execPath, ['--no-warnings', script, log.path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${script} failed (exit ${code})`);
  const { name, seconds, cpuSeconds, frameBytes } = JSON.parse(said);
  const figures = { ...cpuFigures(cpuSeconds, log), diskMib: frameBytes / mib };
  return {
    way: `${name} in memory, 256 KiB frames`,
    figures: { megabytesPerSecond: log.bytes / 1e6 / seconds, ...figures },
  };
}
