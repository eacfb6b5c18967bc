/** keepalived as the holder: what is known of it is what the lab must measure. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sleep } from '../lab/command.ts';
import { startKeepalived } from '../lab/keepalived.ts';
import { Lab } from '../lab/lab.ts';
import type { LabProcess } from '../lab/process.ts';
import type { ProbeReport } from '../../src/measure/probe-log.ts';
import type { Prober } from '../lab/prober.ts';

const eip = '10.88.1.1';
const advertMs = 100;

interface Pair {
  readonly prober: Prober;
  readonly master: string;
  readonly backup: string;
  readonly process: LabProcess;
}

/** Two nodes, one of which is master by now, and the client is being answered. */
async function pair(lab: Lab): Promise<Pair> {
  const options = { addresses: [eip], advertMs, priority: 100 };
  const [n1, n2] = await Promise.all([
    startKeepalived(lab, 'n1', options), startKeepalived(lab, 'n2', options),
  ]);
  const prober = await lab.probe(eip);
  await prober.waitForAnswer();
  // Two that became master at once settle it, and the gratuitous claims of the beginning end.
  await sleep(1_000);
  const { node } = await prober.waitForAnswer();
  return node === 'n1' ? { prober, master: 'n1', backup: 'n2', process: n1 }
    : { prober, master: 'n2', backup: 'n1', process: n2 };
}

/** The client asks anew who has the address. Gives a moment before the answer. */
async function claimOnRecord(lab: Lab, prober: Prober): Promise<number> {
  const since = lab.now();
  await lab.forgetNeighbours();
  await lab.sniffer.waitForClaim(eip, { since });
  await prober.waitForAnswer();
  return since;
}

function longest({ silences }: ProbeReport) {
  return silences.toSorted((a, b) => b.ms - a.ms)[0]!;
}

describe('keepalived in a lab, advert interval 100 ms', () => {
  it('hands over on a planned stop after the skew alone, with nobody claiming twice', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const { prober, master, backup, process } = await pair(lab);
    const since = await claimOnRecord(lab, prober);
    await process.stop();
    await prober.waitForAnswer({ node: backup });
    await lab.sniffer.assertSuccession(eip, [master, backup], { since });
    const gap = longest(await prober.report(since));
    // (256 - 100) / 256 of the interval, less what it serves on until its addresses are removed.
    assert.ok(gap.ms < 1_500, `${gap.ms} ms`);
    assert.deepEqual([gap.before, gap.after], [master, backup]);
  });

  it('takes over three adverts and the skew after a cable is cut', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const { prober, master, backup } = await pair(lab);
    const since = lab.now();
    await lab.cut(master);
    await prober.waitForAnswer({ node: backup });
    const gap = longest(await prober.report(since));
    // 361 ms, less the age of the last advert.
    assert.ok(gap.ms > 230 && gap.ms < 1_500, `${gap.ms} ms`);
    const claim = await lab.sniffer.firstClaim(eip, backup, since);
    assert.ok(claim!.at <= gap.to);
  });

  it('has two that claim the address once the master hangs: the lab sees it', async () => {
    await using lab = await Lab.create({ nodes: 2 });
    const { prober, master, backup, process } = await pair(lab);
    const since = await claimOnRecord(lab, prober);
    await process.pause();
    await lab.sniffer.waitForClaim(eip, { host: backup, since });
    await prober.waitForAnswer({ node: backup });
    await lab.forgetNeighbours();
    await sleep(300);
    await assert.rejects(
      async () => lab.sniffer.assertNoOverlap({ since }), new RegExp(`${master} claimed it`),
    );
  });
});
