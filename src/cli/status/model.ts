/**
 * What `tenure status` says, from the store alone, so that it works whichever agents are alive.
 * Pure. Problems come first, each a sentence that says what to do.
 */
import { formatDuration } from '../../config/duration.ts';
import { expandEips, usableEips } from '../../config/eip-set.ts';
import type { EipSettings } from '../../config/eip-set.ts';
import type { EipDefaults } from '../../config/agent-config.ts';
import { whyUnfit } from '../../core/eligibility.ts';
import { endedIn } from '../../core/model.ts';
import type { EipLease, MoveReason, NodeLease, TimingFit, View } from '../../core/model.ts';
import { Allocator } from '../../core/placement.ts';
import type { StoreInfo, StoredDocument } from '../../store/lease-store.ts';
import { byAddress, some } from '../output.ts';
import { graveFindings, routerHints, routerProblems, routerStatus } from './vrrp.ts';
import type { RouterStatus } from './vrrp.ts';
import { timingHints, timingProblems } from './timing.ts';
import { quorumHints, voterProblems } from './voters.ts';

export interface Problem {
  /** `error`: an address is not served, or may not be; `warning`: it may come to that. */
  readonly severity: 'error' | 'warning';
  readonly text: string;
}

export interface AddressStatus {
  readonly address: string;
  readonly eip: string;
  /** Null: nobody announces it. */
  readonly holder: string | null;
  readonly incarnation: number | null;
  readonly term: number;
  /** Wall clock, ms: since when this term; null before the first. */
  readonly since: number | null;
  readonly reason: MoveReason | null;
  readonly from: string | null;
  /** Who would take it if the holder went now; null: nobody. */
  readonly next: string | null;
  /** Nodes of the line of succession that are left, in order. */
  readonly line: readonly string[];
  readonly mode: 'bind' | 'respond';
}

export interface NodeStatus {
  readonly node: string;
  readonly state: 'up' | 'drained' | 'stopping' | 'unfit';
  readonly incarnation: number;
  readonly addresses: number;
  readonly weight: number;
  /** Judged by its voters, or by its lease in the store alone; a witness votes and never holds. */
  readonly mode: 'quorum' | 'lease' | 'witness';
  readonly epoch: number;
  /** Nodes that judge it; in lease mode there are none. */
  readonly voters: readonly string[];
  /** What is wrong with its interfaces; null: nothing. */
  readonly link: string | null;
  readonly storeLatencyMs: number | null;
  /** How its time of support does not fit host and network; null: it does, or it is not known. */
  readonly timing: TimingFit | null;
  readonly host: string;
  readonly version: string;
  /** Wall clock, ms. */
  readonly startedAt: number;
}

export interface Status {
  readonly well: boolean;
  readonly problems: readonly Problem[];
  /** What would make it better, though nothing is wrong. */
  readonly hints: readonly string[];
  readonly addresses: readonly AddressStatus[];
  /** Eips of VRRP. */
  readonly routers: readonly RouterStatus[];
  readonly nodes: readonly NodeStatus[];
  readonly store: StoreInfo;
}

export interface StatusInput {
  readonly view: View;
  readonly documents: readonly StoredDocument[];
  readonly defaults: EipDefaults;
  readonly info: StoreInfo;
}

export function assessStatus({ view, documents, defaults, info }: StatusInput): Status {
  const usable = usableEips(documents);
  const eips = expandEips(usable.documents, defaults);
  const loads = countLoads(view);
  const allocator = new Allocator(eips.size, loads);
  const addresses = [...eips.values()]
    .map((settings) => addressStatus(settings, view, allocator))
    .sort((a, b) => byAddress(a.address, b.address));
  const pools = new Set([...eips.values()].map(({ pool }) => pool));
  const nodes = [...view.nodes.values()]
    .map((lease) => nodeStatus(lease, view, loads, pools))
    .sort((a, b) => (a.node < b.node ? -1 : 1));
  const routers = routerStatus(usable.documents, view);
  const problems = [
    ...storeProblems(info),
    ...[...usable.faults.values()].map((text): Problem => ({ severity: 'error', text })),
    ...unheldProblems(addresses, eips, view),
    ...nodeProblems(view), ...routerProblems(routers),
    ...timingProblems(nodes), ...voterProblems(view),
    ...spareProblems(addresses, nodes),
  ];
  return {
    well: !problems.some(({ severity }) => severity === 'error'), problems, addresses, routers, nodes,
    hints: [
      ...info.kind === 'none' ? [] : quorumHints(view),
      ...timingHints(nodes), ...routerHints(view),
    ],
    store: info,
  };
}

function countLoads(view: View): Map<string, number> {
  const loads = new Map<string, number>();
  for (const { holder } of view.leases.values()) {
    if (holder === null || endedIn(view, holder)) continue;
    loads.set(holder.node, (loads.get(holder.node) ?? 0) + 1);
  }
  return loads;
}

function candidates(settings: EipSettings, view: View) {
  return [...view.nodes.values()]
    .filter((lease) => why(settings, lease, view) === null)
    .map(({ id, record }) => ({ node: id.node, weight: record.weight }));
}

function why(settings: EipSettings, lease: NodeLease, view: View): string | null {
  return whyUnfit(settings.eip, settings, lease, view.drains.has(lease.id.node));
}

