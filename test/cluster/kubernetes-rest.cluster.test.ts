/** What the store costs when nothing happens, and what much of it costs when something does. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { soon } from '../store/contract-kit.ts';
import { Stage } from './stage.ts';
import { allClaimed, assertNoOverlap, eventually } from './players.ts';

const stage = new Stage();
before(() => stage.open());
after(() => stage.close());

const leaseMs = 5000;
const windowMs = 12_000;
const many = Array.from({ length: 1000 }, (_, n) => `10.1.${n >> 8}.${n & 255}`);

async function requests(): Promise<number> {
  return stage.server!.requestCount(({ resource, verb }) => resource === 'leases' && verb !== 'WATCH');
}

describe('three nodes', () => {
  it('at rest ask the API server as often with 1,000 addresses as with one', stage.scene(async (scene) => {
    const options = { ttlMs: leaseMs, eips: many.slice(0, 1) };
    const players = await Promise.all(['a', 'b', 'c'].map((node) => scene.player(node, null, options)));
    const rates: number[] = [];
    for (const eips of [many.slice(0, 1), many]) {
      for (const player of players) player.setEips(eips);
      await allClaimed(players, eips, 60_000);
      await eventually(() => players[0]!.seesHeirs(eips, 2), 'heirs named', 60_000);
      await sleep(1000);
      const before = await requests();
      const since = performance.now();
      await sleep(windowMs);
      rates.push((await requests() - before) / (performance.now() - since) * 1000 / players.length);
    }
    process.stdout.write(`# requests per node and second: ${rates.map((rate) => rate.toFixed(2)).join(', ')}\n`);
    // A renewal each third of the lease, 0.6; and now and then a look at a lease of another's.
    for (const rate of rates) assert.ok(rate <= 1, `${rate} requests per node and second`);

    const [a, ...others] = players;
    const lost = a!.held;
    assert.ok(lost.length > 200);
    await a!.kill();
    await eventually(() => lost.every((eip) => others.some((player) => player.claims(eip))), 'all taken over', 60_000);
    const starts = lost.map((eip) => Math.min(
      ...others.flatMap((player) => player.spans(eip).map(({ from }) => from)),
    ));
    const span = Math.max(...starts) - Math.min(...starts);
    process.stdout.write(`# ${lost.length} addresses of a dead node: last claim ${span.toFixed(0)} ms after the first\n`);
    assert.ok(span < 20_000);
    assertNoOverlap(players, many);
  }));

  it('read more leases than come in one answer', stage.scene(async (scene) => {
    const proxy = await scene.proxy();
    const player = await scene.player('a', null, { ttlMs: leaseMs, eips: many });
    await allClaimed([player], many, 60_000);
    const store = await scene.store(proxy);
    const view = await store.read(soon());
    assert.deepEqual([...view.leases.keys()].sort(), [...many].sort());
    assert.equal(proxy.asked.length, 3);
    assert.match(proxy.asked[0]!.path, /limit=500/);
    // A page that the server no longer has (410): the list begins again.
    let times = 1;
    proxy.fault = ({ path }) => path.includes('continue=') && times-- > 0
      ? { kind: 'answer', status: 410, body: { kind: 'Status', code: 410, reason: 'Expired' } } : null;
    assert.equal((await store.read(soon())).leases.size, many.length);
  }));
});
