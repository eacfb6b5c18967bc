/**
 * Which machine this is, and which run of its kernel: so that an agent that comes back after a loss
 * of power knows the lease that it left, and does not wait for it to expire.
 *
 * A machine is known by what two that run at the same time cannot both have on one LAN, the
 * addresses burnt into its network cards, and besides by whatever else there is to tell copies of
 * virtual machines apart. What cannot be read, or is another after the restart, only means that the
 * lease is waited for.
 */
import { createHmac } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../core/model.ts';
import type { LinkInfo } from '../net/rtnetlink/link.ts';
import { readText } from './text-file.ts';

/** linux/netdevice.h, NET_ADDR_PERM: not made up, taken over from another, or set by anyone. */
const permanent = '0';

/** Undefined: there is no network card of its own to know it by. `root` is for tests. */
export function readMachine(
  links: readonly Pick<LinkInfo, 'name' | 'permanentMac'>[], root = '/',
): Machine | undefined {
  const kernel = read(join(root, 'proc/sys/kernel/random/boot_id'));
  const cards = readCards(join(root, 'sys/class/net'), links);
  if (kernel === '' || cards.length === 0) return undefined;
  const names = [...cards, read(join(root, 'sys/class/dmi/id/product_uuid')), read(join(root, 'etc/machine-id'))];
  // Everyone may read the store; machine-id(5) is to be told to nobody as it is.
  const id = createHmac('sha256', 'tenure machine').update(names.join('\n')).digest('hex').slice(0, 32);
  return { id, kernel };
}

/** Link-layer addresses of the cards, in order; not of bridges, tunnels and the like. */
function readCards(
  folder: string, links: readonly Pick<LinkInfo, 'name' | 'permanentMac'>[],
): readonly string[] {
  const told = new Map(links.map(({ name, permanentMac }) => [name, permanentMac]));
  return entries(folder).filter((name) => isCard(join(folder, name)))
    .map((name) => {
      const address = told.get(name) ?? '';
      return address === '' ? ownAddress(join(folder, name)) : address;
    })
    .filter((address) => /[1-9a-f]/.test(address))
    .sort();
}

/** Virtual functions (SR-IOV) come and go while the machine runs. */
function isCard(link: string): boolean {
  return existsSync(join(link, 'device')) && !existsSync(join(link, 'device/physfn'));
}

/** Where the kernel does not tell the permanent one: ports of a bond all go by the same. */
function ownAddress(link: string): string {
  return read(join(link, 'addr_assign_type')) === permanent ? read(join(link, 'address')) : '';
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path: string): string {
  return readText(path) ?? '';
}
