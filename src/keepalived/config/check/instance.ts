/** One instance by itself (vrrp_end_handler, chk_min_cfg, vrrp_complete_instance). */
import { isLinkLocal } from '../read/addresses.ts';
import { type Checker, statementsOf } from './checker.ts';
import { type Effective, isOwner } from './effective.ts';

/** What an instance cannot do without. */
export function checkMinimum(checker: Checker, effective: Effective): void {
  const { instance, statement, vmac } = effective;
  const has = (keyword: string) => statementsOf(statement.body, keyword).length > 0;
  if (!has('virtual_router_id')) {
    checker.sayOf(instance, 'virtual_router_id is missing', {
      code: 'incomplete', key: 'virtual_router_id', allowed: '1 to 255',
    });
  }
  if (!has('interface')) checkNoInterface(checker, effective);
  if (!has('interface') && vmac && checker.since('2.3.3')) {
    checker.sayOf(instance, 'use_vmac needs an interface', { key: 'use_vmac' });
  }
  const empty = (instance.virtual_ipaddress ?? []).length === 0;
  if (empty && (instance.no_virtual_ipaddress !== true || effective.strict)) {
    checker.sayOf(instance, 'it has no virtual_ipaddress', {
      code: 'incomplete', key: 'virtual_ipaddress',
    });
  }
  checkLoopback(checker, effective);
}

function checkNoInterface(checker: Checker, effective: Effective): void {
  const { instance, unicast, unicastWanted, family, ipvlan } = effective;
  // From 2.2.5 to 2.2.7 keepalived looks for the peers before it has counted them.
  const allowed = checker.since('2.2.8') ? unicastWanted : unicast && !checker.since('2.2.5');
  if (!allowed) {
    checker.sayOf(instance, 'interface is missing', { code: 'incomplete', key: 'interface' });
    return;
  }
  const source = instance.unicast_src_ip ?? instance.mcast_src_ip;
  if (source === undefined && !(ipvlan && instance.use_ipvlan?.address !== undefined)) {
    checker.sayOf(instance, 'without an interface it needs unicast_src_ip', {
      code: 'incomplete', key: 'unicast_src_ip',
    });
  } else if (family === 6 && source !== undefined && isLinkLocal(source)) {
    checker.sayOf(instance, 'without an interface its source may not be link-local', {
      key: 'unicast_src_ip', value: source,
    });
  }
}

function checkLoopback(checker: Checker, { instance, unicast, vmac, ipvlan }: Effective): void {
  const name = instance.interface;
  const facts = checker.interfaceFacts(name);
  if (name === undefined || !facts) return;
  if (facts.loopback === true) {
    checker.sayOf(instance, `the interface ${name} is a loopback`, {
      code: 'host', key: 'interface', value: name,
    });
  }
  if (facts.multicast === false && !unicast) {
    checker.sayOf(instance, `the interface ${name} cannot multicast; give unicast_peer`, {
      code: 'host', key: 'interface', value: name,
    });
  }
  if (facts.ethernet === false && (vmac || ipvlan)) {
    checker.sayOf(instance, `the interface ${name} is not Ethernet, which use_vmac and `
      + 'use_ipvlan need', { code: 'host', key: 'interface', value: name });
  }
}

/** Priority, state, and when to take over. */
export function checkElection(checker: Checker, effective: Effective): void {
  const { instance, statement, state, strict, priority } = effective;
  const states = statementsOf(statement.body, 'state');
  const master = states.findIndex((one) => one.value === 'MASTER');
  const late = states.slice(master + 1).find((one) => one.value === 'BACKUP');
  if (master >= 0 && late) {
    checker.sayAt(late.at, `vrrp_instance ${instance.name}: state BACKUP comes after state MASTER`, {
      key: 'state', value: 'BACKUP',
    });
  }
  const say = (key: string, message: string) => checker.sayOf(instance, message, { key });
  if (instance.nopreempt === true) {
    if (isOwner(effective)) say('nopreempt', `nopreempt does not go with priority ${priority}`);
    else if (state === 'MASTER') say('nopreempt', 'nopreempt needs state BACKUP');
  }
  if ((instance.preempt_delay ?? 0) > 0) {
    if (state === 'MASTER') say('preempt_delay', 'preempt_delay needs state BACKUP');
    else if (strict) say('preempt_delay', 'preempt_delay does not go with strict mode');
    else if (instance.nopreempt === true) {
      say('preempt_delay', 'preempt_delay does not go with nopreempt');
    }
  }
  const expires = instance.timer_expired_backup ?? instance.thread_timer_expired;
  if (expires !== undefined && instance.nopreempt !== true) {
    say('timer_expired_backup', 'timer_expired_backup needs nopreempt');
  }
  if (instance.owner_ignore_adverts === true && !isOwner(effective)) {
    say('owner_ignore_adverts', 'owner_ignore_adverts needs priority 255');
  } else if (instance.owner_ignore_adverts === false && isOwner(effective)) {
    say('owner_ignore_adverts', 'priority 255 needs owner_ignore_adverts');
  }
}

