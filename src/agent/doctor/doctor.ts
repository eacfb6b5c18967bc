/** `tenure doctor`: everything that this host needs, each check with its finding and its mend. */
import type { AgentConfig } from '../../config/agent-config.ts';
import { endedIn } from '../../core/model.ts';
import { StoreError } from '../../store/lease-store.ts';
import type { LeaseStore } from '../../store/lease-store.ts';
import { fail, ok, warn } from './check.ts';
import type { Check } from './check.ts';
import { readEipsDirectory } from '../vip/eips-directory.ts';
import { checkEips, withNetwork } from './eips.ts';
import { checkVip } from './vip.ts';
import {
  checkClock, checkFence, checkMachine, checkPrivileges, checkRivals, checkSysctls,
} from './host.ts';

const latencyRounds = 10;

/** Checks in the order that mends are made in: what fails first may be why others fail. */
export async function examine(config: AgentConfig, store: LeaseStore): Promise<readonly Check[]> {
  const { checks, privileged } = await checkHost(config);
  if (privileged) checks.push(checkMachine(withNetwork((network) => network.list())));
  const reached = await checkStore(config, store);
  checks.push(...reached);
  if (!privileged || reached.some(({ state }) => state === 'fail')) return checks;
  checks.push(...await checkAddresses(config, store));
  return checks;
}

/** The same where there is no store. */
export async function examineWithoutStore(config: AgentConfig): Promise<readonly Check[]> {
  const { documents, problems } = readEipsDirectory(config.eipsDirectory ?? '');
  const { checks, privileged } = await checkHost(config);
  checks.push(...problems.map((text) => fail('Eips', text, 'correct the manifest')));
  if (!privileged) return checks;
  checks.push(...await checkVip(config, documents, withNetwork((network) => network)));
  return checks;
}

/** What matters with any store, or none. */
async function checkHost(
  config: AgentConfig,
): Promise<{ readonly checks: Check[]; readonly privileged: boolean }> {
  const privileges = checkPrivileges();
  const privileged = privileges.state === 'ok';
  const checks: Check[] = [privileges];
  if (privileged) checks.push(...checkFence());
  checks.push(...await checkClock(), ...checkRivals(config.vip.runDirectory));
  return { checks, privileged };
}

async function checkStore(config: AgentConfig, store: LeaseStore): Promise<readonly Check[]> {
  const deadline = (): AbortSignal => AbortSignal.timeout(config.store.requestTimeoutMs * 3);
  try {
    const { kind, version, endpoints } = await store.info(deadline());
    const checks: Check[] = endpoints.flatMap(({ address, problem }) => (problem === null ? [] : [
      warn(`endpoint ${address}`, problem, 'see its log, or take it out of the options of the store'),
    ]));
    const times: number[] = [];
    for (let i = 0; i < latencyRounds; i++) {
      const before = performance.now();
      await store.read(deadline());
      times.push(performance.now() - before);
    }
    const worst = Math.max(...times);
    const text = `${kind} ${version} answers in ${(times.sort((a, b) => a - b)[5] ?? worst).toFixed(1)} ms, `
      + `at worst ${worst.toFixed(1)} ms`;
    const slow = worst > config.leaseMs / 10;
    await store.listDocuments(deadline());
    const faults = await store.examine(deadline());
    checks.push(...faults.map(({ what, fix }) => fail('store', what, fix)));
    checks.unshift(slow
      ? warn('store', `${text}: slow for a lease of ${String(config.leaseMs)} ms`,
        'bring the store nearer, give it a faster disk, or lengthen the lease')
      : ok('store', text));
    return checks;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return [fail('store', error.message, error.fix ?? 'see whether it runs, and the options of the store')];
  }
}

async function checkAddresses(
  config: AgentConfig, store: LeaseStore,
): Promise<readonly Check[]> {
  const deadline = (): AbortSignal => AbortSignal.timeout(config.store.requestTimeoutMs * 3);
  const [documents, view] = await Promise.all([
    store.listDocuments(deadline()), store.read(deadline()),
  ]);
  const { checks, interfaces } = await checkEips(documents, config, (eip) => {
    const holder = view.leases.get(eip)?.holder ?? null;
    return holder !== null && !endedIn(view, holder) && holder.node !== config.node.name;
  });
  const live = view.nodes.get(config.node.name);
  const agent = live === undefined
    ? warn('agent', `no agent of the name ${config.node.name} is alive`, 'systemctl start tenure')
    : ok('agent', `${config.node.name} is alive on ${live.record.host}, Tenure ${live.record.version}`);
  return [agent, ...checks, ...checkSysctls(interfaces)];
}
