/** What `tenure agent` says at its start when something on the way to the store is missing. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import { Tenure } from '../lab/tenure.ts';

const roles = '/apis/rbac.authorization.k8s.io/v1';
const role = `${roles}/namespaces/tenure-system/roles/tenure-agent`;
const crd = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/eips.network.kubesphere.io';

describe('an agent that starts', () => {
  it('names the thing, the value and what would do', async () => {
    await using lab = await Lab.create({ nodes: 1, clients: 0 });
    const tenure = await Tenure.start(lab, { store: 'kubernetes' });
    const server = tenure.apiServer;
    const good = await server.kubeconfig('tenure-system/tenure-agent');
    const store = (more: object): object => ({
      store: { kind: 'kubernetes', kubernetes: { kubeconfig: good, namespace: 'tenure-system', ...more } },
    });
    /** It ends, with a sentence and without a stack. */
    const refused = async (more: object, code: number, said: RegExp): Promise<void> => {
      const agent = tenure.launch('n1', { ...store(more) });
      const exit = await agent.exited;
      const output = await agent.output();
      assert.match(output, said);
      assert.equal(exit.code, code, output);
      assert.doesNotMatch(output, /^ {4}at /m);
    };

    await refused({ kubeconfig: join(lab.dir, 'none') }, 2, /tenure: .*: store\.kubernetes\.kubeconfig: ".*\/none" is not there\./);
    await refused({ context: 'prod' }, 1, /tenure: store: kubeconfig \S+: context "prod" is not defined: use one of: test/);

    const config = JSON.parse(readFileSync(good, 'utf8')) as { users: [{ user: { token: string } }] };
    const claims = Buffer.from(JSON.stringify({ exp: 1_700_000_000 })).toString('base64url');
    config.users[0].user.token = `head.${claims}.signature`;
    const expired = join(lab.dir, 'expired');
    writeFileSync(expired, JSON.stringify(config));
    await refused({ kubeconfig: expired }, 1, /does not accept the token of user .*expired, which expired at 2023-11-14T22:13:20Z.*: give a token/);

    const { rules } = await server.must('GET', role) as { rules: { verbs: string[] }[] };
    const fewer = rules.map((rule) => ({ ...rule, verbs: rule.verbs.filter((verb) => verb !== 'list') }));
    await server.must('PATCH', role, { rules: fewer });
    await refused({}, 1, /the right to list leases\.coordination\.k8s\.io in namespace tenure-system is missing.*: grant it by a Role/);
    await server.must('PATCH', role, { rules });

    await server.must('DELETE', crd);
    await refused({}, 1, /eips\.network\.kubesphere\.io is not known to the API server.*: kubectl apply -f manifests\/crd/);
    await server.apply('manifests/crd');

    // An administrator has all rights in a namespace that is not there, and waits for it.
    const waiting = tenure.launch('n1', store({ kubeconfig: await server.kubeconfig(), namespace: 'nowhere' }) as Record<string, unknown>);
    await waiting.waitForOutput(/namespace nowhere does not exist.*kubectl create namespace nowhere/, 20_000);
    await server.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'nowhere' } });
    await until('it is ready', async () => (await waiting.output()).includes('"msg":"ready"'), 20_000, 100);
    await waiting.stop(25_000);
  });
});
