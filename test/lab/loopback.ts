import { until } from './command.ts';
import type { Lab } from './lab.ts';

/**
 * Has every node take the packets for an address, as kube-proxy or a load balancer does where EIPs
 * are announced by `respond`: on the loopback interface, which claims nothing by itself. (But the
 * node's kernel now answers who asks on eth0, as it does for any address of the host: only the
 * fence keeps it from that. So this waits until every node's fence guards the address.)
 */
export async function takeOnLoopback(lab: Lab, address: string): Promise<void> {
  await Promise.all(lab.nodes.map(async ({ name }) => {
    await until(`the fence of ${name} guards ${address}`, async () => {
      const { stdout } = await lab.attempt(name, ['nft', 'list', 'ruleset']);
      return stdout.includes(address);
    }, 10_000, 50);
    const length = address.includes(':') ? 128 : 32;
    await lab.run(name, ['ip', 'addr', 'add', `${address}/${length}`, 'dev', 'lo']);
  }));
}
