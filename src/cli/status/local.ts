/** What the agent of this host says of itself, where there is no store: over its HTTP. */
import { isIPv6 } from 'node:net';
import type { LocalStatus } from '../../agent/vip/run-vip.ts';
import type { AgentConfig } from '../../config/agent-config.ts';
import { emptyView } from '../../core/model.ts';
import type { View } from '../../core/model.ts';
import { failed } from '../context.ts';
import { assessStatus } from './model.ts';
import type { Status } from './model.ts';

const patienceMs = 5_000;

export async function lookAtAgent(config: AgentConfig): Promise<Status> {
  const { http } = config;
  if (http === null) {
    throw failed('http.listen: "off": without a store, status comes from the agent by HTTP: give it an '
      + 'address.');
  }
  // Every address of the host: then this one too.
  const host = http.host === '::' || http.host === '0.0.0.0' ? '127.0.0.1' : http.host;
  const url = `http://${isIPv6(host) ? `[${host}]` : host}:${String(http.port)}/status`;
  const { node, record, documents } = await ask(url);
  const lease = { id: { node, incarnation: 1 }, record, revision: 0 };
  const view: View = { ...emptyView, nodes: new Map([[node, lease]]) };
  return assessStatus({
    view, defaults: config.eips,
    documents: documents.map((document) => ({ ...document, revision: 0 })),
    info: { kind: 'none', version: '', endpoints: [] },
  });
}

async function ask(url: string): Promise<LocalStatus> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(patienceMs) });
  } catch {
    throw failed(`${url}: no agent answers: see whether "tenure agent" runs here, and http.listen`);
  }
  if (!response.ok) throw failed(`${url}: ${String(response.status)}: that agent has a store: name it with --store`);
  return await response.json() as LocalStatus;
}
