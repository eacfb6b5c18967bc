/**
 * Who is in a lab, under which names and addresses, and the `ip` commands that make it. Pure.
 *
 *     store ─ mgmt ┐                 namespace `switch` holds both bridges; every host hangs on a
 *     n1..nN ─ mgmt ┘ bridge `mgmt`   cable (veth) of its own, so that each can be cut by itself.
 *     n1..nN ─ lan ┐                 Bridge ports are named after the host: `n1`, `n1-mgmt`.
 *     c1..cM ─ lan ┘ bridge `lan`
 */

/** A machine of the lab: a network namespace with eth0 on the LAN, eth1 on the way to the store. */
export interface Host {
  /** `n1`, `c1`, `store`, `switch`. */
  readonly name: string;
  /** Network namespace, as `ip netns` knows it. */
  readonly namespace: string;
  /** Addresses on the LAN (eth0); null for the store and the switch. */
  readonly lan: LanAddresses | null;
  /** Address towards the store (eth1); null for clients and the switch. */
  readonly mgmt: string | null;
}

export interface LanAddresses {
  readonly mac: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

export interface Topology {
  readonly id: string;
  readonly switch: Host;
  readonly store: Host;
  readonly nodes: readonly Host[];
  readonly clients: readonly Host[];
}

/** The LAN is wide, so that tests of thousands of addresses have room. */
export const lanPrefix = { ipv4: 16, ipv6: 64 } as const;
export const maxNodes = 40;
export const maxClients = 20;

export function plan(id: string, nodeCount: number, clientCount: number): Topology {
  const host = (name: string, lan: Host['lan'], mgmt: string | null): Host => (
    { name, namespace: `${id}-${name}`, lan, mgmt }
  );
  const lan = (number: number): LanAddresses => ({
    mac: `02:88:00:00:00:${number.toString(16).padStart(2, '0')}`,
    ipv4: `10.88.0.${number}`,
    ipv6: `fd88::${number}`,
  });
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
  return {
    id,
    switch: host('switch', null, null),
    store: host('store', null, '10.89.0.10'),
    nodes: numbers(nodeCount).map((n) => host(`n${n}`, lan(10 + n), `10.89.0.${10 + n}`)),
    clients: numbers(clientCount).map((n) => host(`c${n}`, lan(200 + n), null)),
  };
}

export function hosts(topology: Topology): readonly Host[] {
  return [topology.switch, topology.store, ...topology.nodes, ...topology.clients];
}

/** `ip -batch` input, for the namespace that the lab is made from. */
export function makingScript(topology: Topology): string {
  const lines = hosts(topology).map((host) => `netns add ${host.namespace}`);
  for (const host of hosts(topology)) {
    const cable = (device: string, port: string): void => {
      lines.push(`link add ${device} netns ${host.namespace} type veth `
        + `peer name ${port} netns ${topology.switch.namespace}`);
    };
    if (host.lan !== null) cable(`eth0 address ${host.lan.mac}`, lanPort(host));
    if (host.mgmt !== null) cable('eth1', mgmtPort(host));
  }
  return `${lines.join('\n')}\n`;
}

/** Settings of the kernel to make, and `ip -batch` input, for one host's namespace. */
export function hostScript(topology: Topology, host: Host): { sysctls: string[]; batch: string } {
  if (host === topology.switch) return { sysctls: [], batch: switchScript(topology) };
  const lines = ['link set lo up'];
  const sysctls: string[] = [];
  const up = (device: string, addresses: readonly string[]): void => {
    // Duplicate address detection would hold every IPv6 address back for a second or two.
    sysctls.push(`net/ipv6/conf/${device}/accept_dad=0`, `net/ipv6/conf/${device}/accept_ra=0`);
    lines.push(...addresses.map((address) => `addr add ${address} dev ${device}`));
    lines.push(`link set ${device} up`);
  };
  if (host.lan !== null) {
    up('eth0', [
      `${host.lan.ipv4}/${lanPrefix.ipv4} broadcast +`, `${host.lan.ipv6}/${lanPrefix.ipv6} nodad`,
    ]);
  }
  if (host.mgmt !== null) up('eth1', [`${host.mgmt}/24 broadcast +`]);
  return { sysctls, batch: `${lines.join('\n')}\n` };
}

function switchScript(topology: Topology): string {
  const lines = ['link set lo up'];
  for (const bridge of ['lan', 'mgmt']) {
    // The bridge itself must say nothing on the LAN.
    lines.push(`link add ${bridge} type bridge stp_state 0 mcast_snooping 0 forward_delay 0`);
    lines.push(`link set ${bridge} addrgenmode none`);
    lines.push(`link set ${bridge} up`);
  }
  for (const host of hosts(topology)) {
    const plug = (port: string, bridge: string): void => {
      lines.push(`link set ${port} addrgenmode none`);
      lines.push(`link set ${port} master ${bridge} up`);
    };
    if (host.lan !== null) plug(lanPort(host), 'lan');
    if (host.mgmt !== null) plug(mgmtPort(host), 'mgmt');
  }
  return `${lines.join('\n')}\n`;
}

export function lanPort(host: Host): string {
  return host.name;
}

export function mgmtPort(host: Host): string {
  return `${host.name}-mgmt`;
}
