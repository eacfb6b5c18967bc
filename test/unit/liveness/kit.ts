/** Transports on this host's loopback, and what they heard. */
import { createSocket } from 'node:dgram';
import type { Heartbeat, Obituary } from '../../../src/core/heartbeat.ts';
import type { NodeLease } from '../../../src/core/model.ts';
import { formatEndpoint } from '../../../src/liveness/endpoint.ts';
import { HeartbeatTransport } from '../../../src/liveness/transport.ts';
import { heartbeatKey } from '../../../src/wire/heartbeat/datagram.ts';
import { facts } from '../core/kit.ts';

export const key = heartbeatKey(Buffer.from('a key of the tests, and of nothing else'));
export const otherKey = heartbeatKey(Buffer.from('another key of the tests, for rotation'));

export function beat(node: string, boot: number, own: Partial<Heartbeat> = {}): Heartbeat {
  return {
    node, boot, incarnation: boot, epoch: 1, supportMs: 300, sentAt: 1000, floor: 0, relied: 0,
    reached: 0, echo: null, withdrawals: [], ...own,
  };
}

/** A port that was free a moment ago, on an address of the loopback. */
export async function freePort(host: string): Promise<number> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  await new Promise<void>((resolve) => { socket.bind(0, host, resolve); });
  const { port } = socket.address();
  await new Promise<void>((resolve) => { socket.close(resolve); });
  return port;
}

export class TestNode {
  readonly node: string;
  readonly endpoints: readonly string[];
  readonly heard: (Heartbeat | Obituary)[] = [];
  readonly troubles = new Map<string, string | null>();
  /** Networks that were told to be lost, each time. */
  readonly lost: (readonly string[])[] = [];
  readonly transport: HeartbeatTransport;

  private constructor(node: string, endpoints: readonly string[]) {
    this.node = node;
    this.endpoints = endpoints;
    this.transport = new HeartbeatTransport({
      node,
      onHeartbeat: (heartbeat) => { this.heard.push(heartbeat); },
      onObituary: (obituary) => { this.heard.push(obituary); },
      onListening: (endpoint, trouble) => { this.troubles.set(endpoint, trouble); },
      onNetworksLost: (lost) => { this.lost.push(lost); },
      now: () => performance.now(),
    });
    this.transport.setKeys([key]);
  }

  static async start(node: string, ...hosts: readonly string[]): Promise<TestNode> {
    const endpoints = await Promise.all(hosts.map(async (host) =>
      formatEndpoint(host, await freePort(host))));
    const made = new TestNode(node, endpoints);
    made.transport.listen(endpoints);
    await until(() => endpoints.every((endpoint) => made.troubles.get(endpoint) === null));
    return made;
  }

  /** As the store would tell of another. */
  meet(other: Pick<TestNode, 'node' | 'endpoints'>, boot: number): void {
    const lease: NodeLease = {
      id: { node: other.node, incarnation: boot }, revision: 1,
      record: {
        ...facts, boot, draining: false, epoch: 0, voters: [], heartbeat: other.endpoints,
      },
    };
    this.transport.learn({ reset: false, nodes: [{ node: other.node, lease }] });
  }

  [Symbol.dispose](): void {
    this.transport.close();
  }
}

export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) {
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
  if (!condition()) throw new Error(`still not: ${String(condition)}`);
}
