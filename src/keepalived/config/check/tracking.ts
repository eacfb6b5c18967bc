/** What instances and sync groups track, and with which weight. */
import type { TrackLine, VrrpInstance, VrrpSyncGroup } from '../model.ts';
import type { Checker } from './checker.ts';
import { type Effective, isOwner } from './effective.ts';

const kinds = {
  track_script: 'vrrp_script',
  track_file: 'track_file',
  track_process: 'vrrp_track_process',
  track_bfd: 'bfd_instance',
} as const;

type TrackKeyword = keyof typeof kinds;
type Tracker = VrrpInstance | VrrpSyncGroup;

/** Something that can be tracked, and the weight it has by itself. */
interface Trackable {
  readonly part: object;
  readonly weight: number;
}

/** Items to track, by keyword and name; the first of a name counts. */
export type Trackables = Readonly<Record<TrackKeyword, ReadonlyMap<string, Trackable>>>;

function byName(
  blocks: readonly { readonly name: string; readonly weight?: { readonly weight: number } }[],
  fallback: number,
): Map<string, Trackable> {
  const map = new Map<string, Trackable>();
  for (const block of blocks) {
    if (!map.has(block.name)) {
      map.set(block.name, { part: block, weight: block.weight?.weight ?? fallback });
    }
  }
  return map;
}

/** Everything that can be tracked. */
export function trackables(checker: Checker): Trackables {
  const { vrrp_script, track_file, vrrp_track_file, vrrp_track_process, bfd_instance } =
    checker.configuration;
  return {
    track_script: byName(vrrp_script ?? [], 0),
    track_file: byName([...track_file ?? [], ...vrrp_track_file ?? []], 1),
    track_process: byName(vrrp_track_process ?? [], 0),
    track_bfd: byName(bfd_instance ?? [], 0),
  };
}

const keywords = Object.keys(kinds) as TrackKeyword[];

function titleOf(tracker: Tracker, checker: Checker): string {
  const isGroup = checker.configuration.vrrp_sync_group?.some((group) => group === tracker);
  return `${isGroup === true ? 'vrrp_sync_group' : 'vrrp_instance'} ${tracker.name}`;
}

/** Every item tracked has to be defined before, and is tracked once. */
export function checkTracked(checker: Checker, tracker: Tracker, items: Trackables): void {
  const title = titleOf(tracker, checker);
  for (const keyword of [...keywords, 'track_interface' as const]) {
    const seen = new Set<string>();
    for (const line of tracker[keyword] ?? []) {
      const about = { key: keyword, value: line.name };
      if (seen.has(line.name)) {
        checker.say(line, `${title}: ${keyword} ${line.name} is given twice`, {
          ...about, code: 'duplicate',
        });
      }
      seen.add(line.name);
      if (keyword === 'track_interface') continue;
      const item = items[keyword].get(line.name);
      if (item && checker.isBefore(item.part, line)) continue;
      checker.say(line, `${title}: ${kinds[keyword]} ${line.name} is not defined`
        + (item ? ' before it is tracked' : ''), { ...about, code: 'undefined-name' });
    }
  }
}

function weightOf(line: TrackLine, keyword: TrackKeyword, items: Trackables): number {
  return line.weight ?? items[keyword].get(line.name)?.weight ?? 0;
}

/** Tracked items of an instance: its own interface, and weights that it cannot use. */
export function checkInstanceTracking(
  checker: Checker, effective: Effective, group: VrrpSyncGroup | undefined, items: Trackables,
): void {
  const { instance } = effective;
  for (const line of instance.track_interface ?? []) {
    if (line.name === instance.interface) {
      checker.say(line, `vrrp_instance ${instance.name}: track_interface ${line.name} is its own `
        + 'interface, which it tracks anyway', { key: 'track_interface', value: line.name });
    }
  }
  const grouped = group !== undefined && !hasOwnWeights(group);
  if (!grouped && !isOwner(effective)) return;
  const reason = grouped ? `a member of vrrp_sync_group ${group.name}` : 'an address owner';
  const say = (line: TrackLine, keyword: string, weight: number) => {
    checker.say(line, `vrrp_instance ${instance.name}: as ${reason} it cannot use the weight `
      + `${weight} of ${keyword} ${line.name}; give weight 0`, { key: keyword, value: String(weight) });
  };
  for (const line of instance.track_interface ?? []) {
    if ((line.weight ?? 0) !== 0 && line.name !== instance.interface) {
      say(line, 'track_interface', line.weight ?? 0);
    }
  }
  for (const keyword of ['track_script', 'track_file', 'track_bfd'] as const) {
    for (const line of instance[keyword] ?? []) {
      const weight = weightOf(line, keyword, items);
      if (weight !== 0) say(line, keyword, weight);
    }
  }
}

/** Whether members of a group may have weights of their own. */
export function hasOwnWeights(group: VrrpSyncGroup): boolean {
  return group.sync_group_tracking_weight === true || group.global_tracking === true;
}

/** Weights of a group one of whose members owns its addresses; interfaces tracked twice. */
export function checkGroupTracking(
  checker: Checker, group: VrrpSyncGroup, members: readonly Effective[], items: Trackables,
): void {
  const title = `vrrp_sync_group ${group.name}`;
  const owner = members.find(isOwner);
  if (owner) {
    const lines = keywords.filter((keyword) => keyword !== 'track_process' || checker.since('2.2.0'))
      .flatMap((keyword) => (group[keyword] ?? []).map((line) =>
        ({ line, keyword: keyword, weight: weightOf(line, keyword, items) })));
    const interfaces = (group.track_interface ?? []).map((line) =>
      ({ line, keyword: 'track_interface', weight: line.weight ?? 0 }));
    for (const { line, keyword, weight } of [...lines, ...interfaces]) {
      if (weight === 0) continue;
      checker.say(line, `${title}: it cannot use the weight ${weight} of ${keyword} ${line.name}, `
        + `because its member ${owner.instance.name} has priority 255`, {
        key: keyword, value: String(weight),
      });
    }
  }
  if (!checker.since('2.2.0')) return;
  for (const line of group.track_interface ?? []) {
    for (const { instance } of members) {
      const own = line.name === instance.interface && instance.dont_track_primary !== true;
      if (!own && !instance.track_interface?.some(({ name }) => name === line.name)) continue;
      checker.say(line, `${title}: its member ${instance.name} tracks the interface ${line.name} `
        + 'already', { key: 'track_interface', value: line.name, code: 'duplicate' });
    }
  }
}
