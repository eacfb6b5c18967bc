/** keepalived as the holder: what is known of it is what the lab must measure. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sleep } from '../lab/command.ts';
import { startKeepalived } from '../lab/keepalived.ts';
import { Lab } from '../lab/lab.ts';
import type { LabProcess } from '../lab/process.ts';
import type { ProbeReport } from '../lab/probe-log.ts';
import type { Prober } from '../lab/prober.ts';

const eip = '10.88.1.1';
const advertMs = 100;

interface Pair {
  readonly lab: Lab;
  readonly prober: Prober;
  readonly master: LabProcess;
}

/** n1 is master, n2 its only heir, and the client is being answered. */
async function pair(lab: Lab): Promise<Pair> {
  const addresses = [eip];
  const [master] = await Promise.all([
    startKeepalived(lab, 'n1', { addresses, advertMs, priority: 150 }),
    startKeepalived(lab, 'n2', { addresses, advertMs, priority: 100 }),
  ]);
  const prober = await lab.probe(eip);
  await prober.waitForAnswer({ node: 'n1' });
  // Its gratuitous claims of the beginning.
  await sleep(500);
  return { lab, prober, master };
}

function longest({ silences }: ProbeReport) {
  return silences.toSorted((a, b) => b.ms - a.ms)[0]!;
}

describe('keepalived in a lab, advert interval 100 ms', () => {
  it('hands over on a planned stop after the skew alone, with nobody claiming twice', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const { prober, master } = await pair(lab);
    const since = lab.now();
    await master.stop();
    await prober.waitForAnswer({ node: 'n2' });
    await lab.sniffer.assertSuccession(eip, ['n1', 'n2']);
    const gap = longest(await prober.report(since));
    // (256 - 100) / 256 of the interval, and what the machine adds.
    assert.ok(gap.ms > 50 && gap.ms < 250, `${gap.ms} ms`);
    assert.deepEqual([gap.before, gap.after], ['n1', 'n2']);
  });

  it('takes over three adverts and the skew after a cable is cut', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const { prober } = await pair(lab);
    const since = lab.now();
    await lab.cut('n1');
    await prober.waitForAnswer({ node: 'n2' });
    const gap = longest(await prober.report(since));
    // 361 ms, less the age of the last advert.
    assert.ok(gap.ms > 230 && gap.ms < 700, `${gap.ms} ms`);
    const claim = await lab.sniffer.firstClaim(eip, 'n2', since);
    assert.ok(claim!.at <= gap.to);
  });

  it('has two that claim the address once the master hangs: the lab sees it', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const { prober, master } = await pair(lab);
    await master.pause();
    await lab.sniffer.waitForClaim(eip, { host: 'n2' });
    await prober.waitForAnswer({ node: 'n2' });
    await lab.forgetNeighbours();
    await sleep(300);
    await assert.rejects(async () => lab.sniffer.assertNoOverlap(), /n1 claimed it/);
  });
});
