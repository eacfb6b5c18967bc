/** The store of a lab, on the store's host, whichever it is: how to reach it, and its faults. */
import { startApiServer, type ApiServer } from './apiserver.ts';
import { startEtcd, type EtcdCluster, type EtcdLabOptions } from './etcd.ts';
import type { Lab } from './lab.ts';

export const storeKinds = ['etcd', 'kubernetes'] as const;
export type StoreKind = (typeof storeKinds)[number];

export interface LabStore {
  readonly kind: StoreKind;
  /** What agents are told of it: `store` in their configuration. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What commands are told of it. */
  readonly env: Readonly<Record<string, string>>;
  /** As a crash; what it has stored stays. */
  kill(): Promise<void>;
  /** Waits until it answers. */
  start(): Promise<void>;
  /** SIGSTOP: connections stay open, and nothing is answered until it is resumed. */
  pause(): Promise<void>;
  resume(): void;
}

/** Of an etcd that is the store itself. */
const maxMembers = 3;

export interface EtcdPlace extends EtcdLabOptions {
  /** The hosts of its members; all on the store's host unless told. */
  readonly on?: readonly string[];
}

/** What agents run as: with the rights that manifests/rbac gives, and no others. */
const agentUser = 'tenure-system/tenure-agent';

export class EtcdLabStore implements LabStore {
  readonly kind = 'etcd';
  readonly cluster: EtcdCluster;

  constructor(cluster: EtcdCluster) {
    this.cluster = cluster;
  }

  static async start(lab: Lab, { on, ...options }: EtcdPlace = {}): Promise<EtcdLabStore> {
    const names = on ?? Array.from({ length: options.members ?? 1 }, () => 'store');
    const hosts = names.map((name) => lab.host(name));
    const cluster = await startEtcd({
      ...options,
      prefix: hosts.map(({ namespace }) => inside(namespace)),
      listen: hosts.map(({ mgmt }, index) => etcdAddress(mgmt!, index)),
    });
    lab.adopt(cluster.dir);
    lab.defer(async () => cluster.stop());
    return new EtcdLabStore(cluster);
  }

  get settings(): Readonly<Record<string, unknown>> {
    return { etcd: { endpoints: this.cluster.endpoints } };
  }

  get env(): Readonly<Record<string, string>> {
    return { TENURE_ETCD_ENDPOINTS: this.cluster.endpoints.join(',') };
  }

  async kill(): Promise<void> {
    await this.cluster.member.stop('SIGKILL');
  }

  async start(): Promise<void> {
    await this.cluster.member.start();
  }

  async pause(): Promise<void> {
    await this.cluster.member.pause();
  }

  resume(): void {
    this.cluster.member.resume();
  }
}

export class KubernetesLabStore implements LabStore {
  readonly kind = 'kubernetes';
  readonly server: ApiServer;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;

  private constructor(server: ApiServer, agents: string, people: string) {
    this.server = server;
    this.settings = {
      kind: 'kubernetes', kubernetes: { kubeconfig: agents, namespace: 'tenure-system' },
    };
    this.env = { TENURE_STORE: 'kubernetes', TENURE_KUBECONFIG: people };
  }

  /** An API server with an etcd of its own, the CRD and the roles of manifests/. */
  static async start(
    lab: Lab, { flags = [] }: { readonly flags?: readonly string[] } = {},
  ): Promise<KubernetesLabStore> {
    const { namespace, mgmt } = lab.host('store');
    const server = await startApiServer([agentUser], {
      prefix: inside(namespace),
      listen: { host: mgmt!, port: 6443 },
      // A lab may have a store of either kind.
      etcd: etcdAddress(mgmt!, maxMembers),
      flags,
    });
    lab.adopt(server.dir);
    lab.adopt(server.etcd.dir);
    lab.defer(async () => server.stop());
    await server.apply('manifests/crd', 'manifests/rbac');
    return new KubernetesLabStore(
      server, await server.kubeconfig(agentUser), await server.kubeconfig(),
    );
  }

  async kill(): Promise<void> {
    await this.server.halt('SIGKILL');
  }

  async start(): Promise<void> {
    await this.server.start();
  }

  async pause(): Promise<void> {
    await this.server.process?.pause();
  }

  resume(): void {
    this.server.process?.resume();
  }
}

function inside(namespace: string): readonly string[] {
  return ['nsenter', `--net=/run/netns/${namespace}`, '--'];
}

function etcdAddress(host: string, index: number) {
  const base = 2379 + index * 10;
  return { host, client: base, peer: base + 1, metrics: base + 2 };
}
