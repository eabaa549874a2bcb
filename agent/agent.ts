/**
 * The whole agent, wired. `startAgent` reads like the list of what an agent is; each part that was begun is ended again, in
 * the opposite order, when the agent stops or when a later part cannot begin. Nothing here touches the world but through
 * the `Host`, so a simulator starts the same agent.
 */
import type { Collector } from '../collectors/ports.ts';
import type { Shipper } from '../shippers/ports.ts';
import type { Outlet } from '../spool/nouns.ts';
import type { Clock } from '../spool/ports.ts';
import { withActions } from './admin/actions.ts';
import { Admin } from './admin/admin.ts';
import { adminRoutes } from './admin/routes.ts';
import type { Configuration } from './config/types.ts';
import { takeDataDir } from './data-dir.ts';
import { Observer } from './observer.ts';
import type { Host } from './ports.ts';
import { makeCollector, makeShipper, openTheSpool, type RoomContext } from './rooms.ts';
import type { AgentStatus } from './status/status.ts';
import { within } from './within.ts';

/** A running agent. */
export interface Agent {
  /** Everything about it, at this instant. */
  status(): AgentStatus;
  /** Where admin listens. */
  readonly listening: readonly string[];
  /**
   * Resolves when there is nothing left to do: every collector has come to its end (standard input), and everything is delivered.
   * Most agents never have.
   */
  readonly finished: Promise<void>;
  /** Ends within 5 s whatever a destination or a file system does; loses nothing. A second call waits for the first. */
  stop(): Promise<void>;
}

export type Start =
  | { readonly kind: 'running'; readonly agent: Agent }
  /** Another process has this data_dir. Nothing was changed. */
  | { readonly kind: 'held'; readonly holder: string }
  /** A newer version wrote this data_dir. Nothing was changed. */
  | { readonly kind: 'newer_version'; readonly message: string };

/** What each part may take to end; together less than 5 s, since collectors and shippers end side by side. */
const limits = { partsMs: 2_000, spoolMs: 1_500, adminMs: 400, finishedEveryMs: 50 } as const;

/**
 * Starts everything. What is missing outside (files, ports, receivers, disk space) is a problem in the status, not an error.
 * Throws where there is nothing to run on: data_dir cannot be made or entered; or when `signal` aborts on the way: then what
 * was begun is ended.
 */
export async function startAgent(
  configuration: Configuration,
  host: Host,
  signal: AbortSignal = AbortSignal.any([]),
): Promise<Start> {
  await using stack = new AsyncDisposableStack();
  const { clock, log } = host;
  const { dataDir } = configuration;

  signal.throwIfAborted();
  const lock = await takeDataDir(dataDir, host, signal);
  if (lock.kind === 'held') return lock;
  stack.use(lock.lock);

  const opened = await openTheSpool(configuration, host);
  if (opened.kind === 'newer_version') return opened;
  const { spool } = opened;
  stack.defer(() => within(clock, log, limits.spoolMs, 'spool', spool.close(limits.spoolMs - 200)));
  signal.throwIfAborted();

  const context: RoomContext = { configuration, host, spool };
  const shippers = configuration.shippers.map((one) => makeShipper(one, context));
  const collectors = await Promise.all(configuration.collectors.map((one) => makeCollector(one, context)));
  signal.throwIfAborted();
  const before = spool.status().collectors;
  const parts = { dataDir, codec: host.codec.name, process: host.process, collectors, shippers, spool, before };

  const observer = stack.use(new Observer(parts, host));
  const routes = adminRoutes(observer);
  const acting = shippers.map(({ shipper }) => shipper);
  const admin = new Admin(dataDir, configuration.admin.listen, routes, host, withActions(acting, routes));
  observer.alsoAsk(() => admin.problems.map((problem) => ({ ...problem, part: 'admin' })));
  stack.defer(() => within(clock, log, limits.adminMs, 'admin', admin.stop()));
  await admin.start();

  stack.defer(() => within(clock, log, limits.partsMs, 'collectors and shippers', stopAll(collectors, shippers)));
  for (const part of [...shippers.map(({ shipper }) => shipper), ...collectors]) {
    signal.throwIfAborted();
    await part.start();
  }
  observer.begin();

  const finished = finish(collectors, shippers, clock);
  return { kind: 'running', agent: new RunningAgent(stack.move(), observer, admin, finished) };
}

async function finish(
  collectors: readonly Collector[],
  shippers: readonly { readonly outlet: Outlet }[],
  clock: Clock,
): Promise<void> {
  const never = new Promise<void>(() => {});
  await Promise.all(collectors.map(({ ended }) => ended ?? never));
  while (shippers.some(({ outlet }) => outlet.waiting().records > 0))
    await new Promise<void>((resolve) => clock.after(limits.finishedEveryMs, resolve));
}

async function stopAll(
  collectors: readonly Collector[],
  shippers: readonly { readonly shipper: Shipper; readonly outlet: Outlet }[],
): Promise<void> {
  const stopping = [...collectors, ...shippers.map(({ shipper }) => shipper)].map((part) => part.stop());
  const failed = (await Promise.allSettled(stopping)).find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
}

class RunningAgent implements Agent {
  readonly #stack: AsyncDisposableStack;
  readonly #observer: Observer;
  readonly #admin: Admin;
  readonly finished: Promise<void>;
  #stopped: Promise<void> | undefined;

  constructor(stack: AsyncDisposableStack, observer: Observer, admin: Admin, finished: Promise<void>) {
    this.finished = finished;
    this.#stack = stack;
    this.#observer = observer;
    this.#admin = admin;
  }

  get listening(): readonly string[] {
    return this.#admin.listening;
  }

  status(): AgentStatus {
    return this.#observer.status();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stack.disposeAsync();
    return this.#stopped;
  }
}