/** The advertisement interval as the version can say it. */
export function checkInterval(checker: Checker, { instance, version }: Effective): void {
  const seconds = instance.advert_int ?? 1;
  const micros = Math.round(seconds * 1_000_000);
  const about = { key: 'advert_int', value: String(seconds), code: 'out-of-range' } as const;
  if (version === 2 && micros % 1_000_000 !== 0) {
    checker.sayOf(instance, `advert_int ${seconds} has to be whole seconds in VRRP version 2`, {
      ...about, allowed: '1 to 255',
    });
  }
  if (version === 3 && (micros >= 40_960_000 || micros % 10_000 !== 0)) {
    checker.sayOf(instance, `advert_int ${seconds} has to be 0.01 to 40.95 in steps of 0.01 in `
      + 'VRRP version 3', { ...about, allowed: '0.01 to 40.95' });
  }
}

/** Passwords. */
export function checkAuthentication(checker: Checker, effective: Effective): void {
  const { instance, version, family, strict } = effective;
  const { authentication, auth_hmac: hmac } = instance;
  const type = authentication?.auth_type;
  const say = (message: string) => checker.sayOf(instance, message, { key: 'authentication' });
  if (type !== undefined) {
    if (strict) say('strict mode has no authentication');
    else if (version === 3) say('VRRP version 3 has no authentication');
    else if ((authentication?.auth_pass ?? '') === '') say('auth_pass is missing');
    else if (family === 6 && type === 'AH') say('auth_type AH does not go with IPv6');
    else if (type === 'AH' && effective.state === 'MASTER' && !isOwner(effective)) {
      say('auth_type AH needs state BACKUP');
    }
    if (hmac) say('authentication does not go with auth_hmac');
  }
  if (!hmac) return;
  const ids = (hmac.key ?? []).map((key) => key.id);
  if (new Set(ids).size !== ids.length) {
    checker.sayOf(instance, 'two keys of auth_hmac have one id', { key: 'auth_hmac' });
  }
  if (!ids.includes(hmac.active_key ?? 0)) {
    checker.sayOf(instance, 'active_key of auth_hmac names none of its keys', {
      key: 'auth_hmac', code: 'undefined-name',
    });
  }
  if (strict && (hmac.mode ?? 'enforce') !== 'enforce') {
    checker.sayOf(instance, 'strict mode needs mode enforce in auth_hmac', { key: 'auth_hmac' });
  }
}

/** What strict mode asks beyond the rest. */
export function checkStrict(checker: Checker, effective: Effective): void {
  const { instance, state, unicast, version } = effective;
  if (!effective.strict) return;
  const say = (key: string, message: string) => checker.sayOf(instance, message, { key });
  if (instance.state !== undefined && (state === 'MASTER') !== isOwner(effective)) {
    say('state', 'in strict mode state MASTER and priority 255 go together');
  }
  // From 2.2.5 to 2.3.4 keepalived asks before it has counted the peers.
  const asksForPeers = !checker.since('2.2.5') || checker.since('2.4.0');
  const facts = checker.interfaceFacts(instance.interface);
  if (unicast && asksForPeers && instance.interface !== undefined && facts?.multicast !== false
    && checker.hasInterface(instance.interface)) {
    say('unicast_peer', 'strict mode has no unicast');
  }
  if (instance.use_vmac?.mac !== undefined) say('use_vmac', 'strict mode has no other MAC address');
  if (effective.vmac && instance.vmac_xmit_base === true) {
    say('vmac_xmit_base', 'strict mode has no vmac_xmit_base');
  }
  const adverts = instance.down_timer_adverts ?? checker.global.vrrp_down_timer_adverts ?? 3;
  if (adverts !== 3) say('down_timer_adverts', 'strict mode needs down_timer_adverts 3');
  if (instance.accept === true && version === 2 && !isOwner(effective)) {
    say('accept', 'accept does not go with strict mode and VRRP version 2');
  }
  if ((instance.garp_lower_prio_repeat ?? 0) > 0) {
    say('garp_lower_prio_repeat', 'strict mode needs garp_lower_prio_repeat 0');
  }
  if ((instance.garp_lower_prio_delay ?? 0) > 0) {
    say('garp_lower_prio_delay', 'strict mode needs garp_lower_prio_delay 0');
  }
  if (instance.lower_prio_no_advert === false) {
    say('lower_prio_no_advert', 'strict mode needs lower_prio_no_advert');
  }
  if (instance.higher_prio_send_advert === true) {
    say('higher_prio_send_advert', 'strict mode has no higher_prio_send_advert');
  }
  if (instance.no_virtual_ipaddress === true) {
    say('no_virtual_ipaddress', 'strict mode needs a virtual_ipaddress');
  }
}
