/** Tenure itself in a lab: a store in its namespace, agents on the nodes, and commands. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LabError, until, type CommandResult } from './command.ts';
import type { ApiServer } from './apiserver.ts';
import type { EtcdCluster } from './etcd.ts';
import {
  EtcdLabStore, KubernetesLabStore, type EtcdPlace, type LabStore, type StoreKind,
} from './lab-store.ts';
import type { Lab } from './lab.ts';
import type { LabMachine } from './machine.ts';
import type { LabProcess } from './process.ts';

/** The program as it is built: what a user runs. */
export const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/**
 * What runs the agents: the program by itself, as a user calls it; or another Node, or this one
 * with flags, from TENURE_LAB_NODE (words parted by spaces).
 */
function agentNode(): readonly string[] {
  return (process.env.TENURE_LAB_NODE ?? '').split(' ').filter((word) => word !== '');
}

/** `tenure status -o json`, as far as labs look at it. */
export interface StatusView {
  readonly well: boolean;
  readonly addresses: readonly {
    readonly address: string;
    readonly holder: string | null;
    readonly term: number;
    readonly reason: string | null;
    readonly line: readonly string[];
  }[];
  readonly nodes: readonly {
    readonly node: string;
    readonly mode: string;
    readonly epoch: number;
  }[];
}

/** Fields of the agent's configuration, nested as in the file. */
export type AgentSettings = Readonly<Record<string, unknown>>;

export class Tenure {
  readonly store: LabStore;
  readonly #lab: Lab;

  private constructor(lab: Lab, store: LabStore) {
    this.#lab = lab;
    this.store = store;
  }

  /** Starts the store, an etcd on its own host unless told; gone with the lab. */
  static async start(
    lab: Lab, { store = 'etcd', ...options }: EtcdPlace & { readonly store?: StoreKind } = {},
  ): Promise<Tenure> {
    return new Tenure(lab, store === 'etcd'
      ? await EtcdLabStore.start(lab, options) : await KubernetesLabStore.start(lab, options));
  }

  /** Where the store is one. */
  get etcd(): EtcdCluster {
    if (this.store instanceof EtcdLabStore) return this.store.cluster;
    throw new LabError(`the store of this lab is ${this.store.kind}, not etcd`);
  }

  /** Where the store is one. */
  get apiServer(): ApiServer {
    if (this.store instanceof KubernetesLabStore) return this.store.server;
    throw new LabError(`the store of this lab is ${this.store.kind}, not kubernetes`);
  }

  /**
   * Starts the agent of a node, and waits until it is ready. Unless told otherwise the lease is as
   * short as etcd allows, and a node takes free addresses at once.
   */
  async agent(
    node: string, settings: AgentSettings = {}, env: NodeJS.ProcessEnv = {}, machine?: LabMachine,
  ): Promise<LabProcess> {
    const agent = this.launch(node, settings, env, machine);
    await agent.waitForOutput(/"msg":"ready"/, 20_000);
    return agent;
  }

  /** The same, without waiting. */
  launch(
    node: string, settings: AgentSettings = {}, env: NodeJS.ProcessEnv = {}, machine?: LabMachine,
  ): LabProcess {
    const file = join(this.#lab.dir, `tenure-${node}.yaml`);
    // YAML is a superset of JSON.
    writeFileSync(file, JSON.stringify({
      node: { name: node },
      store: this.store.settings,
      lease: { duration: '2s', settleTime: '100ms' },
      log: { level: 'debug', format: 'json' },
      ...settings,
    }, null, 2));
    const [command, ...args] = [...agentNode(), program, 'agent', '--config', file];
    return this.#lab.spawn(node, [command, ...args], {
      name: 'agent', env: { NODE_OPTIONS: '', NODE_TEST_CONTEXT: '', ...env },
      ...machine === undefined ? {} : { mounts: machine.mounts },
    });
  }

  /** Runs a command on the store's host, whatever its exit code. */
  async attempt(args: readonly string[], input = ''): Promise<CommandResult> {
    return this.#lab.attempt('store', [process.execPath, program, ...args], {
      input, timeoutMs: 60_000,
      env: {
        ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', ...this.store.env,
      },
    });
  }

  /** Runs a command that must succeed; gives what it printed. */
  async command(...args: readonly string[]): Promise<string> {
    return this.#expect(args, await this.attempt(args));
  }

  /** `tenure apply -f -`: a layer2 Eip of one address, block or range; on eth0 unless told. */
  async apply(
    name: string, address: string, annotations: Readonly<Record<string, string>> = {},
    on = 'eth0',
  ): Promise<void> {
    const manifest = {
      apiVersion: 'network.kubesphere.io/v1alpha2', kind: 'Eip',
      metadata: { name, annotations },
      spec: { address, interface: on, protocol: 'layer2' },
    };
    const args = ['apply', '-f', '-'];
    this.#expect(args, await this.attempt(args, JSON.stringify(manifest)));
  }

  async status(): Promise<StatusView> {
    // Its exit code tells whether all is well; that is in the answer too.
    const { stdout, stderr } = await this.attempt(['status', '-o', 'json']);
    if (stdout === '') throw new LabError(`tenure status: ${stderr}`);
    return JSON.parse(stdout) as StatusView;
  }

  /** Who holds an address, by the store; null for nobody. */
  async holder(address: string): Promise<string | null> {
    const { addresses } = await this.status();
    return addresses.find((one) => one.address === address)?.holder ?? null;
  }

  /** Waits until someone (else than `not`) holds the address, by the store. */
  async waitForHolder(
    address: string, not: string | null = null, timeoutMs = 15_000,
  ): Promise<string> {
    return until(`${address} has a holder${not === null ? '' : ` other than ${not}`}`, async () => {
      const holder = await this.holder(address);
      return holder !== not && holder;
    }, timeoutMs, 100);
  }

  /** Waits until so many addresses have a holder, by the store. */
  async waitForAll(count: number, timeoutMs = 30_000): Promise<void> {
    await until(`${count} addresses are held`, async () => {
      const { addresses } = await this.status();
      return addresses.filter(({ holder }) => holder !== null).length === count;
    }, timeoutMs, 200);
  }

  /** Waits until every address has so many heirs: then nothing is written any more. */
  async waitForHeirs(count: number, timeoutMs = 120_000): Promise<void> {
    await until(`every address has ${count} heirs`, async () => {
      const { addresses } = await this.status();
      return addresses.every(({ line }) => line.length === count);
    }, timeoutMs, 500);
  }

  #expect(args: readonly string[], result: CommandResult): string {
    if (result.code === 0) return result.stdout;
    throw new LabError(`tenure ${args.join(' ')}: exit code ${result.code ?? 'none'}: `
      + `${result.stderr}${result.stdout}`);
  }
}
