/** What is counted of VRRP, where there are Eips with spec.protocol: vip. */
import type { Gauge, Registry } from 'prom-client';
import { vrrpStates } from '../core/model.ts';
import type { Finding, VrrpReport } from '../core/model.ts';
import { collectedCounter, collectedGauge } from './collected.ts';

export interface VipReadings {
  readonly reports: readonly VrrpReport[];
  readonly findings: readonly Finding[];
  /** Times that a virtual router of this node entered a state. */
  readonly transitions: ReadonlyMap<string, number>;
  /** Times that keepalived ended, or hung, without being told. */
  readonly exits: number;
  readonly hangs: number;
  readonly refused: boolean;
  /** Packets of VRRP that were not read, by reason. */
  readonly drops: ReadonlyMap<string, number>;
  /** Claims that the fence of virtual routers held back; null: there is none. */
  readonly fenceDrops: number | null;
}

export function registerVipMetrics(registry: Registry, read: () => VipReadings): void {
  const gauge = <L extends string>(
    name: string, help: string, labelNames: readonly L[], fill: (gauge: Gauge<L>) => void,
  ): void => {
    collectedGauge(registry, { name, help, labelNames }, fill);
  };
  const counter = (
    name: string, help: string, label: string, of: () => Iterable<readonly [string, number]>,
  ): void => {
    collectedCounter(registry, { name, help, label }, of);
  };
  gauge('tenure_vrrp_state', '1: the virtual router of the Eip is in this state on this node.',
    ['eip', 'vrid', 'state'], (into) => {
      for (const { eip, vrid, state } of read().reports) {
        for (const one of vrrpStates) {
          into.set({ eip, vrid: String(vrid), state: one }, Number(one === state));
        }
      }
    });
  gauge('tenure_vrrp_other_master', '1: another is heard as master of the virtual router.',
    ['eip', 'vrid'], (into) => {
      for (const { eip, vrid, heard } of read().reports) {
        into.set({ eip, vrid: String(vrid) }, Number(heard !== null));
      }
    });
  gauge('tenure_vrrp_findings', 'What is wrong with VRRP just now, by code.', ['code'], (into) => {
    for (const { code } of read().findings) into.inc({ code });
  });
  gauge('tenure_keepalived_refused', '1: the last configuration was refused; the one before runs on.',
    [], (into) => { into.set(Number(read().refused)); });
  counter('tenure_vrrp_transitions_total', 'Virtual routers that entered a state.', 'to',
    () => read().transitions);
  counter('tenure_vrrp_dropped_total', 'Packets of VRRP that were not read.', 'why',
    () => read().drops);
  counter('tenure_keepalived_failures_total', 'Times that keepalived failed.', 'how',
    () => [['exited', read().exits], ['hung', read().hangs]]);
  counter('tenure_vrrp_fence_dropped_total', 'Claims that the fence of virtual routers held back.',
    'from', () => [['kernel', read().fenceDrops ?? 0]]);
}