function addressStatus(settings: EipSettings, view: View, allocator: Allocator): AddressStatus {
  const { eip, pool, mode } = settings;
  const lease: EipLease | undefined = view.leases.get(eip);
  const held = lease?.holder && !endedIn(view, lease.holder) ? lease.holder : null;
  const others = candidates(settings, view).filter(({ node }) => node !== held?.node);
  const line = (lease?.heirs ?? []).filter((heir) => !endedIn(view, heir)).map(({ node }) => node);
  const next = line[0] ?? allocator.order(eip, others)[0] ?? null;
  return {
    address: eip, eip: pool, mode, next, line,
    holder: held?.node ?? null,
    incarnation: held?.incarnation ?? null,
    term: lease?.term ?? 0,
    since: lease?.since ?? null,
    reason: lease?.reason ?? null,
    from: lease?.moves[1]?.holder ?? null,
  };
}

function nodeStatus(
  { id, record }: NodeLease, view: View, loads: ReadonlyMap<string, number>,
  pools: ReadonlySet<string>,
): NodeStatus {
  const unfit = [...pools].flatMap((pool) => record.unable[pool] ?? []);
  const state = record.draining ? 'stopping'
    : view.drains.has(id.node) ? 'drained'
    : pools.size > 0 && unfit.length === pools.size ? 'unfit'
    : 'up';
  return {
    node: id.node, state, incarnation: id.incarnation,
    addresses: loads.get(id.node) ?? 0,
    weight: record.weight,
    mode: record.witness ? 'witness' : record.epoch > 0 ? 'quorum' : 'lease',
    epoch: record.epoch,
    voters: record.voters.map(({ node }) => node),
    link: unfit.length === 0 ? null : some([...new Set(unfit)], 2),
    storeLatencyMs: record.storeLatencyMs, timing: record.timing ?? null,
    host: record.host, version: record.version, startedAt: record.startedAt,
  };
}

function storeProblems({ endpoints }: StoreInfo): Problem[] {
  const broken = endpoints.filter(({ problem }) => problem !== null);
  return broken.map(({ address, problem }) => ({
    severity: broken.length === endpoints.length ? 'error' : 'warning',
    text: `The store's endpoint ${address}: ${problem ?? ''}`,
  }));
}

/** One sentence for all addresses that nobody holds for the same reasons. */
function unheldProblems(
  addresses: readonly AddressStatus[], eips: ReadonlyMap<string, EipSettings>, view: View,
): Problem[] {
  if (view.nodes.size === 0 && eips.size > 0) {
    return [{ severity: 'error', text: 'No agent is alive: start "tenure agent" on the nodes.' }];
  }
  const byReason = new Map<string, string[]>();
  for (const { address, holder, next, line } of addresses) {
    const settings = eips.get(address);
    if (holder !== null || settings === undefined) continue;
    const reason = next === null ? `no node may hold it: ${reasons(settings, view)}`
      : `${next} should claim it within seconds; if it does not, see the log of the agent on ${next}${
        line.length === 0 ? '' : `. Should ${next}, the next in line, be dead, its lease has to end first: ${
          leaseTime(next, view)}`}`;
    const same = byReason.get(reason);
    if (same === undefined) byReason.set(reason, [address]);
    else same.push(address);
  }
  return [...byReason].map(([reason, held]) => ({
    severity: 'error',
    text: `Nobody announces ${some(held, 3)}: ${reason}.`,
  }));
}

/** How long a lease lasts that nobody renews. */
function leaseTime(node: string, { nodes }: View): string {
  const judged = (nodes.get(node)?.record.epoch ?? 0) > 0;
  return judged ? 'quorum.hold, 5m unless set' : 'lease.duration, 5s unless set';
}

function reasons(settings: EipSettings, view: View): string {
  const each = [...view.nodes.values()].map((lease) =>
    `${lease.id.node} ${why(settings, lease, view) ?? 'may'}`);
  return some(each.sort(), 4);
}

function nodeProblems(view: View): Problem[] {
  const problems: Problem[] = [];
  for (const { id, record } of view.nodes.values()) {
    for (const { code, text } of record.findings) {
      problems.push({
        severity: graveFindings.has(code) ? 'error' : 'warning', text: `${id.node}: ${text}`,
      });
    }
  }
  return problems.sort((a, b) => (a.text < b.text ? -1 : 1));
}

/** Addresses that would fall silent with their holder. */
function spareProblems(
  addresses: readonly AddressStatus[], nodes: readonly NodeStatus[],
): Problem[] {
  const alone = addresses.filter(({ holder, next }) => holder !== null && next === null);
  const [first] = alone;
  if (first === undefined) return [];
  const text = nodes.length < 2
    ? 'There is no second node: start "tenure agent" on another, so that one may fail.'
    : `No other node could take over ${some(alone.map(({ address }) => address), 3)}: see what keeps `
      + 'the others from it under NODES.';
  return [{ severity: 'warning', text }];
}

/** `takeover from n1`, as the table has it. */
export function whyMoved({ reason, from }: AddressStatus): string {
  if (reason === null) return '-';
  return from === null ? reason : `${reason} from ${from}`;
}

export function latencyText(ms: number | null): string {
  return ms === null ? '-' : formatDuration(Math.max(1, Math.round(ms)));
}
