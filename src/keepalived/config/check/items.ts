/** Blocks of their own: tracked items, BFD, pauses, and settings of the whole. */
import type { BfdInstance, TrackFile } from '../model.ts';
import { addressFamily, bareAddress, canonicalAddress } from '../read/addresses.ts';
import type { Statement } from '../read/context.ts';
import { type Checker, statementsOf } from './checker.ts';

/** Each vrrp_script needs a script. */
export function checkVrrpScripts(checker: Checker): void {
  for (const script of checker.configuration.vrrp_script ?? []) {
    if (script.script === undefined) {
      checker.say(script, `vrrp_script ${script.name}: script is missing`, {
        key: 'script', code: 'incomplete',
      });
    }
  }
}

/** A second weight is refused unless the first was the default. */
function checkWeights(checker: Checker, statement: Statement, fallback: number): void {
  const weights = statementsOf(statement.body, 'weight');
  const set = weights.findIndex(({ value }) =>
    value !== undefined && (value as { weight: number }).weight !== fallback);
  const again = set < 0 ? undefined : weights[set + 1];
  if (again) {
    checker.sayAt(again.at, `weight was already given in line ${weights[set]?.at.line ?? 0}`, {
      key: 'weight', code: 'duplicate',
    });
  }
}

/** Tracked processes: their quorum and what they lack. */
export function checkTrackProcesses(checker: Checker): void {
  for (const statement of statementsOf(checker.statements, 'vrrp_track_process')) {
    const name = statement.words[1]?.text ?? '';
    const say = (at: Statement['at'], message: string, key: string) =>
      checker.sayAt(at, `vrrp_track_process ${name}: ${message}`, { key });
    if (statementsOf(statement.body, 'process').length === 0) {
      say(statement.at, 'process is missing', 'process');
    }
    checkWeights(checker, statement, 0);
    let quorum = 1;
    let most = Infinity;
    for (const inner of statementsOf(statement.body, 'quorum', 'quorum_max')) {
      const { value, at } = inner;
      if (typeof value !== 'number') continue;
      if (inner.words[0]?.text === 'quorum') {
        if (value > most) say(at, `quorum ${value} is above quorum_max ${most}`, 'quorum');
        else quorum = value;
      } else if ((value > 0 || quorum > 1) && value < quorum) {
        say(at, `quorum_max ${value} is below quorum ${quorum}`, 'quorum_max');
      } else {
        most = value;
        if (value === 0) quorum = 0;
        else if (quorum === 0) quorum = 1;
      }
    }
  }
}

/** Tracked files: what they lack, and whether they can be created. */
export function checkTrackFiles(checker: Checker): void {
  const { track_file, vrrp_track_file } = checker.configuration;
  for (const statement of statementsOf(checker.statements, 'track_file', 'vrrp_track_file')) {
    checkWeights(checker, statement, 1);
  }
  for (const file of [...track_file ?? [], ...vrrp_track_file ?? []]) {
    if (file.file === undefined) {
      checker.say(file, `track_file ${file.name}: file is missing`, {
        key: 'file', code: 'incomplete',
      });
    } else {
      checkInitFile(checker, file, file.file);
      if (checker.since('2.2.8')) checkDirectory(checker, file, file.file);
    }
  }
}

/** keepalived watches the directory; it has to be there, and be named: `/x` names none. */
function checkDirectory(checker: Checker, file: TrackFile, path: string): void {
  const end = path.lastIndexOf('/');
  const directory = end < 0 ? '.' : path.slice(0, end);
  if (directory !== '' && checker.facts.file?.(directory) !== 'missing') return;
  checker.say(file, `track_file ${file.name}: the directory of ${path} cannot be watched`, {
    key: 'file', code: 'host', value: path,
  });
}

function checkInitFile(checker: Checker, file: TrackFile, path: string): void {
  if (file.init_file?.overwrite !== true) return;
  const kind = checker.facts.file?.(path);
  if (kind === 'directory' || kind === 'other') {
    checker.say(file, `track_file ${file.name}: ${path} is not a regular file and cannot be `
      + 'overwritten', { key: 'init_file', code: 'host', value: path });
  }
}

