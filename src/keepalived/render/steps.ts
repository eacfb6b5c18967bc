/**
 * What to load next on the way from one set of instances to another. keepalived loses an address
 * that moves from one instance to another within one reload; and while it reloads it neither sends
 * nor hears advertisements, so that a reload of more than three of them costs the addresses.
 */
import type { InstancePlan } from './plan.ts';

/** Where an address is. */
type Places = ReadonlyMap<string, InstancePlan>;

function placesOf(instances: readonly InstancePlan[]): Places {
  return new Map(instances.flatMap((instance) =>
    instance.addresses.map((eip) => [eip, instance] as const)));
}

/** Whether keepalived takes both for the same instance. */
function isSame(a: InstancePlan | undefined, b: InstancePlan): boolean {
  return a?.vrid === b.vrid && a.family === b.family && a.interface === b.interface;
}

/**
 * The instances to load next: `wanted` itself if that is safe in one go. `most` is how many
 * addresses may come and go in one reload. At most so many steps are needed as there are addresses.
 */
export function nextStep(
  current: readonly InstancePlan[], wanted: readonly InstancePlan[], most: number,
): readonly InstancePlan[] {
  const before = placesOf(current);
  const after = placesOf(wanted);
  const leaving = [...before].filter(([eip, place]) => {
    const to = after.get(eip);
    return to === undefined || !isSame(place, to);
  });
  const coming = [...after].filter(([eip, place]) => !isSame(before.get(eip), place));
  const movesAny = coming.some(([eip]) => before.has(eip));
  if (!movesAny && leaving.length + coming.length <= most) return wanted;

  // What leaves goes first, and what moves has to leave before it comes.
  const gone = new Set(leaving.slice(0, most).map(([eip]) => eip));
  const room = leaving.length === 0 ? most : 0;
  const come = new Set(coming.slice(0, room).map(([eip]) => eip));
  return assemble(current, wanted, (eip, instance) => {
    const place = before.get(eip);
    return place && isSame(place, instance) ? !gone.has(eip) : come.has(eip);
  });
}

/** Instances of both sets, in the form wanted if there is one, with the addresses to keep. */
function assemble(
  current: readonly InstancePlan[], wanted: readonly InstancePlan[],
  keep: (eip: string, instance: InstancePlan) => boolean,
): readonly InstancePlan[] {
  const stale = current.filter((old) => !wanted.some((instance) => isSame(old, instance)));
  const all = [...wanted, ...stale].map((instance) => {
    const old = current.find((one) => isSame(one, instance));
    const own = instance.addresses.filter((eip) => keep(eip, instance));
    const left = (old?.addresses ?? []).filter((eip) =>
      !instance.addresses.includes(eip) && keep(eip, old ?? instance));
    return { ...instance, addresses: [...own, ...left] };
  });
  return all.filter(({ addresses }) => addresses.length > 0)
    .toSorted((a, b) => a.name < b.name ? -1 : 1);
}
