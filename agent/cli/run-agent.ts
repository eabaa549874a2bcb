/**
 * Runs one agent until a signal says stop. Ends within 5 s of it whatever the world does; what had no time to end in good
 * order is what a crash would leave, which loses nothing.
 */
import { type Agent, startAgent } from '../agent.ts';
import { type ConfigurationProblem, formatPlace } from '../config/problems.ts';
import type { Configuration } from '../config/types.ts';
import { hostClock } from '../host/clock.ts';
import { hostHeap } from '../host/heap.ts';
import { openLineWriter } from '../host/line-writer.ts';
import { openSupervisor } from '../host/supervisor.ts';
import { versionLine } from '../host/version.ts';
import { openLog } from '../log.ts';
import { QuietHeap } from '../quiet.ts';
import { Supervised } from '../supervised.ts';
import { type CommandContext, type ExitCode, exitCodes } from './commands.ts';

const logBytesMax = 256 * 1024;
/** Less than 5 s: on a busy machine a timer is late, and ending takes its time too. */
const stopMsMax = 4_200;
const logCloseMsMax = 200;

/** What `loadConfiguration` found sound. */
export interface SoundConfiguration {
  readonly configuration: Configuration;
  readonly warnings: readonly ConfigurationProblem[];
}

export async function runAgent(sound: SoundConfiguration, context: CommandContext): Promise<ExitCode> {
  const { configuration, warnings } = sound;
  const log = openOwnLog(configuration, context);
  // To the log, not the terminal: from here on nobody who does not read our output can hold us up.
  for (const { place, message, hint } of warnings) {
    const subject = formatPlace(place);
    const text = `${subject}: ${message}${hint === undefined ? '' : ` (${hint})`}`;
    log.write({ severity: 'warn', event: 'configuration.warning', subject: `${subject} ${message}`, message: text });
  }
  const stop = new AbortController();
  using _signals = context.onSignal((signal) => {
    if (signal === 'SIGHUP') {
      const message = 'SIGHUP: reloading the configuration comes later; going on with the old one';
      log.write({ severity: 'warn', event: 'agent.reload', message });
    } else if (!stop.signal.aborted) {
      log.write({ severity: 'info', event: 'agent.stopping', message: `stopping, as ${signal} says` });
      stop.abort();
    }
  });
  const code = await startAndStop(configuration, context, log, stop.signal);
  await log.close(logCloseMsMax);
  return code;
}

type OwnLog = ReturnType<typeof openLog>;

function openOwnLog({ log }: Configuration, { terminal }: CommandContext): OwnLog {
  const format = log.format === 'auto' ? (terminal.errIsTerminal ? 'text' : 'json') : log.format;
  const writer = openLineWriter(2, logBytesMax);
  const colors = terminal.errColors;
  return openLog({ level: log.level, format, colors, clock: hostClock, version: versionLine, writer });
}

async function startAndStop(
  configuration: Configuration,
  context: CommandContext,
  log: OwnLog,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { dataDir } = configuration;
  const stopped = new Promise<'stop'>((resolve) => signal.addEventListener('abort', () => resolve('stop')));
  const host = await context.openHost(log, dataDir);
  const supervisor = openSupervisor(context.environment, dataDir);
  using supervised = supervisor && new Supervised(supervisor, hostClock, log);
  // A signal that came while all this was loaded is heard before anything is begun.
  await new Promise<void>((resolve) => hostClock.soon(resolve));
  const starting = startAgent(configuration, host, signal).catch((error: Error) => error);
  // One grace for starting and stopping together: 5 s count from the signal.
  const grace = afterGrace(stopped);
  const start = await Promise.race([starting, grace]);
  if (start === 'stop') return exitCodes.ok;
  if (start instanceof Error && signal.aborted) {
    log.write({ severity: 'info', event: 'agent.stopped', message: 'stopped while it was starting' });
    return exitCodes.ok;
  }
  if (start instanceof Error) return failed(context, `cannot run on ${dataDir}: ${start.message}`);
  if (start.kind === 'held') {
    context.err(`tailspool: ${dataDir} is held by ${start.holder}; one data_dir belongs to one agent\n`);
    return exitCodes.held;
  }
  if (start.kind === 'newer_version') {
    context.err(`tailspool: ${start.message}\n`);
    return exitCodes.held;
  }
  const names = (parts: readonly { readonly name: string }[]) => parts.map(({ name }) => name).join(', ') || 'none';
  const runs = `collectors: ${names(configuration.collectors)}; shippers: ${names(configuration.shippers)}`;
  const message = `tailspool ${versionLine} runs on ${dataDir}; ${runs}`;
  log.write({ severity: 'info', event: 'agent.running', message });
  supervised?.ready(message);
  using _quiet = new QuietHeap(hostHeap(), hostClock);
  await Promise.race([stopped, finishedOf(start.agent, log)]);
  supervised?.stopping();
  const end = await Promise.race([start.agent.stop().then(() => 'stopped'), grace]);
  if (end === 'stopped') log.write({ severity: 'info', event: 'agent.stopped', message: 'stopped' });
  else
    log.write({
      severity: 'warn',
      event: 'agent.stopped',
      message: 'stopped before every part had ended; nothing is lost',
    });
  return exitCodes.ok;
}

async function finishedOf(agent: Agent, log: OwnLog): Promise<void> {
  await agent.finished;
  const message = 'what was to be collected has ended and is delivered: stopping';
  log.write({ severity: 'info', event: 'agent.finished', message });
}

function failed(context: CommandContext, message: string): ExitCode {
  context.err(`tailspool: ${message}\n`);
  return exitCodes.runtime;
}

/** Resolves when the time for stopping is over. */
async function afterGrace(stopped: Promise<'stop'>): Promise<'stop'> {
  await stopped;
  await new Promise<void>((resolve) => hostClock.after(stopMsMax, resolve));
  return 'stop';
}
