import { Lab } from '../test/lab/lab.ts';
import { inQuorumMode } from '../test/netns/agent-stage.ts';
import type { Bench, Figure } from './frame/bench.ts';
import { tenureSide } from './planned-move.bench.ts';
import { chosenProfiles, quorumSettings } from './quorum.ts';

const nodes = 3;

const bench: Bench = {
  about: 'what a client at 1,000 packets a second misses of a planned move; quorum mode on etcd',
  run: async ({ rounds, say }) => {
    const figures: Figure[] = [];
    for (const profile of chosenProfiles()) {
      await using lab = await Lab.create({ nodes });
      const { gaps, move, tenure } = await tenureSide(lab, {
        settings: quorumSettings(lab, profile),
      });
      for (let round = 0; round < (rounds ?? 100); round += 1) {
        await inQuorumMode(tenure, nodes);
        await move();
        say(`${profile}, move ${round + 1}: ${gaps.at(-1)!.toFixed(1)} ms`);
      }
      await lab.sniffer.assertHeardAll();
      figures.push({
        what: `${profile}: tenure move`, unit: 'ms', samples: gaps,
        wanted: { percentile: 0.99, atMost: 10 },
      });
    }
    return figures;
  },
};

export default bench;
