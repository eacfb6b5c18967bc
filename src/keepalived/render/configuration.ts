/** keepalived.conf from a plan. Pure. */
import type { Configuration, GlobalDefs, VrrpInstance } from '../config/model.ts';
import { type Version, formatVersion, isAtLeast } from '../config/version.ts';
import type { InstancePlan } from './plan.ts';
import type { VipSettings } from './settings.ts';

export interface RenderInput {
  readonly node: string;
  readonly instances: readonly InstancePlan[];
  readonly settings: VipSettings;
  /** The keepalived that is to read it. */
  readonly version: Version;
  /** FIFO for changes of state; null for none. */
  readonly fifo: string | null;
  /** Where dumps of its state go, from 2.3.3 on. */
  readonly dump?: string;
  /** The file that moves the priority of a refereed instance. */
  readonly refereeFile?: (instance: InstancePlan) => string;
}

/** What this keepalived cannot do, each as a sentence with what would help. */
export function refusals(
  settings: VipSettings, version: Version, instances: readonly InstancePlan[] = [],
): string[] {
  const here = `keepalived ${formatVersion(version)}`;
  const { advertMs, missed, hmacKeyFile, unicast, useVmac } = settings;
  const refused: string[] = [];
  if (!Number.isInteger(advertMs / 10) || advertMs < 10 || advertMs > 40_950) {
    refused.push(`an advertisement every ${advertMs} ms: give 10 to 40950, in steps of 10`);
  }
  if (hmacKeyFile !== null && !isAtLeast(version, '2.4.0')) {
    refused.push(`${here} knows no auth_hmac: give no key, or install 2.4.0 or later. auth_pass is `
      + 'no stand-in: it is sent in the clear to everyone on the LAN, and version 3 has none');
  }
  if (missed !== 3 && !isAtLeast(version, '2.2.3')) {
    refused.push(`${here} takes over after three advertisements: ${missed} needs 2.2.3 or later`);
  }
  if (unicast && useVmac && !isAtLeast(version, '2.2.0')) {
    refused.push(`${here} has no virtual MAC with unicast: use one of them`);
  }
  for (const family of unicast ? new Set(instances.map((one) => one.family)) : []) {
    if (peersOf(settings, family).length > 0) continue;
    refused.push(`unicast for IPv${family}, and no other node has an address of it: name the nodes' `
      + 'addresses, or use multicast');
  }
  return refused;
}

function peersOf({ unicast }: VipSettings, family: 4 | 6): string[] {
  return unicast?.nodes.filter((node) =>
    node.includes(':') === (family === 6) && node !== unicast.source[family]) ?? [];
}

/** The whole configuration. `refusals` have been asked before. */
export function configurationFor(input: RenderInput): Configuration {
  const { instances, settings, refereeFile } = input;
  const { trackScripts, trackProcesses } = settings;
  const refereed = instances.filter((instance) => instance.refereed === true);
  return {
    global_defs: globalDefs(input),
    ...trackScripts.length === 0 ? {} : {
      vrrp_script: trackScripts.map(({ name, command, intervalS, timeoutS }) =>
        ({ name, script: command, interval: intervalS, timeout: timeoutS, rise: 1, fall: 2 })),
    },
    ...trackProcesses.length === 0 ? {} : {
      vrrp_track_process: trackProcesses.map(({ name, process }) =>
        ({ name, process: { path: process } })),
    },
    ...refereed.length === 0 ? {} : {
      track_file: refereed.map((instance) => ({
        name: instance.name, file: refereeFile?.(instance) ?? '', weight: { weight: 1 },
      })),
    },
    vrrp_instance: instances.map((instance) => instanceOf(instance, input)),
  };
}

