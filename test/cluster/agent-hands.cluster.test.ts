/**
 * What befalls agents on Kubernetes alone: hands in their leases, an API server that hangs, clocks
 * hours apart. Real agents with the rights of manifests/rbac, judged by what is on the wire.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sleep, until } from '../lab/command.ts';
import { Lab } from '../lab/lab.ts';
import { Tenure } from '../lab/tenure.ts';
import { eip, nextHolder, setStage } from '../netns/agent-stage.ts';
import type { Stage } from '../netns/agent-stage.ts';
import type { LeaseJson } from './stage.ts';

/** As test/lab/tenure.ts sets it. */
const leaseMs = 2000;
const leases = '/apis/coordination.k8s.io/v1/namespaces/tenure-system/leases';
const store = 'kubernetes';

async function lease({ tenure }: Stage, name: string): Promise<LeaseJson | null> {
  const { status, body } = await tenure.apiServer.ask('GET', `${leases}/${name}`);
  return status === 200 ? body as LeaseJson : null;
}

async function holderOf(stage: Stage): Promise<unknown> {
  return (await lease(stage, `eip-${eip}`))?.spec.holderIdentity;
}

/** Whose agent's log has the finding, of all that are there. */
async function reported({ agents }: Stage, code: string, subject: string): Promise<boolean> {
  const logs = await Promise.all([...agents.values()].map((agent) => agent.output()));
  return logs.every((log) => log.split('\n').some((line) => (
    line.includes(`"code":"${code}"`) && line.includes(`"subject":"${subject}"`)
  )));
}

/** Nobody but the first holder has claimed since, for longer than a lease. */
async function staysWithHolder(stage: Stage): Promise<void> {
  await sleep(1.5 * leaseMs);
  await stage.lab.sniffer.waitForClaim(eip, { host: stage.holder, since: stage.lab.now() });
  await stage.lab.sniffer.assertSuccession(eip, [stage.holder], { since: stage.since });
}

describe('a lease that someone deletes or edits', () => {
  it('of the holder: it is written again, reported by all, and the address stays', async () => {
    await using stage = await setStage({ store });
    const { tenure, holder } = stage;
    const name = `node-${holder}`;
    const { spec } = (await lease(stage, name))!;
    await tenure.apiServer.must('DELETE', `${leases}/${name}`);
    await until('it is written again', async () => (
      (await lease(stage, name))?.spec.holderIdentity === spec.holderIdentity
    ), 10_000, 50);
    await staysWithHolder(stage);
    assert.ok(await reported(stage, 'lease-deleted', holder), 'an agent has not reported it');
  });

  it('of the address: deleted or given to another, it is put right, and nobody else claims', async () => {
    await using stage = await setStage({ store });
    const { tenure, holder, agents } = stage;
    const before = await holderOf(stage);
    await tenure.apiServer.must('DELETE', `${leases}/eip-${eip}`);
    await until('it is written again', async () => await holderOf(stage) === before, 10_000, 50);
    const other = [...agents.keys()].find((node) => node !== holder)!;
    const holderIdentity = (await lease(stage, `node-${other}`))!.spec.holderIdentity;
    await tenure.apiServer.must('PATCH', `${leases}/eip-${eip}`, { spec: { holderIdentity } });
    await until('it is given back', async () => await holderOf(stage) === before, 10_000, 50);
    await staysWithHolder(stage);
    assert.ok(await reported(stage, 'lease-deleted', eip), 'an agent has not reported the deletion');
    assert.ok(await reported(stage, 'lease-edited', eip), 'an agent has not reported the change');
  });

  it('all at once: all are back, and nothing has moved', async () => {
    await using stage = await setStage({ store });
    await stage.tenure.apiServer.must('DELETE', leases);
    await until('all are back', async () => {
      const { items } = await stage.tenure.apiServer.must('GET', leases) as { items: unknown[] };
      return items.length === 4;
    }, 10_000, 50);
    await staysWithHolder(stage);
  });

  it('while the holder cannot see it: the next one waits until the holder is silent', async () => {
    await using stage = await setStage({ store });
    const { lab, tenure, holder, since } = stage;
    await lab.cut(holder, 'mgmt');
    await tenure.apiServer.must('DELETE', `${leases}/node-${holder}`);
    await tenure.apiServer.must('DELETE', `${leases}/eip-${eip}`);
    const next = await nextHolder(stage);
    await lab.mend(holder, 'mgmt');
    await sleep(2 * leaseMs);
    await lab.sniffer.assertSuccession(eip, [holder, next], { since });
  });
});

