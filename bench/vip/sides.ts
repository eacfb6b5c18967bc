/** Nodes that keep addresses by VRRP: under Tenure, and by hand with what Tenure would run. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fieldOf, usualWeight } from '../../src/agent/vip/field.ts';
import { write } from '../../src/keepalived/config/write/write.ts';
import { configurationFor } from '../../src/keepalived/render/configuration.ts';
import { planInstances } from '../../src/keepalived/render/plan.ts';
import { vipDefaults, type Unicast } from '../../src/keepalived/render/settings.ts';
import { findKeepalived } from '../../src/keepalived/supervisor/program.ts';
import type { Lab } from '../../test/lab/lab.ts';
import type { LabProcess } from '../../test/lab/process.ts';
import { program } from '../../test/lab/tenure.ts';

export interface Side {
  /** Starts a node, and waits until it is a backup, or master. */
  readonly start: (node: string) => Promise<void>;
  /** A planned stop; waits for its end. */
  readonly stop: (node: string) => Promise<void>;
}

const vrid = 51;
const pool = 'bench';

/** All nodes of a lab as `vip.peers`: by unicast, and with priorities that are a step apart. */
export function peersOf(lab: Lab): readonly string[] {
  return lab.nodes.map(({ lan }) => lan!.ipv4);
}

/** Tenure's agent without a store on each node; `write` gives the Eip another range. */
export class TenureSide implements Side {
  readonly agents = new Map<string, LabProcess>();
  readonly #lab: Lab;
  readonly #advertMs: number;
  readonly #peers: readonly string[];

  /** Multicast without peers. */
  constructor(lab: Lab, advertMs: number, range: string, peers: readonly string[] = []) {
    this.#lab = lab;
    this.#advertMs = advertMs;
    this.#peers = peers;
    mkdirSync(join(lab.dir, 'eips'));
    this.write(range);
  }

  write(range: string): void {
    writeFileSync(join(this.#lab.dir, 'eips', 'bench.yaml'), `apiVersion: network.kubesphere.io/v1alpha2
kind: Eip
metadata: {name: ${pool}, annotations: {tenure.io/vrid: "${vrid}"}}
spec: {address: "${range}", interface: eth0, protocol: vip}
`);
  }

  readonly start = async (node: string): Promise<void> => {
    const agent = this.#lab.spawn(node, [
      process.execPath, program, 'agent', '--store', 'none',
      '--eips', join(this.#lab.dir, 'eips'), '--node-name', node,
      '--vip-run-directory', join(this.#lab.dir, `run-${node}`),
      '--vip-advert-interval', `${this.#advertMs}ms`,
      ...this.#peers.length === 0 ? [] : ['--vip-peers', this.#peers.join()],
    ], { name: `tenure-${node}`, env: { NODE_OPTIONS: '', NODE_TEST_CONTEXT: '', TENURE_CONFIG: '' } });
    this.agents.set(node, agent);
    await agent.waitForOutput(/this node is master|"?to"?: ?"?BACKUP/, 40_000);
  };

  readonly stop = async (node: string): Promise<void> => {
    await this.agents.get(node)!.stop(20_000);
  };
}

/** The same configuration, to the letter but for the FIFO, by unicast, with nobody behind it. */
export class HandSide implements Side {
  readonly #lab: Lab;
  readonly #advertMs: number;
  readonly #address: string;
  readonly #running = new Map<string, LabProcess>();

  constructor(lab: Lab, advertMs: number, address: string) {
    this.#lab = lab;
    this.#advertMs = advertMs;
    this.#address = address;
  }

  readonly start = async (node: string): Promise<void> => {
    const found = await findKeepalived();
    if ('error' in found) throw new Error(found.error);
    const { version, features } = found.build;
    const unicast: Unicast = {
      nodes: peersOf(this.#lab), source: { 4: this.#lab.host(node).lan!.ipv4 },
    };
    const { instances } = planInstances({
      node, weight: 1, vrids: new Map([[pool, vrid]]),
      eips: [{ eip: this.#address, pool, interface: 'eth0' }],
      field: (_, family) =>
        fieldOf({ node, weight: usualWeight }, { nodes: [], unicast }, family, []),
    });
    const settings = { ...vipDefaults, advertMs: this.#advertMs, unicast };
    const file = (name: string): string => join(this.#lab.dir, `hand-${node}${name}`);
    writeFileSync(file('.conf'), write(
      configurationFor({ node, instances, settings, version, fifo: null }),
      { version, facts: { features }, header: ['As Tenure would write it.'] }));
    for (const name of ['.pid', '-vrrp.pid']) rmSync(file(name), { force: true });
    const keepalived = this.#lab.spawn(node, [
      'keepalived', '--dont-fork', '--log-console', '--no-syslog', '--vrrp', '--dont-respawn',
      '--use-file', file('.conf'), '--pid', file('.pid'), '--vrrp_pid', file('-vrrp.pid'),
    ]);
    this.#running.set(node, keepalived);
    await keepalived.waitForOutput(/Entering BACKUP STATE/, 20_000);
  };

  readonly stop = async (node: string): Promise<void> => {
    await this.#running.get(node)!.stop();
  };
}
