/**
 * A simulated machine: every port of the agent over one disk, one clock and one network. It is dead the moment its disk has
 * crashed: no timer of its fires any more, nothing it sends arrives, nobody reaches it.
 */
import { chooseCodec } from '../../agent/host/codec.ts';
import type { Host, Locks, ProcessFacts } from '../../agent/ports.ts';
import type { ChildEnd, ChildProcesses, Listener, Watcher, WireRequest, WireResponse } from '../../collectors/ports.ts';
import type { Transports } from '../../shippers/ports.ts';
import type { Clock, LogEntry } from '../../spool/ports.ts';
import type { Network } from '../wire/network.ts';
import type { SimulatedDisk } from './disk.ts';
import { Crash } from './errors.ts';
import { inflater } from './inflater.ts';
import type { SeededRandom } from './random.ts';
import { SimulatedSockets } from './sockets.ts';

const { codec } = chooseCodec();
const logMax = 200;

export interface MachineOptions {
  readonly name: string;
  readonly disk: SimulatedDisk;
  readonly clock: Clock;
  readonly network: Network;
  readonly random: SeededRandom;
  /** Another one after a power cut, the same after a kill. */
  readonly bootId: string;
  readonly onLog?: (entry: LogEntry) => void;
}

export interface Machine {
  readonly host: Host;
  readonly log: readonly LogEntry[];
  /** For the peers of its listening sockets. */
  readonly sockets: SimulatedSockets;
  /** Cuts the connections that are still open; the disk has crashed already. */
  bury(): void;
}

export function makeMachine(options: MachineOptions): Machine {
  const { disk, network } = options;
  const alive = () => !disk.crashed;
  const log: LogEntry[] = [];
  const death = Promise.withResolvers<never>();
  death.promise.catch(() => undefined);
  const sockets = new SimulatedSockets(alive);
  const host: Host = {
    files: disk.files,
    clock: mortalClock(options.clock, alive),
    random: options.random,
    codec,
    log: {
      write(entry) {
        options.onLog?.(entry);
        log.push(entry);
        if (log.length > logMax) log.shift();
      },
    },
    watcher: noHints,
    mounts: { typeOf: () => 'ext4' },
    inflater,
    children: noPrograms,
    standardInput: { read: () => Promise.resolve(false), stop() {} },
    listener: listenerOf(network, alive, death.promise),
    streams: sockets.streams,
    datagrams: sockets.datagrams,
    transports: transportsOf(network, alive),
    locks: locksOf(),
    process: factsOf(options),
  };
  return { host, log, sockets, bury: () => death.reject(reset()) };
}

/** Discovery has to do without: scanning is the truth. */
const noHints: Watcher = { watch: () => ({ [Symbol.dispose]() {} }) };

/** No program is installed on a simulated machine. */
const noPrograms: ChildProcesses = {
  spawn({ program }) {
    const end: ChildEnd = { kind: 'not_started', code: 'ENOENT', message: `${program} is not there` };
    const ended = Promise.resolve(end);
    return { pid: undefined, ended, stop: () => ended, read: () => Promise.resolve(false) };
  },
};

/** The clock of a process: when it is dead none of its timers fires. */
export function mortalClock(clock: Clock, alive: () => boolean): Clock {
  const whileAlive = (call: () => void) => () => {
    if (!alive()) return;
    try {
      call();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
  };
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (delayMs, call) => clock.after(delayMs, whileAlive(call)),
    soon: (call) => clock.soon(whileAlive(call)),
  };
}

/** One receiver on the network; admin's unix socket is nobody's business here. */
function listenerOf(network: Network, alive: () => boolean, death: Promise<never>): Listener {
  return {
    async listen(options, handler) {
      const closed = Promise.withResolvers<never>();
      closed.promise.catch(() => undefined);
      const own = async (request: WireRequest): Promise<WireResponse> => {
        if (!alive()) throw reset();
        try {
          return await Promise.race([handler(request), death, closed.promise]);
        } catch (error) {
          throw error instanceof Crash ? reset() : error;
        }
      };
      if (options.socketPath === undefined) network.handler = own;
      return {
        host: options.host,
        port: options.port,
        connections: 0,
        async close() {
          if (network.handler === own) network.handler = undefined;
          closed.reject(reset());
        },
      };
    },
  };
}

function reset(): Error {
  return Object.assign(new Error('the connection was reset'), { code: 'ECONNRESET' });
}

function transportsOf(network: Network, alive: () => boolean): Transports {
  return {
    open(options) {
      const transport = network.open(options);
      return {
        send: (request) => (alive() ? transport.send(request) : new Promise<never>(() => {})),
        close: () => transport.close(),
      };
    },
  };
}

/** A new machine has new locks: a crash leaves none behind. */
function locksOf(): Locks {
  const held = new Set<string>();
  return {
    take(path) {
      if (held.has(path)) return { kind: 'held', holder: 'another agent' };
      held.add(path);
      return { kind: 'taken', lock: { [Symbol.dispose]: () => void held.delete(path) } };
    },
  };
}

function factsOf({ name, clock, bootId }: MachineOptions): ProcessFacts {
  return {
    pid: 1,
    hostName: name,
    bootId,
    version: 'simulated',
    startedAt: clock.now(),
    openFilesMax: 1024,
    ownOutputs: [],
    executable: '',
    unit: undefined,
    usage: () => ({ residentBytes: 0, privateBytes: undefined, cpuSeconds: 0, openDescriptors: undefined }),
  };
}