/** BFD sessions: each has its own neighbour. */
export function checkBfd(checker: Checker): void {
  const known: { instance: BfdInstance; neighbor: string; source: string | undefined }[] = [];
  for (const instance of checker.configuration.bfd_instance ?? []) {
    const say = (message: string, key: string) =>
      checker.say(instance, `bfd_instance ${instance.name}: ${message}`, { key });
    const given = instance.neighbor_ip ?? instance.neighbour_ip;
    const neighbor = given === undefined ? undefined : bareAddress(given);
    if (neighbor === undefined) {
      say('neighbor_ip is missing', 'neighbor_ip');
      continue;
    }
    const source = instance.source_ip === undefined ? undefined : bareAddress(instance.source_ip);
    const family = addressFamily(neighbor);
    if (source !== undefined && addressFamily(source) !== family) {
      say(`source_ip ${source} and neighbor_ip ${neighbor} are of different families`, 'source_ip');
      continue;
    }
    const [here, there] = [source, neighbor].map((one) =>
      one === undefined ? undefined : canonicalAddress(one));
    const other = known.find((one) => one.neighbor === there
      && (one.source === undefined || here === undefined || one.source === here));
    if (other) say(`bfd_instance ${other.instance.name} has the same ends`, 'neighbor_ip');
    else if (there !== undefined) known.push({ instance, neighbor: there, source: here });
    // keepalived keeps max_hops in one byte, so -1 is 255.
    const hops = (instance.max_hops ?? 0) & 0xff;
    const ttl = instance.ttl ?? instance.hoplimit ?? (family === 4 ? 255 : 64);
    if (hops > ttl) say(`max_hops ${hops} is above the ttl ${ttl}`, 'max_hops');
  }
}

/** Pauses between gratuitous ARPs: each group has one, and each interface one group. */
export function checkGarpGroups(checker: Checker): void {
  const taken = new Set<string>();
  for (const group of checker.configuration.garp_group ?? []) {
    if (group.garp_interval === undefined && group.gna_interval === undefined) {
      checker.say(group, 'garp_group: it has neither garp_interval nor gna_interval', {
        key: 'garp_group', code: 'incomplete',
      });
    }
    const names = [...group.interface === undefined ? [] : [group.interface],
      ...group.interfaces ?? []];
    for (const name of names) {
      if (taken.has(name)) {
        checker.say(group, `garp_group: the interface ${name} is in a garp_group already`, {
          key: 'garp_group', code: 'duplicate', value: name,
        });
      }
      taken.add(name);
    }
  }
}

/** Groups that static items follow: they are left out in silence if they have no members. */
export function checkStaticGroups(checker: Checker): void {
  const names = (checker.configuration.vrrp_instance ?? []).map(({ name }) => name);
  for (const group of checker.configuration.track_group ?? []) {
    const missing = (group.group ?? []).filter((name) => !names.includes(name));
    const severity = group.group === undefined && checker.since('2.2.8') ? 'error' : 'warning';
    if (group.group === undefined) {
      checker.say(group, `track_group ${group.name}: it has no group { ... }`, {
        key: 'group', code: 'incomplete', severity,
      });
    }
    for (const name of missing) {
      checker.say(group, `track_group ${group.name}: there is no vrrp_instance ${name}`, {
        key: 'group', code: 'undefined-name', value: name, severity: 'warning',
      });
    }
  }
}

const affinities = ['vrrp_cpu_affinity', 'checker_cpu_affinity', 'bfd_cpu_affinity'] as const;

/** Settings of the whole that depend on the host. */
export function checkGlobals(checker: Checker): void {
  const { global, facts } = checker;
  for (const key of affinities) {
    const beyond = (global[key] ?? []).find((cpu) => facts.cpus !== undefined && cpu >= facts.cpus);
    if (beyond === undefined) continue;
    checker.say(global, `${key}: this host has no CPU ${beyond}`, {
      key, code: 'host', value: String(beyond), allowed: `0 to ${(facts.cpus ?? 1) - 1}`,
    });
  }
}
