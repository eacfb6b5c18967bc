/** The fault table: what is done to agents, cables and the store, the same with each store. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sleep, until } from '../lab/command.ts';
import type { StoreKind } from '../lab/lab-store.ts';
import { eip, nextHolder, setStage as setAnyStage } from './agent-stage.ts';
import type { Stage, StageOptions } from './agent-stage.ts';

type SetStage = (options?: StageOptions) => Promise<Stage>;

/** As test/lab/tenure.ts sets it. */
const leaseMs = 2000;

/** The others take it, each claims only while it is the holder's turn. */
async function expectHandover(stage: Stage): Promise<string> {
  const next = await nextHolder(stage);
  await sleep(500);
  await stage.lab.sniffer.assertNoOverlap({ since: stage.since });
  return next;
}

/** Whatever becomes of the holder, at most one node claims. */
function holderFaults(setStage: SetStage): void {
  describe('the address has one answer, whatever becomes of its holder', () => {
    it('moves at once when the holder is drained, and what is in flight is still served', async () => {
      await using stage = await setStage();
      const { tenure, holder, prober, since } = stage;
      await tenure.command('drain', holder);
      const next = await expectHandover(stage);
      const { addresses } = await tenure.status();
      assert.equal(addresses[0]?.holder, next);
      assert.equal(addresses[0].reason, 'drain');
      const { silences } = await prober.report(since, 1000);
      assert.deepEqual(silences, [], 'the client was without an answer for a second or more');
    });

    it('is handed over when the agent is told to stop, and nothing is left on the host', async () => {
      await using stage = await setStage();
      const { lab, agents, holder } = stage;
      const exit = await agents.get(holder)!.stop(25_000);
      assert.equal(exit.code, 0);
      await expectHandover(stage);
      assert.doesNotMatch(await lab.run(holder, ['ip', 'addr', 'show']), /10\.88\.1\.1/);
      assert.equal((await lab.run(holder, ['nft', 'list', 'tables'])).trim(), '');
    });

    for (const signal of ['SIGKILL', 'SIGSEGV'] as const) {
      it(`is taken over when the agent dies by ${signal}, and the dead one's kernel stays silent`, async () => {
        await using stage = await setStage();
        const { lab, agents, holder, since } = stage;
        agents.get(holder)!.signal(signal);
        const next = await expectHandover(stage);
        assert.match(await lab.run(holder, ['ip', 'addr', 'show', 'dev', 'eth0']), /10\.88\.1\.1\/32/,
          'the address is still bound there, so that its kernel would answer');
        await sleep(leaseMs);
        await lab.sniffer.assertSuccession(eip, [holder, next], { since });
      });
    }

    it('stays with the new holder when a hung agent wakes after three leases', async () => {
      await using stage = await setStage();
      const { lab, agents, holder, since } = stage;
      await agents.get(holder)!.pause();
      const next = await nextHolder(stage);
      await sleep(3 * leaseMs);
      agents.get(holder)!.resume();
      await sleep(leaseMs);
      await lab.sniffer.assertSuccession(eip, [holder, next], { since });
    });

    it('moves when the cable is cut, and stays there when it is mended', async () => {
      await using stage = await setStage();
      const { lab, holder, since } = stage;
      await lab.cut(holder);
      const next = await nextHolder(stage);
      await lab.mend(holder);
      await sleep(2 * leaseMs);
      await lab.sniffer.assertSuccession(eip, [holder, next], { since });
    });

    it('moves when the holder is cut off from everyone, and stays there afterwards', async () => {
      await using stage = await setStage();
      const { lab, holder, since } = stage;
      await Promise.all([lab.cut(holder, 'lan'), lab.cut(holder, 'mgmt')]);
      const next = await nextHolder(stage);
      await Promise.all([lab.mend(holder, 'lan'), lab.mend(holder, 'mgmt')]);
      await sleep(2 * leaseMs);
      await lab.sniffer.assertSuccession(eip, [holder, next], { since });
    });

    it('falls silent before another speaks when the holder loses the store alone', async () => {
      await using stage = await setStage();
      const { lab, holder, since } = stage;
      await lab.cut(holder, 'mgmt');
      const next = await nextHolder(stage);
      const last = await lab.sniffer.lastClaim(eip, holder);
      const first = await lab.sniffer.firstClaim(eip, next, since);
      assert.ok(last !== null && first !== null && last.at < first.at);
      await lab.mend(holder, 'mgmt');
      await sleep(leaseMs);
      await lab.sniffer.assertSuccession(eip, [holder, next], { since });
    });
  });
}

