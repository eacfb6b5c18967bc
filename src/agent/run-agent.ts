/** From a configuration to a running agent, and out again: signals, lock, HTTP, service manager. */
import type { Logger } from 'pino';
import type { AgentConfig } from '../config/agent-config.ts';
import { createLogger } from '../observe/logging.ts';
import { StoreError } from '../store/lease-store.ts';
import type { LeaseStore, StoreHooks } from '../store/lease-store.ts';
import { AgentError } from './agent-error.ts';
import { Agent } from './agent.ts';
import { openHost } from './host.ts';
import { KernelError } from './kernel.ts';
import { LockedError, lockNamespace, lockWitness } from './lock.ts';
import { serveHttp } from './open-http.ts';
import { readMachine } from './machine.ts';
import { readPlace } from './place.ts';
import { announceDeath, supervisorLink } from './supervisor/link.ts';
import type { SupervisorLink } from './supervisor/link.ts';
import { ServiceManager } from './systemd-notify.ts';
import type { ServiceManagerModules } from './systemd-notify.ts';
import { tidyHeap } from './tidy-heap.ts';
import { openRouterFence } from './vip/open-router-fence.ts';
import { runVip } from './vip/run-vip.ts';
import { WireHost } from './wire/host.ts';

/** The service manager waits longer than this before it kills (manifests/systemd). */
const stopTimeoutMs = 20_000;

export interface RunModules {
  readonly version: string;
  readonly openStore: (hooks: StoreHooks) => LeaseStore | Promise<LeaseStore>;
}

/** Resolves to null after a planned stop, or to what went wrong, with what to do about it. */
export async function runAgent(config: AgentConfig, modules: RunModules): Promise<Error | null> {
  const log = createLogger({ ...config.log, fields: { node: config.node.name } });
  const stop = new AbortController();
  const onSignal = (): void => { stop.abort(); };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  const heap = tidyHeap();
  const closers: (() => unknown)[] = [() => { heap.stop(); }];
  const link = supervisorLink();
  const late = announceDeath(process.env);
  if (late !== null) log.warn({ error: late.message }, 'the death of this agent will be noticed late');
  const lost = new AbortController();
  link?.onLost(() => {
    log.error('the supervisor is gone: this agent hands over and ends');
    lost.abort();
    stop.abort();
  });
  try {
    const begin = config.store.kind === 'none' ? startVip : start;
    await begin(config, { ...modules, link }, log, stop.signal, closers);
    log.info('stopped');
    link?.leaving();
    return lost.signal.aborted
      ? new AgentError('The supervisor of the agent ended: start tenure agent again.')
      : null;
  } catch (error) {
    if (!isExpected(error)) throw error;
    const fix = error instanceof StoreError ? error.fix : undefined;
    log.error({ error: error.message, fix }, 'the agent must stop');
    return error;
  } finally {
    for (const close of closers.reverse()) await close();
    process.off('SIGTERM', onSignal);
    process.off('SIGINT', onSignal);
    link?.close();
  }
}

/** All that an agent has without a store: no tenure, no wire thread. */
async function startVip(
  config: AgentConfig, { version }: RunModules, log: Logger, stop: AbortSignal,
  closers: (() => unknown)[],
): Promise<void> {
  const lock = await lockNamespace(config.node.name);
  closers.push(() => { lock.release(); });
  const host = openHost((what, text) => { log.warn({ what, text }, 'kernel'); });
  closers.push(() => { host.close(); });
  const manager = new ServiceManager();
  closers.push(() => { manager.close(); });
  stop.addEventListener('abort', () => { manager.stopping(); });
  log.info({ version, eips: config.eipsDirectory }, 'starting without a store');
  await runVip(config, {
    host, log, version, closers, onReady: (text) => { manager.ready(text); },
  }, stop);
}

async function start(
  config: AgentConfig, modules: RunModules & { readonly link: SupervisorLink | null },
  log: Logger, stop: AbortSignal, closers: (() => unknown)[],
): Promise<void> {
  const { name } = config.node;
  const lock = await (config.witness ? lockWitness(name) : lockNamespace(name));
  closers.push(() => { lock.release(); });
  const host = openHost((what, text) => { log.warn({ what, text }, 'kernel'); });
  closers.push(() => { host.close(); });
  // Side by side, as both load for a while; what was opened is closed, also if the other fails.
  const [opening, storing] = await Promise.allSettled([
    WireHost.open({
      node: name,
      kernel: config.witness ? null : { fence: config.fence, lingerMs: config.lingerMs },
      supportMs: config.heartbeat?.supportMs ?? 0,
      observeMs: config.heartbeat?.observeMs ?? 0,
    }),
    Promise.resolve(modules.openStore({
      now: () => host.now(),
      report: ({ code, subject, text }) => {
        log.warn({ code, subject, text }, 'what is stored is not as it was left');
      },
    })),
  ]);
  if (opening.status === 'fulfilled') closers.push(() => opening.value.close());
  if (storing.status === 'fulfilled') closers.push(() => storing.value.close());
  const wire = opened(opening);
  const store = opened(storing);
  const { link } = modules;
  const manager = new ServiceManager(link === null ? {} : throughSupervisor(link));
  closers.push(() => { manager.close(); });
  log.info({
    version: modules.version, fence: wire.opened.fence, lease: config.leaseMs,
  }, 'starting');
  const { fenceReason } = wire.opened;
  if (fenceReason !== null) log.warn({ reason: fenceReason }, 'the kernel fence is the fallback');
  const agent = new Agent({
    config, place: readPlace(), machine: readMachine(host.network().list()),
    version: modules.version, stopTimeoutMs,
  }, {
    store, host, wire, log, link,
    routerFence: config.witness ? null : openRouterFence(config.fence, log),
    onReady: (ready) => {
      if (!ready) return;
      link?.ready();
      manager.ready(agent.ready().text);
    },
    onHeld: () => { manager.status(agent.ready().text); },
  });
  await serveHttp(config.http, agent, log, closers);
  const onHangup = (): void => { agent.reload(); };
  process.on('SIGHUP', onHangup);
  closers.push(() => { process.off('SIGHUP', onHangup); });
  stop.addEventListener('abort', () => { manager.stopping(); });
  await agent.run(stop);
}

function opened<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

/** The service manager listens to its main process, which the supervisor is. */
function throughSupervisor(link: SupervisorLink): Partial<ServiceManagerModules> {
  const { WATCHDOG_PID: _, ...env } = process.env;
  return {
    env,
    send: (_path, bytes) => {
      link.notify(Buffer.from(bytes).toString());
      return 0;
    },
  };
}

function isExpected(error: unknown): error is Error {
  return error instanceof AgentError || error instanceof KernelError
    || error instanceof LockedError || error instanceof StoreError;
}
