/** What the tests on a real etcd share. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { EtcdStore } from '../../src/store/etcd/etcd-store.ts';
import type { EtcdStoreHooks } from '../../src/store/etcd/etcd-store.ts';
import type { EtcdOptions } from '../../src/store/etcd/options.ts';
import { startEtcd } from '../lab/etcd.ts';
import type { EtcdCluster, EtcdLabOptions, EtcdMember } from '../lab/etcd.ts';
import { Lab } from './contract-kit.ts';
import { TcpProxy } from './tcp-proxy.ts';

export const scale = { ttlMs: 2_000, eventuallyMs: 20_000 };

/** A store of its own for a test; everything in it ends with the test. */
export class EtcdLab extends Lab {
  readonly cluster: EtcdCluster;
  readonly #proxies: TcpProxy[] = [];

  constructor(cluster: EtcdCluster) {
    super({
      client: () => new EtcdStore({ endpoints: cluster.endpoints }),
      dispose: () => cluster.stop(),
    }, scale);
    this.cluster = cluster;
  }

  get member(): EtcdMember {
    return this.cluster.member;
  }

  store(options: Partial<EtcdOptions> = {}, hooks: EtcdStoreHooks = {}): EtcdStore {
    return this.keep(new EtcdStore({ endpoints: this.cluster.endpoints, ...options }, hooks));
  }

  /** A way to the first member that can be broken. */
  async proxy(): Promise<TcpProxy> {
    const proxy = await TcpProxy.to(this.member.port);
    this.#proxies.push(proxy);
    return proxy;
  }

  override async dispose(): Promise<void> {
    for (const proxy of this.#proxies) proxy.cut();
    await super.dispose();
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
  }
}

export function withEtcd(
  test: (lab: EtcdLab) => Promise<void>, options: EtcdLabOptions = {},
): () => Promise<void> {
  return async () => {
    const lab = new EtcdLab(await startEtcd(options));
    try {
      await test(lab);
    } finally {
      await lab.dispose();
    }
  };
}

/** Runs etcdctl on a member, as an operator would. Resolves to what it printed. */
export async function etcdctl(member: EtcdMember, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    'etcdctl', [`--endpoints=${member.endpoint}`, ...args],
    { env: { ...process.env, ETCDCTL_API: '3' }, timeout: 20_000 },
  );
  return stdout.trim();
}

/** A counter or gauge of etcd's own, added up over its labels. */
export async function metric(member: EtcdMember, pattern: RegExp): Promise<number> {
  const text = await (await fetch(`${member.metricsUrl}/metrics`)).text();
  return text.split('\n').filter((line) => !line.startsWith('#') && pattern.test(line))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Waits until one of them leads. */
export async function leaderOf(members: readonly EtcdMember[]): Promise<EtcdMember> {
  for (let round = 0; round < 200; round += 1) {
    for (const member of members) {
      if (member.pid === null) continue;
      if (await metric(member, /^etcd_server_is_leader /).catch(() => 0) === 1) return member;
    }
    await delay(50);
  }
  throw new Error('no leader');
}

/** Repeats a call that fails until it succeeds. Resolves to how long that took, in ms. */
export async function untilWorks(call: () => Promise<unknown>, limitMs = 20_000): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    try {
      await call();
      return performance.now() - startedAt;
    } catch (error) {
      if (performance.now() - startedAt > limitMs) throw error;
      await delay(20);
    }
  }
}

/** The median and the like. */
export function percentile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
}
