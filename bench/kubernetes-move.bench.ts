import { Lab } from '../test/lab/lab.ts';
import type { Bench } from './frame/bench.ts';
import { tenureSide } from './planned-move.bench.ts';

const bench: Bench = {
  about: 'the Kubernetes API as the store: what a client at 1,000 packets a second misses of a planned move',
  run: async ({ rounds, say }) => {
    await using lab = await Lab.create({ nodes: 2 });
    const { gaps, move } = await tenureSide(lab, { store: 'kubernetes' });
    for (let round = 0; round < (rounds ?? 100); round += 1) {
      if (round % 5 === 0) say(`${round} moves`);
      await move();
    }
    await lab.sniffer.assertHeardAll();
    return [{
      what: 'tenure move', unit: 'ms', samples: gaps, wanted: { percentile: 0.99, atMost: 30 },
    }];
  },
};

export default bench;
