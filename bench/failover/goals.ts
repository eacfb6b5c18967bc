/** The trials as figures, with what is wanted of them. Pure. */
import type { Figure, Goal } from '../frame/bench.ts';
import { cell, type Outcome } from './outcome.ts';

const fastestPeer = 'keepalived, advert 10 ms';
const rowName = (fault: string, contender: string): string => `${fault}: ${contender}`;

function gapGoals(fault: string, contender: string): readonly Goal[] {
  const isQuorum = /^tenure, (fast|lan|wan),/.test(contender);
  if (fault === 'planned' && contender.startsWith('tenure')) return [{ percentile: 0.99, atMost: 10 }];
  if (fault === 'kill -9' && isQuorum) return [{ percentile: 0.99, atMost: 20 }];
  if (fault !== 'cable' && fault !== 'store outage, cable') return [];
  if (contender.startsWith('tenure, lan')) return [{ percentile: 0.99, atMost: 350 }];
  if (!contender.startsWith('tenure, fast')) return [];
  const times = rowName('cable', fastestPeer);
  return [{ percentile: 0.5, atMost: 0.7, times }, { percentile: 0.99, atMost: 1.5, times }];
}

/** By fault, the gaps of each contender; then who claims what is another's, over all faults. */
export function goals(outcome: Outcome): Figure[] {
  const { contenders, faults, trials } = outcome;
  const figures: Figure[] = [];
  for (const { name: fault } of faults) {
    for (const { name } of contenders) {
      const of = cell(outcome, name, fault);
      if (of.length === 0) continue;
      const wanted = gapGoals(fault, name);
      figures.push({
        what: rowName(fault, name), unit: 'ms', samples: of.map(({ gapMs }) => gapMs),
        ...(wanted.length === 0 ? {} : { wanted }),
      });
      if (fault !== 'kill -9') continue;
      // Who knew the dead daemon's machine is served by it on; others wait for the next claim.
      figures.push({
        what: `${rowName(fault, name)}, to the next claim`, unit: 'ms',
        samples: of.map(({ claimMs }) => claimMs ?? Infinity),
        ...(wanted.length === 0 ? {} : { wanted }),
      });
    }
  }
  for (const { name, ours } of contenders) {
    const of = trials.filter(({ contender }) => contender === name);
    if (of.length === 0) continue;
    figures.push({
      what: `claims after the new holder's first: ${name}`, unit: 'claims',
      samples: of.map(({ lateClaims }) => lateClaims),
      ...(ours ? { wanted: { percentile: 1, atMost: 0 } } : {}),
    });
    if (of.some(({ needless }) => needless !== null)) {
      figures.push({
        what: `moves that nobody asked for: ${name}`, unit: 'moves',
        samples: of.map(({ needless }) => needless ?? 0),
      });
    }
  }
  return figures;
}
