/** `tenure get eips`. */
import type { EipDocument } from '../../config/eip-document.ts';
import { formatInterface } from '../../config/eip-fields.ts';
import { formatBurst } from '../../config/burst.ts';
import { formatDuration } from '../../config/duration.ts';
import { formatSelector } from '../../config/selector.ts';
import { closest } from '../../config/suggest.ts';
import type { View } from '../../core/model.ts';
import { addressesOf, compareAddresses, formatAddress } from '../../wire/address.ts';
import type { StoreSession } from '../connect.ts';
import type { CliContext } from '../context.ts';
import { failed } from '../context.ts';
import { readStoredEips } from '../documents.ts';
import { structured, table } from '../output.ts';
import type { Column, Format } from '../output.ts';
import { holderOf } from '../view.ts';

interface EipRow {
  readonly eip: EipDocument;
  readonly state: 'enabled' | 'disabled' | 'refused';
  readonly held: number;
}

const columns: readonly Column<EipRow>[] = [
  { title: 'NAME', of: ({ eip }) => eip.name },
  { title: 'ADDRESS', of: ({ eip }) => eip.address },
  { title: 'HELD', of: ({ eip, held }) => eip.protocol === 'vip' ? 'VRRP' : held },
  { title: 'TOTAL', of: ({ eip }) => Number(eip.block.size) },
  { title: 'INTERFACE', of: ({ eip }) => formatInterface(eip.interface) },
  { title: 'STATE', of: ({ state }) => state },
  { title: 'ANNOUNCE', wide: true, of: ({ eip }) => eip.settings.announce ?? '-' },
  { title: 'FAILBACK', wide: true, of: ({ eip }) => failbackText(eip) },
  { title: 'BURST', wide: true, of: ({ eip }) => formatBurst(eip.settings.burst ?? {}) || open },
  { title: 'NODES', wide: true, of: ({ eip }) => formatSelector(eip.settings.selector ?? []) },
];

/** What an annotation leaves to the agents' defaults. */
const open = '-';

function failbackText({ settings: { failbackMs } }: EipDocument): string {
  if (failbackMs === undefined) return open;
  return failbackMs === null ? 'never' : formatDuration(failbackMs);
}

export async function getEips(
  context: CliContext, { store, deadline }: StoreSession,
  { name, format }: { readonly name: string | undefined; readonly format: Format },
): Promise<string> {
  const [stored, view] = await Promise.all([
    store.listDocuments(deadline()), store.read(deadline()),
  ]);
  const wanted = name === undefined ? stored : stored.filter((one) => one.name === name);
  if (name !== undefined && wanted.length === 0) {
    const guess = closest(name, stored.map((one) => one.name));
    const advice = guess === null ? '"tenure get eips" lists them' : `did you mean "${guess}"?`;
    throw failed(`eip: ${JSON.stringify(name)}: not found: ${advice}`);
  }
  const { documents, others } = readStoredEips(context, stored);
  const rows = [
    ...documents.map((eip) => row(view, eip, eip.disabled ? 'disabled' : 'enabled')),
    ...others.map((eip) => row(view, eip, 'refused')),
  ].filter(({ eip }) => name === undefined || eip.name === name)
    .sort((a, b) => compareAddresses(a.eip.block.first, b.eip.block.first));
  if (format === 'json' || format === 'yaml') {
    const items = rows.map(toManifest);
    return structured(name === undefined ? { apiVersion: 'v1', kind: 'List', items } : items[0], format);
  }
  if (rows.length === 0) return 'There are no Eips: create some with "tenure apply -f FILE".\n';
  return table(columns, rows, format, context.stdout.colours);
}

function row(view: View, eip: EipDocument, state: EipRow['state']): EipRow {
  let held = 0;
  for (const address of addressesOf(eip.block)) {
    if (holderOf(view, view.leases.get(formatAddress(address))) !== null) held += 1;
  }
  return { eip, state, held };
}

/** With a status such as OpenELB's, which `apply` passes over. */
function toManifest({ eip, held }: EipRow): unknown {
  const { first, last, size } = eip.block;
  const status = {
    poolSize: Number(size), usage: held, occupied: BigInt(held) === size,
    firstIP: formatAddress(first), lastIP: formatAddress(last),
  };
  return { ...eip.plain as Record<string, unknown>, status };
}
