/**
 * The service manager that started this process, where it wants to be told (systemd's sd_notify, `Type=notify`): one datagram
 * to the socket that `NOTIFY_SOCKET` names. Node cannot send one, so the executable brings a function for it; where
 * that cannot be loaded, or when running from the sources, `systemd-notify` sends it.
 */
import { spawn } from 'node:child_process';
import { getSystemErrorName } from 'node:util';
import type { Supervisor } from '../ports.ts';
import { loadNotifyBinding, type NotifyBinding } from './addon.ts';

export interface SupervisorEnvironment {
  readonly NOTIFY_SOCKET?: string;
  readonly WATCHDOG_USEC?: string;
  readonly WATCHDOG_PID?: string;
}

/** Undefined where nobody wants to be told. `dataDir`: one more place to load the function through. */
export function openSupervisor(
  environment: SupervisorEnvironment,
  dataDir: string,
  load: (folders: readonly string[]) => NotifyBinding = loadNotifyBinding,
): Supervisor | undefined {
  const socket = environment.NOTIFY_SOCKET ?? '';
  if (!/^[/@]/.test(socket)) return undefined;
  const binding = tryToLoad(() => load([dataDir]));
  return {
    watchdogMs: watchdogMs(environment),
    tell: (text) => (binding === undefined ? tellByChild(text, socket) : tellByCall(binding, text, socket)),
  };
}

/** How often it wants to hear of us; undefined where it does not. */
function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: SupervisorEnvironment): number | undefined {
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(process.pid)) return undefined;
  const ms = Number(WATCHDOG_USEC) / 1000;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

function tryToLoad(load: () => NotifyBinding): NotifyBinding | undefined {
  try {
    return load();
  } catch {
    return undefined;
  }
}

async function tellByCall(binding: NotifyBinding, text: string, socket: string): Promise<string | undefined> {
  const error = binding.send(socket, text);
  return error === 0 ? undefined : `${socket}: ${getSystemErrorName(-error)}`;
}

/** It waits until the message was taken, since systemd tells by the sender's process whose it is. */
function tellByChild(text: string, socket: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const env = { PATH: `${process.env.PATH ?? ''}:/usr/bin:/bin`, NOTIFY_SOCKET: socket };
    const child = spawn('systemd-notify', ['--', ...text.split('\n')], { stdio: 'ignore', env });
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(code === 0 ? undefined : `systemd-notify: ${signal ?? `exit ${code}`}`));
  });
}
