/** What the agent and the commands are told by their options: plain data, checked. */
import type { BurstSettings } from './burst.ts';
import type { ListenAddress } from './option-values.ts';

export interface EtcdSettings {
  /** `http://host:port` or `https://host:port`, all of one scheme; at least one. */
  readonly endpoints: readonly string[];
  /** Ends with a slash. */
  readonly prefix: string;
  /** Paths of PEM files, found sound when the configuration was read. Not with http. */
  readonly tls?: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
  };
  readonly user?: string;
  readonly password?: string;
}

export interface KubernetesSettings {
  /** A kubeconfig file; left out: KUBECONFIG, the pod's service account, ~/.kube/config. */
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Left out: the pod's own, the context's, or tenure-system. */
  readonly namespace?: string;
}

/** Settings of all stores, so that a change of kind alone changes the store. */
export interface StoreSettings {
  /** `none`: Eips of a directory, kept by VRRP; there are no leases. */
  readonly kind: 'etcd' | 'kubernetes' | 'none';
  readonly requestTimeoutMs: number;
  readonly etcd: EtcdSettings;
  readonly kubernetes: KubernetesSettings;
}

/** Taken for what an Eip's annotations leave open. */
export interface EipDefaults {
  readonly announce: 'bind' | 'respond';
  /** Null: never. */
  readonly failbackMs: number | null;
  readonly burst: BurstSettings;
}

/** How keepalived is run for Eips with spec.protocol: vip. */
export interface VipConfig {
  /** Between advertisements; 10 to 40,950, in steps of 10. */
  readonly advertMs: number;
  readonly virtualMac: boolean;
  /** Addresses of all nodes, for unicast; empty: multicast. */
  readonly peers: readonly string[];
  readonly trackInterfaces: readonly string[];
  /** Names of programs. */
  readonly trackProcesses: readonly string[];
  readonly trackScript: string | null;
  /** For auth_hmac. */
  readonly keyFile: string | null;
  /** For keepalived's files; of its own. */
  readonly runDirectory: string;
  /** keepalived: a name, or a path. */
  readonly program: string;
}

export interface HeartbeatSettings {
  /** Found sound when the configuration was read; read anew as keys are replaced. */
  readonly keyFile: string;
  readonly port: number;
  /** Addresses of this host, or networks that it has one in; empty: where the Eips are. */
  readonly addresses: readonly string[];
  readonly intervalMs: number;
  readonly supportMs: number;
  /** Timing is observed for so long before the agent says whether the time of support fits. */
  readonly observeMs: number;
}

export interface AgentConfig {
  readonly node: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly weight: number;
  };
  readonly store: StoreSettings;
  /** It votes, and never holds (`tenure witness`). */
  readonly witness: boolean;
  readonly leaseMs: number;
  readonly settleMs: number;
  /** Null: no heartbeats, so lease mode. */
  readonly heartbeat: HeartbeatSettings | null;
  /** Life of the node lease in quorum mode. */
  readonly holdMs: number;
  readonly eips: EipDefaults;
  /** Directory of manifests; null with a store, which has them. */
  readonly eipsDirectory: string | null;
  readonly vip: VipConfig;
  readonly lingerMs: number;
  readonly fence: 'auto' | 'egress' | 'arp';
  readonly log: {
    readonly level: 'error' | 'warn' | 'info' | 'debug';
    readonly format: 'auto' | 'json' | 'pretty';
  };
  /** Null: no HTTP. */
  readonly http: ListenAddress | null;
}
