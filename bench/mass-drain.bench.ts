import { sleep, until } from '../test/lab/command.ts';
import { Lab } from '../test/lab/lab.ts';
import { Tenure } from '../test/lab/tenure.ts';
import { eipRange } from './addresses.ts';
import type { Bench, Figure } from './frame/bench.ts';

const sizes = [
  { count: 1_000, rounds: 5, atMostMs: 300 },
  { count: 10_000, rounds: 1, atMostMs: 3_000 },
];

/** From the first claim by a new holder to the last one, ms; counts claims of the old one after. */
async function drainOnce(
  lab: Lab, tenure: Tenure, count: number,
): Promise<{ readonly spreadMs: number; readonly late: number }> {
  const since = lab.now();
  await tenure.command('drain', 'n1', '--timeout', '2m');
  const firsts = await until('all addresses are claimed by another', async () => {
    const claims = await lab.sniffer.firstClaims({ since });
    const taken = claims.filter(({ host }) => host !== 'n1');
    return new Set(taken.map(({ address }) => address)).size >= count && taken;
  }, 60_000, 200);
  await sleep(500);
  const overlaps = await lab.sniffer.overlaps({ since });
  const times = firsts.map(({ at }) => at);
  return {
    spreadMs: times.reduce((a, b) => Math.max(a, b)) - times.reduce((a, b) => Math.min(a, b)),
    late: overlaps.reduce((sum, { claims }) => sum + claims, 0),
  };
}

const bench: Bench = {
  about: 'a node with many addresses is drained: from the first claim by a new holder to the last',
  run: async ({ rounds, say }) => {
    const figures: Figure[] = [];
    for (const { count, rounds: usual, atMostMs } of sizes) {
      await using lab = await Lab.create({ nodes: 3, clients: 0 });
      const tenure = await Tenure.start(lab);
      const settings = { lease: { duration: '5s', settleTime: '100ms' }, log: { level: 'info' } };
      await tenure.agent('n1', settings);
      await tenure.apply('bench', eipRange(count));
      await tenure.waitForAll(count, 60_000);
      await tenure.agent('n2', settings);
      await tenure.agent('n3', settings);
      const spreads: number[] = [];
      const late: number[] = [];
      for (let round = 0; round < (rounds ?? usual); round += 1) {
        say(`${count} addresses, round ${round + 1}`);
        await tenure.waitForHeirs(2);
        const drained = await drainOnce(lab, tenure, count);
        spreads.push(drained.spreadMs);
        late.push(drained.late);
        // All of them back to the first.
        await tenure.command('undrain', 'n1');
        for (const other of ['n2', 'n3']) await tenure.command('drain', other, '--timeout', '2m');
        for (const other of ['n2', 'n3']) await tenure.command('undrain', other);
      }
      await lab.sniffer.assertHeardAll();
      figures.push({
        what: `${count} addresses`, unit: 'ms', samples: spreads,
        wanted: { percentile: 1, atMost: atMostMs },
      }, {
        what: `${count} addresses, claimed by two`, unit: 'claims', samples: late,
        wanted: { percentile: 1, atMost: 0 },
      });
    }
    return figures;
  },
};

export default bench;
