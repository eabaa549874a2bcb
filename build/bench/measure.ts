/** What a process took, read from /proc while it runs; and what a shell pipeline took, all its processes together. */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import type { Figures } from './figures.ts';
import { gib, mib } from './numbers.ts';

export interface Usage {
  readonly cpuSeconds: number;
  /** The highest resident memory (VmHWM). */
  readonly peakBytes: number;
  /** The highest private memory (RssAnon) that was seen. */
  readonly privateBytes: number;
  /** What it made the kernel write to storage. */
  readonly diskBytes: number;
}

const clockTicksPerSecond = 100;
const sampleMs = 100;

/** Watches a running process; `take` has to be called before it ends. */
export class Watch {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #private = 0;
  #before = { cpuSeconds: 0, diskBytes: 0 };

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.#sample(), sampleMs);
  }

  /** From here on: the peaks and the sums begin anew. */
  restart(): void {
    // 5: the highest resident memory is set to what it is now.
    fs.writeFileSync(`/proc/${this.#pid}/clear_refs`, '5');
    this.#private = 0;
    this.#before = { cpuSeconds: cpuSecondsOf(this.#pid), diskBytes: diskBytesOf(this.#pid) };
  }

  /** What it took since the beginning, or since `restart`. */
  read(): Usage {
    this.#sample();
    return {
      cpuSeconds: cpuSecondsOf(this.#pid) - this.#before.cpuSeconds,
      peakBytes: statusBytes(this.#pid, 'VmHWM'),
      privateBytes: this.#private,
      diskBytes: diskBytesOf(this.#pid) - this.#before.diskBytes,
    };
  }

  take(): Usage {
    this.stop();
    return this.read();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    try {
      this.#private = Math.max(this.#private, statusBytes(this.#pid, 'RssAnon'));
    } catch {
      // It has ended; whoever takes the result hears of it.
      clearInterval(this.#timer);
    }
  }
}

/** The columns that a process's usage fills, for so much log. */
export function usageFigures(usage: Usage, work?: { readonly bytes: number; readonly lines: number }): Figures {
  return {
    ...(work === undefined ? {} : cpuFigures(usage.cpuSeconds, work)),
    peakMib: usage.peakBytes / mib,
    privateMib: usage.privateBytes / mib,
    diskMib: usage.diskBytes / mib,
  };
}

export function cpuFigures(cpuSeconds: number, { bytes, lines }: { bytes: number; lines: number }): Figures {
  return {
    cpuSecondsPerGib: (cpuSeconds * gib) / bytes,
    thousandRecordsPerCpuSecond: lines / cpuSeconds / 1000,
  };
}

/** User and system time of all its threads. */
function cpuSecondsOf(pid: number): number {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
  // utime and stime (fields 14 and 15), counted behind the command, which may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
}

function diskBytesOf(pid: number): number {
  const io = fs.readFileSync(`/proc/${pid}/io`, 'latin1');
  return Number(/^write_bytes: (\d+)$/m.exec(io)?.[1] ?? 0);
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
