/** From a configuration to a running agent, and out again: signals, lock, HTTP, service manager. */
import type { Logger } from 'pino';
import type { AgentConfig } from '../config/agent-config.ts';
import { createLogger } from '../observe/logging.ts';
import { startHttp } from '../observe/http.ts';
import type { HttpAddress, HttpServer } from '../observe/http.ts';
import { StoreError } from '../store/lease-store.ts';
import type { LeaseStore, StoreHooks } from '../store/lease-store.ts';
import { AgentError } from './agent-error.ts';
import { Agent } from './agent.ts';
import { openHost } from './host.ts';
import { KernelError } from './kernel.ts';
import { LockedError, lockNamespace, lockWitness } from './lock.ts';
import { readPlace } from './place.ts';
import { supervisorLink } from './supervisor/link.ts';
import type { SupervisorLink } from './supervisor/link.ts';
import { ServiceManager } from './systemd-notify.ts';
import type { ServiceManagerModules } from './systemd-notify.ts';
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
  const closers: (() => unknown)[] = [];
  const link = supervisorLink();
  const lost = new AbortController();
  link?.onLost(() => {
    log.error('the supervisor is gone: this agent hands over and ends');
    lost.abort();
    stop.abort();
  });
  try {
    await start(config, { ...modules, link }, log, stop.signal, closers);
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

async function start(
  config: AgentConfig, modules: RunModules & { readonly link: SupervisorLink | null },
  log: Logger, stop: AbortSignal, closers: (() => unknown)[],
): Promise<void> {
  const { name } = config.node;
  const lock = await (config.witness ? lockWitness(name) : lockNamespace(name));
  closers.push(() => { lock.release(); });
  const host = openHost((what, text) => { log.warn({ what, text }, 'kernel'); });
  closers.push(() => { host.close(); });
  const wire = await WireHost.open({
    node: name,
    kernel: config.witness ? null : { fence: config.fence, lingerMs: config.lingerMs },
  });
  closers.push(() => wire.close());
  const store = await modules.openStore({
    now: () => host.now(),
    report: ({ code, subject, text }) => {
      log.warn({ code, subject, text }, 'what is stored is not as it was left');
    },
  });
  closers.push(() => store.close());
  const { link } = modules;
  const manager = new ServiceManager(link === null ? {} : throughSupervisor(link));
  closers.push(() => { manager.close(); });
  log.info({
    version: modules.version, fence: wire.opened.fence, lease: config.leaseMs,
  }, 'starting');
  const { fenceReason } = wire.opened;
  if (fenceReason !== null) log.warn({ reason: fenceReason }, 'the kernel fence is the fallback');
  const agent = new Agent({
    config, place: readPlace(), version: modules.version, stopTimeoutMs,
  }, {
    store, host, wire, log, link,
    onReady: (ready) => {
      if (!ready) return;
      link?.ready();
      manager.ready(agent.ready().text);
    },
    onHeld: () => { manager.status(agent.ready().text); },
  });
  if (config.http !== null) {
    const server = await openHttp(config.http, agent);
    closers.push(() => { server.close(); });
    log.info({ address: `${config.http.host}:${String(server.port)}` }, 'listening for HTTP');
  }
  const onHangup = (): void => { agent.reload(); };
  process.on('SIGHUP', onHangup);
  closers.push(() => { process.off('SIGHUP', onHangup); });
  stop.addEventListener('abort', () => { manager.stopping(); });
  await agent.run(stop);
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

async function openHttp(address: HttpAddress, agent: Agent): Promise<HttpServer> {
  try {
    return await startHttp(address, {
      healthy: () => agent.healthy(),
      ready: () => agent.ready(),
      metrics: async () => {
        await agent.refresh();
        const { registry } = agent.metrics;
        return { contentType: registry.contentType, text: await registry.metrics() };
      },
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError(`http.listen: ${address.host}:${String(address.port)}: ${why}: choose another `
      + 'address, or "off".', { cause: error });
  }
}

function isExpected(error: unknown): error is Error {
  return error instanceof AgentError || error instanceof KernelError
    || error instanceof LockedError || error instanceof StoreError;
}
