/**
 * Two hosts on one cable, for tests of the fence: two namespaces, named and cleared away like those
 * of labs, with an interface `e0` in each. On a's e0 is an EIP of each IP version, as after a bind.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arpAnswer, arpClaims, arpProbe, decodeArp, encodeArp } from '../../src/wire/arp.ts';
import { broadcastMac } from '../../src/wire/ethernet.ts';
import {
  dadSolicitation, encodeNeighbour, multicastMac, solicitedNodeGroup, unsolicitedAdvertisement,
} from '../../src/wire/ndp.ts';
import { bundled } from '../lab/bundle.ts';
import { run, sleep, type Command } from '../lab/command.ts';
import { Helper } from '../lab/helper.ts';
import { LabProcess } from '../lab/process.ts';
import { register, remove, removeDead } from '../lab/registry.ts';
import type {
  Heard, HoldOrder, ManageOrder, OpenOrder, RearmOrder, SendOrder, StreamOrder, StreamResult,
} from './fence-orders.ts';

export const eip4 = '10.66.1.50';
export const eip6 = 'fd66::1:50';
/** An address of host a that nobody manages. */
export const own4 = '10.66.0.1';
export const own6 = 'fd66::1';
/** By this a claim of the agent is told from one of the kernel, which has the interface's. */
export const agentMac = '02:66:00:00:00:aa';
export const kernelMac = '02:66:00:00:00:0a';
const askerMac = '02:66:00:00:00:0b';

const hex = (frame: Uint8Array): string => Buffer.from(frame).toString('hex');

/** Frames as the agent (or somebody else on host a) may send them. */
export const frames = {
  request: (address: string): string => hex(arpClaims(agentMac, address)[0]),
  reply: (address: string): string => hex(arpClaims(agentMac, address)[1]),
  probe: (address: string): string => hex(arpProbe(agentMac, address)),
  advertisement: (address: string): string => hex(unsolicitedAdvertisement(agentMac, address)),
  dad: (address: string): string => hex(dadSolicitation(agentMac, address)),
  solicitation: (source: string, target: string): string => {
    const group = solicitedNodeGroup(target);
    return hex(encodeNeighbour({ destination: multicastMac(group), source: agentMac }, {
      kind: 'solicitation', source, destination: group, target, sourceMac: agentMac,
    }));
  },
  /** An ARP packet of another operation: 3 is RARP's request. */
  operation: (address: string, operation: number): string => {
    const frame = arpClaims(agentMac, address)[1].slice();
    frame[21] = operation;
    return hex(frame);
  },
  /** The advertisement behind a hop-by-hop header of padding (RFC 8200 4.3). */
  hidden: (address: string): string => {
    const frame = unsolicitedAdvertisement(agentMac, address);
    const longer = new Uint8Array(frame.length + 8);
    longer.set(frame.subarray(0, 54));
    longer.set([58, 0, 1, 4, 0, 0, 0, 0], 54);
    longer.set(frame.subarray(54), 62);
    longer.set([0, frame.length - 54 + 8, 0], 18);
    return hex(longer);
  },
  /** Told by 802.1Q to be of another VLAN. */
  tagged: (frame: string, vlan: number): string => (
    `${frame.slice(0, 24)}8100${vlan.toString(16).padStart(4, '0')}${frame.slice(24)}`),
  answer: (address: string): string => {
    const question = decodeArp(encodeArp({ destination: broadcastMac, source: askerMac }, {
      operation: 'request', senderMac: askerMac, senderAddress: '10.66.0.2',
      targetMac: '00:00:00:00:00:00', targetAddress: address,
    }));
    if ('drop' in question) throw new Error(question.drop);
    return hex(arpAnswer(agentMac, question, askerMac));
  },
} as const;

/** A process on host a that holds a fence, sends frames, or both. */
export class Actor {
  readonly helper: Helper;

  constructor(helper: Helper) {
    this.helper = helper;
  }

  async open(order: OpenOrder = {}): Promise<{ kind: string; reason: string | null }> {
    return await this.helper.call('open', order) as { kind: string; reason: string | null };
  }

  async manage(order: Partial<ManageOrder> = {}): Promise<void> {
    await this.helper.call('manage', { addresses: [eip4, eip6], links: ['e0'], ...order });
  }

  async hold(order: HoldOrder): Promise<void> {
    await this.helper.call('hold', order);
  }

  /** Gives the wall clock's time of the gate's end. */
  async arm(ms: number): Promise<number> {
    return await this.helper.call('arm', ms) as number;
  }

  async rearm(order: RearmOrder): Promise<void> {
    await this.helper.call('rearm', order);
  }

  async dropped(): Promise<{ kernel: number; agent: number }> {
    return await this.helper.call('dropped') as { kernel: number; agent: number };
  }

