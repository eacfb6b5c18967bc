import type { NodeLease } from '../core/model.ts';

/** The agent must not go on; the message says why, and what to do. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
}

export function nameTaken(node: string, by: NodeLease): AgentError {
  return new AgentError(
    `The node name ${node} is in use by a live agent on the host ${by.record.host} (incarnation `
    + `${String(by.id.incarnation)}): give this one a name of its own (node.name, --node-name, `
    + 'TENURE_NODE_NAME), or stop that one.',
  );
}
