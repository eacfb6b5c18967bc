/** The agent's HTTP server. */
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { startHttp } from '../observe/http.ts';
import type { Health, HttpAddress, HttpServer } from '../observe/http.ts';
import { AgentError } from './agent-error.ts';

export interface Observed {
  healthy(): Health;
  ready(): Health;
  /** To be awaited before `metrics` are shown. */
  refresh(): Promise<void>;
  readonly metrics: { readonly registry: Registry };
  /** Absent: the store tells. */
  status?(): unknown;
}

/** Nothing for null. Rejects with AgentError. */
export async function serveHttp(
  address: HttpAddress | null, agent: Observed, log: Logger, closers: (() => unknown)[],
): Promise<void> {
  if (address === null) return;
  const server = await openHttp(address, agent);
  closers.push(() => { server.close(); });
  log.info({ address: `${address.host}:${String(server.port)}` }, 'listening for HTTP');
}

async function openHttp(address: HttpAddress, agent: Observed): Promise<HttpServer> {
  try {
    return await startHttp(address, {
      healthy: () => agent.healthy(),
      ready: () => agent.ready(),
      metrics: async () => {
        await agent.refresh();
        const { registry } = agent.metrics;
        return { contentType: registry.contentType, text: await registry.metrics() };
      },
      ...agent.status === undefined ? {} : { status: () => agent.status?.() },
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AgentError(`http.listen: ${address.host}:${String(address.port)}: ${why}: choose another `
      + 'address, or "off".', { cause: error });
  }
}
