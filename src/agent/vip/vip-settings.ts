/** How keepalived is to run here, from the configuration and this host's addresses. Pure. */
import type { VipConfig } from '../../config/agent-config.ts';
import { vipDefaults, type Unicast, type VipSettings } from '../../keepalived/render/settings.ts';
import type { HostNetwork } from '../fitness.ts';

/** A script that hangs counts as failed. */
const scriptS = 2;

/** Gives a sentence where this host has none of the peers' addresses. */
export function vipSettings(
  vip: VipConfig, network: Pick<HostNetwork, 'list' | 'addresses'>,
): VipSettings | { readonly error: string } {
  const unicast = unicastOf(vip.peers, network);
  if (unicast !== null && 'error' in unicast) return unicast;
  return {
    ...vipDefaults, advertMs: vip.advertMs, useVmac: vip.virtualMac, unicast,
    trackInterfaces: vip.trackInterfaces, hmacKeyFile: vip.keyFile,
    trackProcesses: vip.trackProcesses.map((process) => ({ name: `process-${process}`, process })),
    trackScripts: vip.trackScript === null ? []
      : [{ name: 'script', command: vip.trackScript, intervalS: scriptS, timeoutS: scriptS }],
  };
}

/** From `vip.peers`; null: multicast. */
export function unicastOf(
  nodes: readonly string[], network: Pick<HostNetwork, 'list' | 'addresses'>,
): Unicast | null | { readonly error: string } {
  if (nodes.length === 0) return null;
  const own = new Set(network.list().flatMap(({ ifindex }) => network.addresses(ifindex))
    .map(({ address }) => address));
  const source: Partial<Record<4 | 6, string>> = {};
  for (const address of nodes) {
    if (own.has(address)) source[address.includes(':') ? 6 : 4] ??= address;
  }
  if (Object.keys(source).length > 0) return { nodes, source };
  return { error: `vip.peers: this host has none of ${nodes.join(', ')}: name an address of each node` };
}
