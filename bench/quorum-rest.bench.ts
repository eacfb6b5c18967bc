import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep, until } from '../test/lab/command.ts';
import { storeKinds, type StoreKind } from '../test/lab/lab-store.ts';
import { Lab } from '../test/lab/lab.ts';
import { Tenure } from '../test/lab/tenure.ts';
import { inQuorumMode } from '../test/netns/agent-stage.ts';
import { eipRange } from './addresses.ts';
import { chosen, seconds } from './environment.ts';
import type { Bench, Figure } from './frame/bench.ts';
import { termsOf } from './moves.ts';
import { quorumSettings } from './quorum.ts';

const nodes = 5;
/** Twelve renewals of a hold of 5 minutes: a window of other length counts some once more. */
const usualSeconds = 627;
const eips = 1_000;
/** Lines of succession are written in the background: at rest is who asks so little for so long. */
const restS = 30;
const restRequests = 5;
const restWithinMs = 600_000;
/** So long an agent watches its own timing before it says whether the profile fits. */
const observeS = 120;

/** How often each thing was asked, by its name. */
type Asked = ReadonlyMap<string, number>;

interface Counted {
  readonly tenure: Tenure;
  readonly count: () => Promise<Asked>;
}

/** Every message that etcd has got, those within streams (lease renewals) included. */
async function onEtcd(lab: Lab): Promise<Counted> {
  const tenure = await Tenure.start(lab);
  const script = `fetch('${tenure.etcd.member.metricsUrl}/metrics').then((r) => r.text()).then(console.log)`;
  const count = async (): Promise<Asked> => {
    const metrics = await lab.run('store', [process.execPath, '-e', script]);
    return new Map([...metrics.matchAll(/^grpc_server_msg_received_total\{.*grpc_method="(\w+)".*\} (\S+)$/gm)]
      .map(([, method = '', value]) => [method, Number(value)]));
  };
  return { tenure, count };
}

/** The server itself asks as well, its lease every 10 s: its audit tells who asked for what. */
async function onKubernetes(lab: Lab): Promise<Counted> {
  const [policy, log] = [join(lab.dir, 'audit.yaml'), join(lab.dir, 'audit.log')];
  writeFileSync(policy, JSON.stringify({
    apiVersion: 'audit.k8s.io/v1', kind: 'Policy',
    omitStages: ['ResponseStarted', 'ResponseComplete', 'Panic'],
    rules: [
      { level: 'Metadata', users: ['system:serviceaccount:tenure-system:tenure-agent'] },
      { level: 'None' },
    ],
  }));
  const tenure = await Tenure.start(lab, {
    store: 'kubernetes', flags: [`--audit-policy-file=${policy}`, `--audit-log-path=${log}`],
  });
  const count = async (): Promise<Asked> => {
    const asked = new Map<string, number>();
    for (const line of readFileSync(log, 'utf8').split('\n')) {
      if (line === '') continue;
      const { verb, objectRef } = JSON.parse(line) as {
        verb: string; objectRef?: { resource?: string };
      };
      const name = `${verb} ${objectRef?.resource ?? 'other'}`;
      asked.set(name, (asked.get(name) ?? 0) + 1);
    }
    return Promise.resolve(asked);
  };
  return { tenure, count };
}

function total(asked: Asked): number {
  return [...asked.values()].reduce((sum, times) => sum + times, 0);
}

async function rest(
  store: StoreKind, watchSeconds: number, say: (text: string, lasting?: boolean) => void,
): Promise<Figure> {
  await using lab = await Lab.create({ nodes, clients: 0 });
  const { tenure, count } = await (store === 'etcd' ? onEtcd(lab) : onKubernetes(lab));
  // What each says of its profile, once, is said before.
  const settings = quorumSettings(lab, 'lan', { observe: `${String(observeS)}s` });
  say(`${store}: ${String(nodes)} agents start`);
  await Promise.all(lab.nodes.map(async ({ name }) => tenure.agent(name, settings)));
  await tenure.apply('bench', eipRange(eips));
  await tenure.waitForAll(eips, 120_000);
  await inQuorumMode(tenure, nodes);
  await sleep((observeS + 60) * 1000);
  const begun = performance.now();
  let last = total(await count());
  await until(`agents ask the ${store} store for less`, async () => {
    await sleep(restS * 1000);
    const now = total(await count());
    const asked = now - last;
    last = now;
    return asked <= restRequests;
  }, restWithinMs);
  say(`${store}: at rest ${((performance.now() - begun) / 1000 - restS).toFixed(0)} s after all had heirs`, true);
  say(`${store}: watched for ${String(watchSeconds)} s`);
  const terms = await termsOf(tenure);
  const before = await count();
  const since = performance.now();
  await sleep(watchSeconds * 1000);
  const after = await count();
  const elapsed = (performance.now() - since) / 1000;
  const asked = [...after]
    .map(([name, times]) => ({ name, times: times - (before.get(name) ?? 0) }))
    .filter(({ times }) => times > 0);
  const list = asked.map(({ name, times }) => `${name} ${String(times)}`).join(', ');
  const moves = [...await termsOf(tenure)]
    .reduce((sum, [address, term]) => sum + term - (terms.get(address) ?? term), 0);
  // A host that stops for longer than the profile bears makes work for the store.
  say(`${store}: ${list === '' ? 'nothing' : list} in ${elapsed.toFixed(0)} s; ${String(moves)} moves`, true);
  return {
    what: `${store}: requests of all ${String(nodes)} agents`, unit: '1/s',
    samples: [asked.reduce((sum, { times }) => sum + times, 0) / elapsed],
    wanted: { percentile: 1, atMost: 0.1 },
  };
}

const bench: Bench = {
  about: `quorum mode, ${String(nodes)} agents at rest with ${String(eips)} addresses for ten minutes and a half: what the store is asked; BENCH_SECONDS and BENCH_STORES say otherwise`,
  run: async ({ say }) => {
    const figures: Figure[] = [];
    for (const store of chosen(storeKinds, 'BENCH_STORES')) {
      figures.push(await rest(store, seconds(usualSeconds), say));
    }
    return figures;
  },
};

export default bench;