/** Whatever becomes of the store itself. */
function storeFaults(setStage: SetStage): void {
  describe('the store goes away', () => {
    it('costs nothing if it is back within the lease', async () => {
      await using stage = await setStage({ settings: { lease: { duration: '60s' } } });
      const { lab, tenure, agents, holder, prober, since } = stage;
      await tenure.store.kill();
      await tenure.store.start();
      await sleep(2000);
      await lab.sniffer.assertSuccession(eip, [holder], { since });
      const { silences } = await prober.report(since, 1000);
      assert.deepEqual(silences, []);
      assert.doesNotMatch(await agents.get(holder)!.output(), /addresses are silent/);
    });

    it('silences everyone if it is away for longer, and all are back soon after it is', async () => {
      await using stage = await setStage();
      const { lab, tenure, holder, since } = stage;
      await tenure.store.kill();
      await sleep(leaseMs + 300);
      const silentFrom = lab.now();
      await sleep(1500);
      assert.deepEqual(await lab.sniffer.claims(eip, { since: silentFrom }), [], 'nobody may claim now');
      await tenure.store.start();
      const back = lab.now();
      const claim = await lab.sniffer.waitForClaim(eip, { since: silentFrom }, 15_000);
      assert.ok(claim.at - back < 5000, `it took ${(claim.at - back).toFixed(0)} ms`);
      await lab.sniffer.assertSuccession(eip, [holder], { since });
    });
  });
}

/** Agents that come back, or come twice. */
function returns(setStage: SetStage): void {
  describe('agents come back', () => {
    it('has its addresses announced again as soon as it is restarted, by it or by an heir', async () => {
      await using stage = await setStage({ settings: { lease: { duration: '30s' } } });
      const { lab, tenure, agents, holder, since } = stage;
      const before = (await tenure.status()).addresses[0]!;
      await agents.get(holder)!.kill();
      const killed = lab.now();
      agents.set(holder, await tenure.agent(holder, { lease: { duration: '30s' } }));
      const { host } = await lab.sniffer.waitForClaim(eip, { since: killed }, 15_000);
      const after = await until('the store knows', async () => {
        const [now] = (await tenure.status()).addresses;
        return now!.term > before.term && now;
      }, 15_000, 100);
      assert.equal(after.holder, host);
      assert.equal(after.reason, host === holder ? 'returned' : 'inherited');
      await lab.sniffer.assertSuccession(eip, [...new Set([holder, host])], { since });
    });

    it('announces every address again soon after all agents were killed at once', async () => {
      const block = '10.88.1.0-10.88.1.19';
      await using stage = await setStage({ address: block, settings: { lease: { duration: '5s' } } });
      const { lab, tenure, agents } = stage;
      await tenure.waitForAll(20);
      await Promise.all([...agents.values()].map((agent) => agent.kill()));
      const killed = lab.now();
      await Promise.all([...agents.keys()].map(async (node) => {
        agents.set(node, await tenure.agent(node, { lease: { duration: '5s' } }));
      }));
      const ready = lab.now();
      for (let i = 0; i < 20; i++) {
        const claim = await lab.sniffer.waitForClaim(`10.88.1.${String(i)}`, { since: killed }, 15_000);
        assert.ok(claim.at - ready < 5000, `10.88.1.${String(i)} took ${String(claim.at - ready)} ms`);
      }
    });

    it('refuses to start a second agent of the same name, and the first keeps running', async () => {
      await using stage = await setStage();
      const { lab, tenure, agents, holder, since } = stage;
      const other = holder === 'n1' ? 'n2' : 'n1';
      await agents.get(other)!.stop(25_000);
      const twin = tenure.launch(other, { node: { name: holder } });
      const { code } = await twin.exited;
      assert.equal(code, 1);
      assert.match(await twin.output(), new RegExp(`The node name ${holder} is in use by a live agent`));
      agents.get(holder)!.mustRun();
      await lab.sniffer.assertSuccession(eip, [holder], { since });
    });

    it('refuses to start a second agent in one network namespace', async () => {
      await using stage = await setStage();
      const { tenure, holder } = stage;
      const second = tenure.launch(holder, { node: { name: 'another' } });
      const { code } = await second.exited;
      assert.equal(code, 1);
      assert.match(await second.output(), /Another tenure agent runs in this network namespace/);
    });
  });
}

export function faultTable(store: StoreKind): void {
  const setStage: SetStage = async (options = {}) => setAnyStage({ store, ...options });
  holderFaults(setStage);
  storeFaults(setStage);
  returns(setStage);
}
