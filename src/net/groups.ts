/**
 * Memberships in solicited-node multicast groups (RFC 4291 2.7.1), so that switches which snoop MLD
 * (RFC 4541) bring the solicitations for an EIP to this host, and its network card lets them in.
 * IPv4 has no such groups: ARP is broadcast.
 */
import { addressToBytes, parseAddress } from '../wire/address.ts';
import { loadAddon, systemError, type RawGroupSocket } from './addon.ts';
import { errnoName } from './errno.ts';

/**
 * The kernel charges some 60 bytes for each membership to the socket (net.core.optmem_max, 20 KiB
 * on older kernels), and looks through all of a socket's memberships at each join: so, several.
 */
const perSocket = 256;

interface Membership {
  readonly group: Uint8Array;
  readonly ifindex: number;
  /** Null while the kernel refuses. */
  socket: GroupSocket | null;
  /** Addresses that end alike share a group. */
  readonly eips: Set<string>;
}

interface GroupSocket {
  readonly raw: RawGroupSocket;
  members: number;
}

export interface SolicitedNodeGroupsOptions {
  /** Told, in a sentence, of a group that could not be joined. */
  readonly onTrouble?: (text: string) => void;
}

/** Implements Groups of src/announce/ports.ts. */
export class SolicitedNodeGroups {
  readonly #onTrouble: (text: string) => void;
  readonly #memberships = new Map<string, Membership>();
  readonly #sockets = new Set<GroupSocket>();
  /** Joins and leaves that the kernel refused since the start. */
  errors = 0;

  constructor({ onTrouble }: SolicitedNodeGroupsOptions = {}) {
    this.#onTrouble = onTrouble ?? (() => undefined);
  }

  /** Groups that are joined now. */
  get size(): number {
    return this.#memberships.size;
  }

  /** Again for the same address and link: nothing, unless the kernel refused before. */
  join(eip: string, link: { readonly ifindex: number; readonly name: string }): void {
    const group = solicitedNode(eip);
    if (group === null) return;
    const key = `${link.ifindex} ${group.join('.')}`;
    let membership = this.#memberships.get(key);
    if (membership === undefined) {
      membership = { group, ifindex: link.ifindex, socket: null, eips: new Set() };
      this.#memberships.set(key, membership);
    }
    membership.eips.add(eip);
    if (membership.socket !== null) return;
    const refused = this.#enter(membership);
    if (refused === null) return;
    this.errors += 1;
    this.#onTrouble(`The solicited-node group of ${eip} cannot be joined on ${link.name} `
      + `(${refused}): switches that snoop MLD may keep its solicitations from this host.`);
  }

  leave(eip: string, link: { readonly ifindex: number }): void {
    const group = solicitedNode(eip);
    if (group === null) return;
    const key = `${link.ifindex} ${group.join('.')}`;
    const membership = this.#memberships.get(key);
    if (membership?.eips.delete(eip) !== true || membership.eips.size > 0) return;
    this.#memberships.delete(key);
    const { socket } = membership;
    if (socket === null) return;
    const errno = socket.raw.leave(membership.ifindex, group);
    // Of an interface that is gone nothing is left to be left.
    if (errno !== 0 && !['ENODEV', 'EADDRNOTAVAIL'].includes(errnoName(errno))) this.errors += 1;
    socket.members -= 1;
    if (socket.members > 0) return;
    socket.raw.close();
    this.#sockets.delete(socket);
  }

  close(): void {
    for (const { raw } of this.#sockets) raw.close();
    this.#sockets.clear();
    this.#memberships.clear();
  }

  /** Joins by a socket that has room; null, or the errno's name. */
  #enter(membership: Membership): string | null {
    for (const socket of [...this.#sockets].filter(({ members }) => members < perSocket)) {
      const refused = enterBy(socket, membership);
      // ENOMEM, ENOBUFS: this one is full; another, or a new one, may do.
      if (refused !== 'ENOMEM' && refused !== 'ENOBUFS') return refused;
    }
    let socket: GroupSocket;
    try {
      socket = { raw: new (loadAddon().GroupSocket)(), members: 0 };
    } catch (error) {
      const known = systemError(error, 'socket');
      return known instanceof Error && 'code' in known ? String(known.code) : String(known);
    }
    const refused = enterBy(socket, membership);
    if (refused === null) this.#sockets.add(socket);
    else socket.raw.close();
    return refused;
  }
}

function enterBy(socket: GroupSocket, membership: Membership): string | null {
  const errno = socket.raw.join(membership.ifindex, membership.group);
  if (errno !== 0) return errnoName(errno);
  socket.members += 1;
  membership.socket = socket;
  return null;
}

/** ff02::1:ffXX:XXXX with the address's last 24 bits; null for IPv4. */
function solicitedNode(eip: string): Uint8Array | null {
  const address = parseAddress(eip);
  if ('error' in address || address.family === 4) return null;
  const last = addressToBytes(address).subarray(13);
  return Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...last);
}
