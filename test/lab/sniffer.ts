import type { Claim, ClaimQuery, FirstClaim, Overlap, Run } from '../../src/measure/claim-log.ts';
import { LabError, run, until } from './command.ts';
import type { Helper } from './helper.ts';
import type { Lab } from './lab.ts';
import { startHelper } from './start-helper.ts';
import { lanPort, type Host } from './topology.ts';

/** How well the sniffer heard. */
export interface SnifferState {
  readonly frames: number;
  readonly claims: number;
  /** Frames that the kernel had no room for: what they said is not known. */
  readonly kernelDrops: number;
  /** Claims beyond what the log holds. */
  readonly overflow: number;
  readonly problem: string | null;
}

/**
 * The judge of a lab: hears every ARP and neighbour discovery frame on every cable of the LAN, at
 * the switch, before the switch may lose it. A claim is the host's on whose cable it came.
 */
export class Sniffer {
  readonly #helper: Helper;

  private constructor(helper: Helper) {
    this.#helper = helper;
  }

  static async start(lab: Lab, hosts: readonly Host[]): Promise<Sniffer> {
    const listing = await run(['ip', '-n', lab.host('switch').namespace, '-j', 'link', 'show']);
    const links = JSON.parse(listing) as { ifname: string; ifindex: number }[];
    const ports = hosts.map((host) => {
      const link = links.find((one) => one.ifname === lanPort(host));
      if (link === undefined) throw new LabError(`the switch has no port for ${host.name}`);
      return `${host.name}=${link.ifindex}`;
    });
    return new Sniffer(await startHelper(lab, 'switch', 'sniffer', ports));
  }

  async state(): Promise<SnifferState> {
    return await this.#helper.call('state') as SnifferState;
  }

  /** Every address that was claimed or probed for. */
  async addresses(): Promise<string[]> {
    return await this.#helper.call('addresses') as string[];
  }

  /** In the order of time. */
  async claims(address: string, query: ClaimQuery = {}): Promise<Claim[]> {
    return await this.#helper.call('claims', { address, ...query, probes: false }) as Claim[];
  }

  /** Questions whether anyone has the address: no claims. */
  async probes(address: string, query: ClaimQuery = {}): Promise<Claim[]> {
    return await this.#helper.call('claims', { address, ...query, probes: true }) as Claim[];
  }

  async firstClaim(address: string, host: string, since?: number): Promise<Claim | null> {
    const claims = await this.claims(address, { host, ...(since === undefined ? {} : { since }) });
    return claims[0] ?? null;
  }

  /** The first claim of each address by each host: for thousands of addresses at once. */
  async firstClaims(query: ClaimQuery = {}): Promise<FirstClaim[]> {
    return await this.#helper.call('firsts', query) as FirstClaim[];
  }

  async lastClaim(address: string, host: string, before?: number): Promise<Claim | null> {
    const claims = await this.claims(address, {
      host, ...(before === undefined ? {} : { until: before }),
    });
    return claims.at(-1) ?? null;
  }

  /** Waits for a claim; gives the first one. */
  async waitForClaim(
    address: string, query: ClaimQuery = {}, timeoutMs = 10_000,
  ): Promise<Claim> {
    const who = query.host ?? 'anyone';
    const first = async (): Promise<Claim | undefined> => (await this.claims(address, query))[0];
    return until(`${who} claims ${address}`, first, timeoutMs);
  }

  /** The hosts in the order in which they claimed, each with its first and last claim. */
  async runs(address: string, query: ClaimQuery = {}): Promise<Run[]> {
    return await this.#helper.call('runs', { address, ...query }) as Run[];
  }

  /**
   * Claims by a host after another's first claim, since `since`. For one change of owner: where
   * the address went back meanwhile, use `assertSuccession`.
   */
  async overlaps(query: ClaimQuery & { addresses?: readonly string[] } = {}): Promise<Overlap[]> {
    return await this.#helper.call('overlaps', query) as Overlap[];
  }

  /** No claim by an old holder after a new one's first, of any address; and nothing was missed. */
  async assertNoOverlap(query: ClaimQuery & { addresses?: readonly string[] } = {}): Promise<void> {
    const overlaps = await this.overlaps(query);
    await this.assertHeardAll();
    if (overlaps.length === 0) return;
    const lines = overlaps.slice(0, 20).map(({ address, host, newHolder, ms, claims }) => (
      `${address}: ${host} claimed it ${claims} times after ${newHolder}'s first claim, for ${ms.toFixed(3)} ms`
    ));
    throw new LabError(`${overlaps.length} overlaps:\n${lines.join('\n')}`);
  }

  /** The address went from host to host exactly so: each silent for good before the next spoke. */
  async assertSuccession(
    address: string, hosts: readonly string[], query: ClaimQuery = {},
  ): Promise<void> {
    const runs = await this.runs(address, query);
    await this.assertHeardAll();
    const seen = runs.map((one) => one.host);
    if (seen.join() === hosts.join()) return;
    throw new LabError(`${address} was claimed by ${seen.join(', ') || 'nobody'}, not ${hosts.join(', ')}`);
  }

  /** Throws if a frame may have been missed: nothing is proven then. */
  async assertHeardAll(): Promise<void> {
    const { kernelDrops, overflow, problem } = await this.state();
    if (kernelDrops === 0 && overflow === 0 && problem === null) return;
    throw new LabError(`the sniffer missed frames: ${kernelDrops} for want of room in the kernel, `
      + `${overflow} beyond what it holds${problem === null ? '' : `; ${problem}`}`);
  }
}
