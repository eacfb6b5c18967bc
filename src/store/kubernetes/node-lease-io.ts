/** Reads and writes of node leases: one request each. */
import { readObject, writeObject, writePatch } from './lease-object.ts';
import type { LeaseBody } from './lease-object.ts';
import { nodeObjectName } from './names.ts';
import { readNode } from './node-object.ts';
import type { NodeState } from './node-object.ts';
import type { Resource } from './resource.ts';

export interface NodeLeaseIoModules {
  readonly leases: Resource;
  readonly namespace: string;
}

/** The object as it stands; null: there is none. */
export type Found = { readonly revision: number; readonly state: NodeState } | null;

export class NodeLeaseIo {
  readonly #modules: NodeLeaseIoModules;

  constructor(modules: NodeLeaseIoModules) {
    this.#modules = modules;
  }

  async find(node: string, signal: AbortSignal): Promise<Found> {
    const json = await this.#modules.leases.get(nodeObjectName('node', node), signal);
    if (json === null) return null;
    const object = readObject(json);
    return { revision: object.revision, state: readNode(node, object) };
  }

  /** Null: there is one already. */
  async create(body: LeaseBody, signal: AbortSignal): Promise<{ revision: number } | null> {
    const { leases, namespace } = this.#modules;
    const made = await leases.create(body.name, writeObject(body, namespace), signal);
    return made === 'exists' ? null : readObject(made.object);
  }

  /** Null: it is no longer the version of that revision. */
  async replace(
    body: LeaseBody, revision: number, signal: AbortSignal,
  ): Promise<{ revision: number } | null> {
    const { leases } = this.#modules;
    const made = await leases.patch(body.name, writePatch(body, revision), signal);
    return made === 'conflict' || made === 'missing' ? null : readObject(made.object);
  }
}