  async repaired(): Promise<string[]> {
    return await this.helper.call('repaired') as string[];
  }

  /** Null for each frame that went out, else an errno. */
  async send(
    order: Pick<SendOrder, 'frames'> & Partial<SendOrder>,
  ): Promise<(string | null)[]> {
    return await this.helper.call('send', { link: 'e0', marked: true, ...order }) as (string | null)[];
  }

  async stream(
    order: Omit<StreamOrder, 'link' | 'marked'> & Partial<StreamOrder>,
  ): Promise<StreamResult> {
    return await this.helper.call('stream', { link: 'e0', marked: true, ...order }) as StreamResult;
  }
}

export class World implements AsyncDisposable {
  readonly #id = register();
  readonly #dir: string;
  readonly #helpers: Helper[] = [];
  #ear: Helper | null = null;
  #spawned = 0;

  private constructor() {
    this.#dir = mkdtempSync(join(tmpdir(), `tenure-fence-${this.#id}-`));
  }

  static async create(): Promise<World> {
    removeDead();
    const world = new World();
    process.once('exit', world.#removeNow);
    try {
      await world.#build();
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
    return world;
  }

  async #build(): Promise<void> {
    const [a, b] = [`${this.#id}-a`, `${this.#id}-b`];
    await run(['ip', '-batch', '-'], { input: [
      `netns add ${a}`, `netns add ${b}`,
      `link add e0 address ${kernelMac} netns ${a} type veth peer name e0 address ${askerMac} netns ${b}`,
    ].join('\n') });
    for (const host of ['a', 'b'] as const) await this.run(host, ['ip', 'link', 'set', 'lo', 'up']);
    await this.plug('a', 'e0', [`${own4}/16`, `${own6}/64 nodad`]);
    await this.plug('b', 'e0', ['10.66.0.2/16', 'fd66::2/64 nodad']);
    await this.bind('e0');
    this.#ear = await this.#helper('b', 'ear');
    await this.#ear.call('listen', 'e0');
  }

  /** Sets an interface up, with addresses, without anything said about them. */
  async plug(host: 'a' | 'b', link: string, addresses: readonly string[]): Promise<void> {
    await this.run(host, ['ip', '-batch', '-'], { input: [
      `link set ${link} addrgenmode none`,
      ...addresses.map((address) => `addr add ${address} dev ${link}`), `link set ${link} up`,
    ].join('\n') });
  }

  /** Puts the EIPs on an interface of host a. */
  async bind(link: string): Promise<void> {
    await this.run('a', ['ip', '-batch', '-'], { input: [
      `addr add ${eip4}/32 dev ${link}`, `addr add ${eip6}/128 dev ${link} nodad`,
    ].join('\n') });
  }

  async run(host: 'a' | 'b', command: Command, options?: { input: string }): Promise<string> {
    return run(this.#inside(host, command), options);
  }

  #inside(host: 'a' | 'b', command: Command): Command {
    return ['nsenter', `--net=/run/netns/${this.#id}-${host}`, '--', ...command];
  }

  /** A new process on host a. */
  async actor(): Promise<Actor> {
    return new Actor(await this.#helper('a', 'actor'));
  }

  async #helper(host: 'a' | 'b', name: string): Promise<Helper> {
    const script = await bundled(new URL('./fence-process.ts', import.meta.url));
    this.#spawned += 1;
    const helper = new Helper(new LabProcess({
      name, command: this.#inside(host, [process.execPath, script]), cwd: this.#dir,
      env: { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' },
      logFile: join(this.#dir, `${this.#spawned}-${name}.log`),
    }, true));
    this.#helpers.push(helper);
    await helper.ready;
    return helper;
  }

  /** Host b asks for an address of host a, as a neighbour that does not know it. */
  async ask(address: string): Promise<void> {
    await this.run('b', ['ip', 'neigh', 'flush', 'dev', 'e0']);
    await this.run('b', ['ping', '-c', '1', '-W', '0.3', address]).catch(() => undefined);
  }

  /** What host b heard since it was last asked; `settleMs` for what is still on its way. */
  async heard(settleMs = 30): Promise<Heard[]> {
    await sleep(settleMs);
    return await this.#ear?.call('hear') as Heard[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { process: helper } of this.#helpers) await helper.kill();
    process.off('exit', this.#removeNow);
    this.#removeNow();
  }

  readonly #removeNow = (): void => {
    remove(this.#id);
    rmSync(this.#dir, { recursive: true, force: true });
  };
}

/** The claims of an address among what was heard, in short: what, and by whose MAC. */
export function claimsOf(heard: readonly Heard[], address: string): string[] {
  return heard.filter((one) => one.address === address).map(({ what, mac }) => (
    `${what} by ${mac === agentMac ? 'agent' : mac === kernelMac ? 'kernel' : mac}`));
}