describe('an API server that hangs', () => {
  it('for less than a lease costs nothing', async () => {
    await using stage = await setStage({ store, settings: { lease: { duration: '20s' } } });
    const { tenure, lab, holder, prober, since } = stage;
    await tenure.store.pause();
    await sleep(5000);
    tenure.store.resume();
    await sleep(2000);
    await lab.sniffer.assertSuccession(eip, [holder], { since });
    assert.deepEqual((await prober.report(since, 1000)).silences, []);
  });

  it('for longer silences everyone, and nobody is ended: the holder has it back', async () => {
    await using stage = await setStage({ store });
    const { tenure, lab, holder, since } = stage;
    const before = (await tenure.status()).addresses[0]!;
    await tenure.store.pause();
    await sleep(leaseMs + 300);
    const silentFrom = lab.now();
    await sleep(1.5 * leaseMs);
    assert.deepEqual(await lab.sniffer.claims(eip, { since: silentFrom }), [], 'nobody may claim now');
    tenure.store.resume();
    await lab.sniffer.waitForClaim(eip, { since: silentFrom }, 20_000);
    await lab.sniffer.assertSuccession(eip, [holder], { since });
    const after = (await tenure.status()).addresses[0]!;
    assert.deepEqual([after.holder, after.term], [before.holder, before.term]);
  });
});

/** Stands between the agent and libc: the wall clock is ahead by so many seconds. */
const shim = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long ahead(void) { const char *text = getenv("TENURE_TEST_AHEAD"); return text ? atol(text) : 0; }
int clock_gettime(clockid_t id, struct timespec *at) {
  static int (*next)(clockid_t, struct timespec *);
  if (!next) next = dlsym(RTLD_NEXT, "clock_gettime");
  int result = next(id, at);
  if (id == CLOCK_REALTIME && result == 0) at->tv_sec += ahead();
  return result;
}
int gettimeofday(struct timeval *at, void *zone) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
`;

describe('clocks that are hours apart', () => {
  it('change nothing: who is alive keeps it, who dies loses it after its lease', async () => {
    await using lab = await Lab.create({ nodes: 3 });
    const [source, library] = ['ahead.c', 'ahead.so'].map((name) => join(lab.dir, name));
    writeFileSync(source!, shim);
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library!, source!, '-ldl']);
    const tenure = await Tenure.start(lab, { store });
    // To two of three the API server is hours behind, and all are hours off one another.
    const hours = new Map([['n1', 5], ['n2', 11], ['n3', 0]]);
    const agents = new Map(await Promise.all([...hours].map(async ([node, ahead]) => [
      node, await tenure.agent(node, {}, {
        LD_PRELOAD: library!, TENURE_TEST_AHEAD: String(ahead * 3600),
      }),
    ] as const)));
    await tenure.apply('test', eip);
    const prober = await lab.probe(eip);
    const { node: holder } = await prober.waitForAnswer({ timeoutMs: 30_000 });
    const log = JSON.parse((await agents.get('n2')!.output()).split('\n')[0]!) as { time: string };
    assert.ok(Date.parse(log.time) - Date.now() > 10 * 3600_000, `the clock of n2 says ${log.time}`);
    const since = lab.now();
    await lab.sniffer.waitForClaim(eip, { host: holder, since });
    await sleep(2 * leaseMs);
    await lab.sniffer.assertSuccession(eip, [holder], { since });
    await lab.cut(holder, 'mgmt');
    await lab.cut(holder, 'lan');
    const cut = lab.now();
    const next = await prober.waitForAnswer({ not: holder, since, timeoutMs: 20_000 });
    assert.ok(next.at - cut > leaseMs * 0.6, `after ${String(next.at - cut)} ms already`);
    assert.ok(next.at - cut < leaseMs * 5, `only after ${String(next.at - cut)} ms`);
    await lab.mendAll();
    await sleep(2 * leaseMs);
    await lab.sniffer.assertSuccession(eip, [holder, next.node], { since });
  });
});
