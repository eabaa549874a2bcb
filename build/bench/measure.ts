/** What a process took, read from /proc while it runs; and what a shell pipeline took, all its processes together. */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';

export interface Usage {
  readonly cpuSeconds: number;
  /** The highest resident memory (VmHWM). */
  readonly peakBytes: number;
  /** The highest private memory (RssAnon) that was seen. */
  readonly privateBytes: number;
}

const clockTicksPerSecond = 100;
const sampleMs = 100;

/** Watches a running process; `take` has to be called before it ends. */
export class Watch {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #private = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.#sample(), sampleMs);
  }

  take(): Usage {
    clearInterval(this.#timer);
    this.#sample();
    const stat = fs.readFileSync(`/proc/${this.#pid}/stat`, 'latin1');
    // utime and stime (fields 14 and 15), counted behind the command, which may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
    return { cpuSeconds, peakBytes: statusBytes(this.#pid, 'VmHWM'), privateBytes: this.#private };
  }

  #sample(): void {
    this.#private = Math.max(this.#private, statusBytes(this.#pid, 'RssAnon'));
  }
}

function statusBytes(pid: number, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'));
  return Number(found?.[1] ?? 0) * 1024;
}

export interface Timed {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Runs a pipeline in bash; throws with its output where any part of it fails. */
export async function timePipeline(command: string): Promise<Timed> {
  const script = `set -o pipefail; TIMEFORMAT='timed %R %U %S'; time { ${command}; }`;
  const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const found = /timed ([\d.]+) ([\d.]+) ([\d.]+)/.exec(said);
  if (code !== 0 || found === null) throw new Error(`${command} failed (exit ${code}):\n${said}`);
  return { seconds: Number(found[1]), cpuSeconds: Number(found[2]) + Number(found[3]) };
}
