/** Everything that keepalived checks once it has read a configuration. */
import { statementsOf, type CheckInput, Checker } from './checker.ts';
import { checkStaticAddresses, checkTrackGroups, checkVirtualAddresses } from './addresses.ts';
import { effectiveInstance } from './effective.ts';
import { checkSyncGroups, checkVrids } from './groups.ts';
import {
  checkAuthentication, checkElection, checkInterval, checkMinimum, checkStrict,
} from './instance.ts';
import {
  checkBfd, checkGarpGroups, checkGlobals, checkStaticGroups, checkTrackFiles, checkTrackProcesses,
  checkVrrpScripts,
} from './items.ts';
import { checkNames, checkRepeats } from './repeats.ts';
import { checkScripts } from './scripts.ts';
import {
  checkGroupTracking, checkInstanceTracking, checkTracked, trackables,
} from './tracking.ts';
import { checkInterfaceNames, checkUnicast, checkVirtualInterface } from './transport.ts';
import { checkVirtualServers } from './virtual-servers.ts';

/** Checks the parts against each other and against the host; adds to the findings. */
export function checkConfiguration(input: CheckInput): void {
  const checker = new Checker(input);
  const { configuration, statements } = checker;
  checkRepeats(checker, statements);
  for (const keyword of ['vrrp_instance', 'vrrp_sync_group', 'track_group', 'bfd_instance'] as const) {
    checkNames(checker, keyword, configuration[keyword] ?? []);
  }
  checkGlobals(checker);
  checkGarpGroups(checker);
  checkStaticAddresses(checker);
  checkTrackGroups(checker);
  checkStaticGroups(checker);
  checkVrrpScripts(checker);
  checkTrackProcesses(checker);
  checkTrackFiles(checker);
  checkBfd(checker);
  checkScripts(checker);
  checkInstances(checker);
  checkVirtualServers(checker);
}

function checkInstances(checker: Checker): void {
  const { configuration, statements } = checker;
  const blocks = statementsOf(statements, 'vrrp_instance').filter(({ words }) => words[1]);
  const all = (configuration.vrrp_instance ?? []).flatMap((instance, index) => {
    const statement = blocks[index];
    return statement ? [effectiveInstance(checker, instance, statement)] : [];
  });
  const items = trackables(checker);
  const membership = checkSyncGroups(checker, all);
  for (const effective of all) {
    const group = [...membership].find(([, members]) => members.includes(effective))?.[0];
    checkMinimum(checker, effective);
    checkElection(checker, effective);
    checkInterval(checker, effective);
    checkAuthentication(checker, effective);
    checkStrict(checker, effective);
    checkUnicast(checker, effective);
    checkVirtualInterface(checker, effective);
    checkVirtualAddresses(checker, effective);
    checkTracked(checker, effective.instance, items);
    checkInstanceTracking(checker, effective, group, items);
  }
  for (const [group, members] of membership) {
    checkTracked(checker, group, items);
    checkGroupTracking(checker, group, members, items);
  }
  checkInterfaceNames(checker, all);
  checkVrids(checker, all);
}