function globalDefs({ node, settings, version, fifo, dump }: RenderInput): GlobalDefs {
  const { garp, advertMs, trackScripts } = settings;
  return {
    router_id: node,
    ...trackScripts.length === 0 ? {} : {
      enable_script_security: true, script_user: { user: 'root' },
    },
    ...fifo === null ? {} : { vrrp_notify_fifo: { path: fifo } },
    ...fifo !== null && isAtLeast(version, '2.2.5')
      ? { fifo_write_vrrp_states_on_reload: true } : {},
    ...dump !== undefined && isAtLeast(version, '2.3.3') ? { json_dump_file: dump } : {},
    vrrp_version: 3,
    vrrp_garp_master_repeat: garp.repeat,
    vrrp_garp_master_delay: garp.againS,
    vrrp_garp_master_refresh: garp.refreshS,
    vrrp_garp_master_refresh_repeat: 1,
    // Said again when the other side of a split is heard: it may have taught others.
    vrrp_garp_lower_prio_repeat: garp.repeat,
    // By then the fence lets it speak again (src/net/vrrp-fence.ts): two adverts, and a half.
    vrrp_garp_lower_prio_delay: Math.max(garp.againS, Math.ceil(2.5 * advertMs / 1000)),
    ...advertMs < 1000 ? promptness(version) : {},
  };
}

/** A process that waits for its turn, or for its memory, is a master that is not heard. */
function promptness(version: Version): GlobalDefs {
  // Up to 2.3.3 a reload leaves a real-time process with a limit of no time at all where it may not
  // raise limits, and the kernel kills it at the next address.
  const hasSafeReload = isAtLeast(version, '2.3.4');
  return {
    vrrp_no_swap: true,
    ...hasSafeReload
      ? { vrrp_rt_priority: 20, vrrp_rlimit_rttime: 10_000_000 } : { vrrp_priority: -20 },
  };
}

function instanceOf(instance: InstancePlan, { settings, version }: RenderInput): VrrpInstance {
  const { family, interface: device, addresses: [first, ...others] } = instance;
  const line = (eip: string) => ({ address: `${eip}/${family === 4 ? 32 : 128}`, dev: device });
  const { advertMs, missed, trackScripts, trackProcesses } = settings;
  const { failbackS = settings.failbackS } = instance;
  // Its own it tracks anyway, and keepalived refuses to be told.
  const trackInterfaces = settings.trackInterfaces.filter((name) => name !== device);
  return {
    name: instance.name,
    state: 'BACKUP',
    interface: device,
    virtual_router_id: instance.vrid,
    priority: instance.priority,
    advert_int: advertMs / 1000,
    version: 3,
    // A master may have another address to advertise than its backups, for a moment.
    skip_check_adv_addr: true,
    ...missed === 3 ? {} : { down_timer_adverts: missed },
    ...failbackS === null ? { nopreempt: true as const }
      : failbackS === 0 ? {} : { preempt_delay: failbackS },
    // A backup that was itself stopped does not take its own silence for the master's.
    ...failbackS === null && isAtLeast(version, '2.2.8')
      ? { timer_expired_backup: true as const } : {},
    ...unicastOf(instance, settings),
    ...settings.useVmac ? { use_vmac: {} } : {},
    ...settings.hmacKeyFile === null ? {} : {
      auth_hmac: { key: [{ id: 1, key: `file:${settings.hmacKeyFile}` }], active_key: 1 },
    },
    virtual_ipaddress: first === undefined ? [] : [line(first)],
    ...others.length === 0 ? {} : { virtual_ipaddress_excluded: others.map(line) },
    ...trackInterfaces.length === 0 ? {} : {
      track_interface: trackInterfaces.map((name) => ({ name })),
    },
    ...trackScripts.length === 0 ? {} : {
      track_script: trackScripts.map(({ name }) => ({ name })),
    },
    ...trackProcesses.length === 0 ? {} : {
      track_process: trackProcesses.map(({ name }) => ({ name })),
    },
    ...instance.refereed === true ? { track_file: [{ name: instance.name }] } : {},
  };
}

function unicastOf({ family }: InstancePlan, settings: VipSettings): Partial<VrrpInstance> {
  const { unicast, useVmac } = settings;
  if (!unicast) return {};
  const source = unicast.source[family];
  return {
    ...source === undefined ? {} : { unicast_src_ip: source },
    unicast_peer: peersOf(settings, family).map((address) => ({ address })),
    // Else advertisements would leave from the virtual MAC, which no peer can answer.
    ...useVmac ? { vmac_xmit_base: true as const } : {},
  };
}
