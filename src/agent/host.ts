/** What the main thread sees of the host: interfaces and routes. It changes nothing. */
import { boottimeMs } from '../net/clock.ts';
import { Interfaces } from '../net/interfaces.ts';
import { NetlinkSocket } from '../net/netlink-socket.ts';
import { mainRoutes } from '../net/routes.ts';
import type { HostNetwork } from './fitness.ts';
import { explained } from './kernel.ts';

export interface Host {
  /** CLOCK_BOOTTIME, ms. */
  now(): number;
  /** The interfaces and routes as they are now: to be asked anew for each look. */
  network(): HostNetwork;
  /** Called when links or subnets changed; not for single addresses, which EIPs are. */
  onChange(listener: () => void): void;
  close(): void;
}

/** Throws KernelError. */
export function openHost(onTrouble: (what: string, text: string) => void): Host {
  let interfaces: Interfaces | null = null;
  try {
    const opened = new Interfaces({ onTrouble: (text) => { onTrouble('interfaces', text); } });
    interfaces = opened;
    const routes = new NetlinkSocket({ protocol: 'route' });
    return {
      now: boottimeMs,
      network: () => snapshot(opened, routes),
      onChange: (listener) => { followSubnets(opened, listener); },
      close: () => {
        opened.close();
        routes.close();
      },
    };
  } catch (error) {
    interfaces?.close();
    throw explained(error);
  }
}

/** Routes are read at most once for each family and look. */
function snapshot(interfaces: Interfaces, socket: NetlinkSocket): HostNetwork {
  const known = new Map<4 | 6, ReturnType<typeof mainRoutes>>();
  return {
    list: () => interfaces.list(),
    byName: (name) => interfaces.byName(name),
    byIndex: (ifindex) => interfaces.byIndex(ifindex),
    addresses: (ifindex) => interfaces.addresses(ifindex),
    routes: (family) => {
      const routes = known.get(family) ?? mainRoutes(socket, family);
      known.set(family, routes);
      return routes;
    },
  };
}

/** Single addresses come and go with every EIP that is bound: they concern nobody. */
function followSubnets(interfaces: Interfaces, listener: () => void): void {
  interfaces.onChange(({ links, subnets }) => {
    if (links.length > 0 || subnets.size > 0) listener();
  });
}
