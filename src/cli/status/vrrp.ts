/** What `tenure status` says of Eips with spec.protocol: vip. Pure. */
import type { EipDocument } from '../../config/eip-document.ts';
import { isRefereed } from '../../config/eip-set.ts';
import type { View, VrrpReport } from '../../core/model.ts';
import { count } from '../output.ts';
import type { Column } from '../output.ts';
import { formatAddress } from '../../wire/address.ts';
import { holderOf } from '../view.ts';
import type { Problem } from './model.ts';

/** One virtual router, put together from what its nodes say. */
export interface RouterStatus {
  readonly eip: string;
  readonly address: string;
  /** Null: it has none yet, and then nobody keeps it. */
  readonly vrid: number | null;
  readonly interface: string | null;
  /** Nodes whose keepalived says that it is master. */
  readonly masters: readonly string[];
  /** Node that has its lease; null: nobody, or VRRP alone says where it is. */
  readonly lease: string | null;
  /** Where advertisements of a master come from, as its backups hear. */
  readonly heard: readonly string[];
  readonly nodes: readonly {
    readonly node: string;
    readonly state: VrrpReport['state'];
    readonly heard: string | null;
  }[];
}

export function routerStatus(
  documents: readonly EipDocument[], view: View,
): readonly RouterStatus[] {
  return documents.filter(({ protocol, disabled }) => protocol === 'vip' && !disabled)
    .map((document) => {
      const { name, address } = document;
      const eip = formatAddress(document.block.first);
      const reports = [...view.nodes.values()].flatMap(({ id, record }) =>
        (record.vrrp ?? []).filter(({ eip }) => eip === name)
          .map((report) => ({ ...report, node: id.node })))
        .sort((a, b) => (a.node < b.node ? -1 : 1));
      return {
        eip: name, address,
        vrid: reports[0]?.vrid ?? null,
        interface: reports[0]?.interface ?? null,
        masters: reports.filter(({ state }) => state === 'MASTER').map(({ node }) => node),
        lease: isRefereed(document) ? holderOf(view, view.leases.get(eip)) : null,
        heard: [...new Set(reports.flatMap(({ heard }) => heard ?? []))].sort(),
        nodes: reports.map(({ node, state, heard }) => ({ node, state, heard })),
      };
    });
}

export function routerProblems(routers: readonly RouterStatus[]): Problem[] {
  return routers.flatMap((router): Problem[] => {
    const { eip, vrid, masters, heard, nodes } = router;
    if (nodes.length === 0) {
      return [{
        severity: 'error',
        text: `Nobody keeps ${eip}: no node that is alive has its interface, or it has no VRID yet, which `
          + 'takes seconds.',
      }];
    }
    const named = `VRID ${String(vrid)} (${eip})`;
    if (masters.length > 1) {
      return [{ severity: 'error', text: `${masters.join(' and ')} are masters of ${named} at once.` }];
    }
    if (masters.length > 0 || heard.length > 0) return [];
    return [{ severity: 'error', text: `Nobody is master of ${named}: see the logs of the agents.` }];
  });
}

/** Of findings whose code begins so, `tenure doctor` tells more. */
const codes = 'vip-';

export function routerHints(view: View): string[] {
  const nodes = [...view.nodes.values()]
    .filter(({ record }) => record.findings.some(({ code }) => code.startsWith(codes)))
    .map(({ id }) => id.node).sort();
  return nodes.length === 0 ? []
    : [`What VRRP lacks on ${nodes.join(', ')}, "tenure doctor" there looks at in detail.`];
}

/** Findings of these codes mean that addresses are not served, or not by one node alone. */
export const graveFindings: ReadonlySet<string> = new Set([
  'conflict', 'vip-second-master', 'vip-silent-master', 'vip-keepalived', 'vip-directory',
]);

export function routersText(routers: readonly RouterStatus[]): string {
  const kept = routers.filter(({ masters, heard }) => masters.length + heard.length > 0).length;
  return `${String(kept)} of ${count(routers.length, 'virtual router', 'virtual routers')} kept`;
}

export const routerColumns: readonly Column<RouterStatus>[] = [
  { title: 'VIRTUAL ROUTER', of: ({ eip }) => eip },
  { title: 'ADDRESS', of: ({ address }) => address },
  { title: 'VRID', of: ({ vrid }) => vrid ?? '-' },
  { title: 'MASTER', of: ({ masters }) => masters.join(', ') || '-' },
  { title: 'HEARD FROM', of: ({ heard }) => heard.join(', ') || '-' },
  { title: 'STATES', of: ({ nodes }) => nodes.map(({ node, state }) => `${node} ${state}`).join(', ') || '-' },
  { title: 'LEASE', of: ({ lease }) => lease ?? '-', wide: true },
  { title: 'INTERFACE', of: (router) => router.interface ?? '-', wide: true },
];
