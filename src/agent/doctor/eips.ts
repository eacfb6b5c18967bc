/** Every Eip on this host: its interface and subnet, and who answers for it on the LAN. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentConfig } from '../../config/agent-config.ts';
import { expandEips, usableEips } from '../../config/eip-set.ts';
import type { AnnounceSettings } from '../../announce/types.ts';
import { FrameSockets } from '../../net/frame-sockets.ts';
import { Interfaces } from '../../net/interfaces.ts';
import type { LinkInfo } from '../../net/rtnetlink/link.ts';
import { NetlinkSocket } from '../../net/netlink-socket.ts';
import { mainRoutes } from '../../net/routes.ts';
import type { StoredDocument } from '../../store/lease-store.ts';
import { arpProbe, decodeArp } from '../../wire/arp.ts';
import { assessFitness } from '../fitness.ts';
import type { Fitness, HostNetwork } from '../fitness.ts';
import { fail, ok, warn } from './check.ts';
import type { Check } from './check.ts';
import { checkVip } from './vip.ts';
import { answersForAll, backDoors, quietCommand } from './back-doors.ts';

/** Asked on the LAN; of larger sets the first so many. */
const mostAsked = 64;
const answersMs = 700;

export interface EipReport {
  readonly checks: readonly Check[];
  /** Interfaces that carry Eips here. */
  readonly interfaces: readonly string[];
}

/** `heldElsewhere`: another live node holds the address, so that one answer is as it should be. */
export async function checkEips(
  documents: readonly StoredDocument[], config: AgentConfig,
  heldElsewhere: (eip: string) => boolean,
): Promise<EipReport> {
  const { documents: all, faults } = usableEips(documents);
  const usable = all.filter(({ protocol }) => protocol === 'layer2');
  const checks: Check[] = [...faults].map(([name, text]) =>
    fail(`Eip ${name}`, text, `correct it: tenure get eip ${name} -o yaml`));
  const eips = expandEips(usable, config.eips);
  const { fitness, links, doors, network } = look(eips);
  for (const { name, disabled } of usable) {
    if (disabled) {
      checks.push(ok(`Eip ${name}`, 'is disabled'));
      continue;
    }
    const members = new Set([...eips.values()]
      .flatMap(({ eip, pool }) => (pool === name ? [eip] : [])));
    const faultsHere = fitness.findings
      .filter(({ subject }) => subject === name || members.has(subject));
    const on = [...fitness.settings.values()].find(({ eip }) => members.has(eip))?.link.name ?? '';
    if (faultsHere.length === 0) checks.push(ok(`Eip ${name}`, `can be announced here, on ${on}`));
    for (const { text } of faultsHere) {
      checks.push(fail(`Eip ${name}`, text, `see spec.interface: tenure get eip ${name} -o yaml`));
    }
  }
  checks.push(...await checkVip(
    config, all.filter(({ protocol }) => protocol === 'vip'), network));
  if (all.length === 0) {
    checks.push(warn('Eips', 'there are none in the store', 'tenure apply -f eip.yaml'));
  }
  const settings = [...fitness.settings.values()];
  checks.push(...doors, ...await askTheLan(settings, links, heldElsewhere));
  return { checks, interfaces: [...new Set(settings.map(({ link }) => link.name))] };
}

interface Look {
  /** As it was. */
  readonly network: HostNetwork;
  readonly fitness: Fitness;
  readonly links: readonly LinkInfo[];
  readonly doors: readonly Check[];
}

function look(eips: Parameters<typeof assessFitness>[0]): Look {
  return withNetwork((network, interfaces) => {
    const fitness = assessFitness(eips, network);
    const listed = new Set([...fitness.settings.values()].map(({ link }) => link.ifindex));
    return { network, fitness, links: network.list(), doors: backDoors(interfaces, listed) };
  });
}

/** Opens what is read, and closes it; `network` is as it was, and outlives that. */
export function withNetwork<T>(
  use: (network: HostNetwork, interfaces: Interfaces) => T,
): T {
  const interfaces = new Interfaces();
  const socket = new NetlinkSocket({ protocol: 'route' });
  try {
    return use(snapshotOf(interfaces, socket), interfaces);
  } finally {
    socket.close();
    interfaces.close();
  }
}

function snapshotOf(interfaces: Interfaces, socket: NetlinkSocket): HostNetwork {
  const routes = { 4: mainRoutes(socket, 4), 6: mainRoutes(socket, 6) } as const;
  const links = interfaces.list();
  const addresses = new Map(links.map(({ ifindex }) => [ifindex, interfaces.addresses(ifindex)]));
  return {
    list: () => links,
    byName: (name) => links.find((link) => link.name === name) ?? null,
    byIndex: (index) => links.find(({ ifindex }) => ifindex === index) ?? null,
    addresses: (ifindex) => addresses.get(ifindex) ?? [],
    routes: (family) => routes[family],
  };
}

/** Probes (RFC 5227: they claim nothing) and counts who answers: two is one too many. */
async function askTheLan(
  settings: readonly AnnounceSettings[], own: readonly LinkInfo[],
  heldElsewhere: (eip: string) => boolean,
): Promise<readonly Check[]> {
  const asked = settings
    .filter(({ eip, link }) => link.up && !eip.includes(':'))
    .slice(0, mostAsked);
  const answers = new Map<string, Set<string>>(asked.map(({ eip }) => [eip, new Set()]));
  const sockets = new FrameSockets({ mark: 0 });
  const links = new Map(asked.map(({ link }) => [link.ifindex, link]));
  const open = [...links.values()].map((link) => ({
    link,
    socket: sockets.open(link, 'arp', (frames) => {
      for (const { bytes } of frames) {
        const frame = decodeArp(bytes);
        if (!('drop' in frame)) answers.get(frame.senderAddress)?.add(frame.senderMac);
      }
    }),
  }));
  try {
    for (let round = 0; round < 2; round++) {
      for (const { link, socket } of open) {
        const ours = asked.filter((each) => each.link.ifindex === link.ifindex);
        socket.send(ours.map(({ eip }) => arpProbe(link.mac, eip)));
      }
      await sleep(answersMs / 2);
    }
  } finally {
    for (const { socket } of open) socket.close();
  }
  return [...answers].flatMap(([eip, macs]) => {
    const door = own.find(({ mac, name }) => macs.has(mac) && answersForAll(name));
    if (door !== undefined) {
      return [fail(`address ${eip}`, `the kernel of this host answers for it on ${door.name}, which no Eip `
        + 'names, whoever holds it', quietCommand(door.name))];
    }
    if (macs.size <= (heldElsewhere(eip) ? 1 : 0)) return [];
    const who = macs.size === 1 ? 'a host answers for it that is no holder' : `${String(macs.size)} hosts answer for it`;
    return [fail(`address ${eip}`, `${who}: ${[...macs].join(', ')}`,
      'find the one that is no Tenure node by its MAC address, and take the address from it')];
  });
}
