/** What may stand outside all blocks. */
import { globalDefs } from './global-defs.ts';
import {
  block, entries, flag, keyword, named, opaque, optional, special, text, uint32, whole,
} from './make.ts';
import { ssl, virtualServer, virtualServerGroup } from './virtual-server.ts';
import {
  bfdInstance, garpGroup, interfaceUpDownDelays, linkbeatInterfaces, trackFile, trackGroup,
  vrrpScript, vrrpSyncGroup, vrrpTrackProcess,
} from './vrrp.ts';
import { addressUsage, routeUsage, ruleUsage, vrrpInstance } from './vrrp-instance.ts';

const adds = { repeat: 'adds' } as const;

/** The table: every keyword, in the order in which the writer puts them. */
export const root = {
  net_namespace: keyword(text(), 'Network namespace to run in.', { repeat: 'refused' }),
  net_namespace_ipvs: keyword(optional(text()), 'The same for IPVS alone.', {
    repeat: 'refused', needs: 'LVS',
  }),
  namespace_with_ipsets: keyword(flag, 'Use ipsets although in a namespace.'),
  instance: keyword(text(), 'Name of this keepalived, if there are several.', {
    repeat: 'refused',
  }),
  use_pid_dir: keyword(flag, 'Put pid files into a directory of their own.'),
  child_wait_time: keyword(whole(0, uint32), 'Seconds to wait for processes to end.'),
  linkbeat_use_polling: keyword(flag, 'Poll the link of all interfaces.', { needs: 'LINKBEAT' }),
  global_defs: keyword(block(globalDefs), 'Settings of the whole.', adds),
  linkbeat_interfaces: keyword(linkbeatInterfaces, 'Interfaces whose link is polled.', {
    ...adds, needs: 'LINKBEAT',
  }),
  interface_up_down_delays: keyword(interfaceUpDownDelays,
    'Seconds for which an interface must be down or up to count.', { ...adds, since: '2.2.3' }),
  garp_group: keyword(garpGroup, 'Pauses between gratuitous ARPs.', adds),
  track_group: keyword(named('only-name', trackGroup), 'Instances that static items follow.',
    adds),
  static_ipaddress: keyword(
    entries(special('address', `${addressUsage} [track_group GROUP]`)),
    'Addresses that are set at start.', adds),
  static_routes: keyword(entries(special('route', `${routeUsage} [track_group GROUP]`)),
    'Routes that are set at start.', adds),
  static_rules: keyword(entries(special('rule', `${ruleUsage} [track_group GROUP]`)),
    'Routing rules that are set at start.', adds),
  vrrp_script: keyword(named('name', vrrpScript), 'A script to track.', adds),
  vrrp_track_process: keyword(named('name', vrrpTrackProcess), 'A process to track.', {
    ...adds, needs: 'TRACK_PROCESS',
  }),
  track_file: keyword(named('name', trackFile), 'A file to track.', adds),
  vrrp_track_file: keyword(named('name', trackFile), 'The same.', {
    ...adds, deprecated: { use: 'track_file' },
  }),
  bfd_instance: keyword(bfdInstance, 'A BFD session to track.', { ...adds, needs: 'BFD' }),
  vrrp_sync_group: keyword(named('only-name', vrrpSyncGroup),
    'Instances that change state together.', adds),
  vrrp_instance: keyword(named('only-name', vrrpInstance), 'A virtual router.', adds),
  SSL: keyword(opaque(ssl), 'TLS of the checkers.', { ...adds, needs: 'LVS' }),
  virtual_server_group: keyword(opaque(virtualServerGroup), 'Addresses of virtual servers.', {
    ...adds, needs: 'LVS',
  }),
  virtual_server: keyword(opaque(virtualServer), 'A virtual server.', { ...adds, needs: 'LVS' }),
} as const;
