/** `tenure get nodes`. */
import type { NodeLease, View } from '../../core/model.ts';
import type { StoreSession } from '../connect.ts';
import type { CliContext } from '../context.ts';
import { age, byAddress, structured, table } from '../output.ts';
import type { Column, Format } from '../output.ts';
import { holdings, noSuchNode } from '../view.ts';

interface NodeRow {
  readonly name: string;
  /** Null: drained, and not alive. */
  readonly lease: NodeLease | null;
  readonly drained: boolean;
  readonly addresses: readonly string[];
  readonly now: number;
}

const none = '-';

const columns: readonly Column<NodeRow>[] = [
  { title: 'NAME', of: ({ name }) => name },
  { title: 'STATE', of: stateOf },
  { title: 'HELD', of: ({ addresses }) => addresses.length },
  { title: 'WEIGHT', of: ({ lease }) => lease?.record.weight ?? none },
  { title: 'FINDINGS', of: ({ lease }) => lease === null ? none : findingsOf(lease) },
  { title: 'AGE', of: ({ lease, now }) => lease === null ? none : age(now - lease.record.startedAt) },
  { title: 'VERSION', of: ({ lease }) => lease?.record.version ?? none },
  { title: 'HOST', wide: true, of: ({ lease }) => lease?.record.host ?? none },
  { title: 'INCARNATION', wide: true, of: ({ lease }) => lease?.id.incarnation ?? none },
  { title: 'STORE', wide: true, of: ({ lease }) => latencyOf(lease) },
  { title: 'LABELS', wide: true, of: ({ lease }) => labelsOf(lease) },
];

function stateOf({ lease, drained }: NodeRow): string {
  if (lease === null) return 'drained, gone';
  if (drained) return 'drained';
  return lease.record.draining ? 'stopping' : 'ready';
}

function findingsOf({ record }: NodeLease): number {
  return record.findings.length + Object.keys(record.unable).length;
}

function latencyOf(lease: NodeLease | null): string {
  const ms = lease?.record.storeLatencyMs ?? null;
  return ms === null ? none : `${ms.toFixed(1)}ms`;
}

function labelsOf(lease: NodeLease | null): string {
  const labels = Object.entries(lease?.record.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return labels.toSorted().join(',') || none;
}

export async function getNodes(
  context: CliContext, { store, deadline }: StoreSession,
  { name, format }: { readonly name: string | undefined; readonly format: Format },
): Promise<string> {
  const view = await store.read(deadline());
  const rows = rowsOf(view, context.now()).filter((row) => name === undefined || row.name === name);
  if (name !== undefined && rows.length === 0) throw noSuchNode(name, [...view.nodes.keys()]);
  if (format === 'json' || format === 'yaml') {
    const items = rows.map(toJson);
    return structured(name === undefined ? items : items[0], format);
  }
  if (rows.length === 0) return 'No node is alive: start "tenure agent" on each host.\n';
  return table(columns, rows, format, context.stdout.colours);
}

function rowsOf(view: View, now: number): NodeRow[] {
  const held = holdings(view);
  const names = new Set([...view.nodes.keys(), ...view.drains.keys()]);
  return [...names].sort().map((name) => ({
    name, now, lease: view.nodes.get(name) ?? null, drained: view.drains.has(name),
    addresses: (held.get(name) ?? []).toSorted(byAddress),
  }));
}

function toJson(row: NodeRow): unknown {
  const { name, lease, drained, addresses } = row;
  if (lease === null) return { name, state: stateOf(row), drained, addresses };
  const { record, id } = lease;
  return {
    name, state: stateOf(row), drained, incarnation: id.incarnation, boot: record.boot,
    host: record.host, version: record.version,
    startedAt: new Date(record.startedAt).toISOString(), weight: record.weight,
    labels: record.labels, addresses, unable: record.unable, findings: record.findings,
    storeLatencyMs: record.storeLatencyMs,
  };
}
