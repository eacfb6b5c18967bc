/** Virtual servers, as far as keepalived refuses them (validate_check_config, vs_end_handler). */
import { addressFamily, bareAddress } from '../read/addresses.ts';
import type { Statement } from '../read/context.ts';
import { readUnsigned } from '../read/numbers.ts';
import { type Checker, statementsOf } from './checker.ts';

/** Where a server listens: an address and a port, a mark, or the addresses of a group. */
interface Target {
  readonly kind: 'address' | 'fwmark' | 'group';
  readonly family: 4 | 6 | undefined;
  readonly port: number;
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined || /^0*$/.test(text)) return 0;
  const port = readUnsigned(text);
  return port.ok && port.value >= 1n && port.value <= 65_535n ? Number(port.value) : undefined;
}

/** Reads what stands behind virtual_server, real_server and sorry_server. */
function targetOf(checker: Checker, statement: Statement): Target | undefined {
  const [keyword, first, second] = statement.words.map((word) => word.text);
  const refuse = (message: string, value: string | undefined) => {
    checker.sayAt(statement.at, `${keyword ?? ''}: ${message}`, {
      key: keyword ?? '', code: 'not-allowed', value,
    });
    return undefined;
  };
  if (first === undefined) return undefined;
  if (keyword === 'virtual_server' && first === 'group') {
    return second === undefined ? refuse('the name of the group is missing', undefined)
      : { kind: 'group', family: undefined, port: 0 };
  }
  if (keyword === 'virtual_server' && first === 'fwmark') {
    const mark = second === undefined ? undefined : readUnsigned(second);
    return mark?.ok === true && mark.value <= 0xffff_ffffn
      ? { kind: 'fwmark', family: undefined, port: 0 }
      : refuse('the mark has to be 0 to 4294967295', second);
  }
  const family = addressFamily(bareAddress(first));
  const port = portOf(second);
  if (family === undefined) return refuse(`"${first}" is not an address`, first);
  if (port === undefined) return refuse(`"${second ?? ''}" is not a port`, second);
  return { kind: 'address', family, port };
}

function isTunnel(statement: Statement | undefined): boolean {
  return Array.isArray(statement?.value) && statement.value[0] === 'TUN';
}

/** Things that a virtual server has to say about itself. */
function checkSettings(checker: Checker, server: Statement, target: Target): void {
  const has = (...keywords: string[]) => statementsOf(server.body, ...keywords).length > 0;
  const last = (keyword: string) => statementsOf(server.body, keyword).at(-1)?.value;
  const name = server.words.slice(1).map((word) => word.text).join(' ');
  const say = (message: string, key: string) =>
    checker.sayAt(server.at, `virtual_server ${name}: ${message}`, { key, code: 'incomplete' });
  const byMark = target.kind === 'fwmark';
  if (!byMark && target.kind === 'address') {
    if (!has('protocol')) say('protocol is missing', 'protocol');
    else if (has('ops') && last('protocol') !== 'UDP') say('ops needs protocol UDP', 'ops');
    if (target.port === 0 && !has('persistence_timeout', 'persistence_granularity')) {
      say('without a port it needs persistence_timeout', 'persistence_timeout');
    }
  }
  if (byMark && has('protocol')) say('a server by mark has no protocol', 'protocol');
  if (byMark && has('ha_suspend')) say('a server by mark has no ha_suspend', 'ha_suspend');
  if (!has('lb_algo', 'lvs_sched')) say('lb_algo is missing', 'lb_algo');
  const quorum = Number(last('quorum') ?? 1);
  const hysteresis = Number(last('hysteresis') ?? 0);
  if (hysteresis >= quorum) {
    say(`hysteresis ${hysteresis} has to be below quorum ${quorum}`, 'hysteresis');
  }
}

/** The servers behind a virtual server. */
function checkRealServers(checker: Checker, server: Statement, target: Target): void {
  const name = server.words.slice(1).map((word) => word.text).join(' ');
  const say = (at: Statement['at'], message: string) =>
    checker.sayAt(at, `virtual_server ${name}: ${message}`, { key: 'real_server' });
  const kinds = statementsOf(server.body, 'lb_kind', 'lvs_method');
  const real = statementsOf(server.body, 'real_server');
  if (real.length === 0) say(server.at, 'it has no real_server');
  const seen = new Set<string>();
  let weights = 0;
  let { family } = target;
  for (const one of real) {
    const own = targetOf(checker, one);
    const method = statementsOf(one.body, 'lvs_method').at(-1) ?? kinds.at(-1);
    if (!method) say(one.at, 'it has neither lb_kind nor lvs_method');
    if (!own) continue;
    const words = one.words.slice(1, 3).map((word) => word.text).join(' ');
    if (seen.has(words)) say(one.at, `real_server ${words} is given twice`);
    seen.add(words);
    weights += Number(statementsOf(one.body, 'weight').at(-1)?.value
      ?? statementsOf(server.body, 'weight').at(-1)?.value ?? 1);
    if (isTunnel(method)) continue;
    if (family !== undefined && own.family !== family) {
      say(one.at, `real_server ${words} is of the other family`);
    }
    family ??= own.family;
    const direct = Array.isArray(method?.value) && method.value[0] === 'DR';
    if (target.kind === 'fwmark' && own.port !== 0 && direct) {
      say(one.at, `real_server ${words} has a port, but the server is by mark`);
    } else if (target.kind === 'address' && own.port !== target.port && direct) {
      say(one.at, `real_server ${words} has another port than the server`);
    }
  }
  const quorum = Number(statementsOf(server.body, 'quorum').at(-1)?.value ?? 1);
  if (real.length > 0 && quorum > weights) {
    say(server.at, `quorum ${quorum} is above the total weight ${weights}`);
  }
}

/** All virtual servers and groups of them. */
export function checkVirtualServers(checker: Checker): void {
  for (const group of statementsOf(checker.statements, 'virtual_server_group')) {
    if ((group.rows ?? []).length === 0) {
      checker.sayAt(group.at, 'virtual_server_group: it has no entries', {
        key: 'virtual_server_group', code: 'incomplete',
      });
    }
  }
  for (const server of statementsOf(checker.statements, 'virtual_server')) {
    const target = targetOf(checker, server);
    if (!target) continue;
    checkSettings(checker, server, target);
    checkRealServers(checker, server, target);
  }
}
