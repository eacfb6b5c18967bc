/**
 * Every contender, every fault, interleaved in the same namespaces. BENCH_CONTENDERS and
 * BENCH_FAULTS (parts of names, parted by commas) choose among them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Lab } from '../test/lab/lab.ts';
import { Measure } from '../test/lab/measure.ts';
import { Tenure } from '../test/lab/tenure.ts';
import { hasProgram } from '../test/setup.mjs';
import { contenders as allContenders, type Contender, type Stage } from './failover/contender.ts';
import { faults as allFaults, type Fault } from './failover/faults.ts';
import { markdown, plot } from './failover/report.ts';
import { trial, type Trial } from './failover/trial.ts';
import { machineLine } from './frame/report.ts';
import { interleaved, type Bench, type Figure } from './frame/bench.ts';
import { machine } from './machine.ts';

const results = fileURLToPath(new URL('results/', import.meta.url));
const nodes = 3;
/** A newcomer asks so often who has the address: whoever would answer wrongly does. */
const askRate = 50;

function chosen<T extends { readonly name: string }>(
  all: readonly T[], variable: string,
): readonly T[] {
  const words = (process.env[variable] ?? '').split(',').filter((word) => word !== '');
  if (words.length === 0) return all;
  return all.filter(({ name }) => words.some((word) => name.includes(word)));
}

/** What measures is not to wait for what it measures; threads that it starts are ordinary ones. */
function urgent(): string[] {
  return hasProgram('chrt') ? ['chrt', '--fifo', '--reset-on-fork', '2'] : [];
}

/** One contender at work from its start to its stop, every fault once. */
async function turn(
  stage: Stage, contender: Contender, faults: readonly Fault[], say: (text: string) => void,
): Promise<Trial[]> {
  const { lab } = stage;
  say(`${contender.name} starts`);
  const running = await contender.start(stage);
  const { address } = running;
  const prober = await lab.probe(address, { rate: 200, client: 'c3' });
  await prober.waitForAnswer({ timeoutMs: 30_000 });
  const measure = await Measure.start(lab, address, { args: ['-p', 'udp:7007'], wrapper: urgent() });
  const newcomer = await Measure.start(lab, address, {
    client: 'c2', args: ['-p', 'arp', '--rate', String(askRate), '--gap', '50ms'],
  });
  const trials: Trial[] = [];
  for (const fault of faults) {
    if (fault.needsStore === true && running.store === null) continue;
    say(`${contender.name}: ${fault.name}`);
    trials.push(await trial(contender.name, fault, running, { lab, measure, newcomer, prober }));
  }
  await Promise.all([measure.end(), newcomer.end(), prober.stop()]);
  await running.stop();
  return trials;
}

function figures(trials: readonly Trial[]): Figure[] {
  const names = [...new Set(trials.map(({ contender, fault }) => `${fault}: ${contender}`))].sort();
  return names.flatMap((what): Figure[] => {
    const of = trials.filter(({ contender, fault }) => `${fault}: ${contender}` === what);
    const isOurs = what.includes('tenure');
    return [
      { what, unit: 'ms', samples: of.map(({ gapMs }) => gapMs) },
      {
        what: `${what}, two claim`, unit: 'claims', samples: of.map(({ lateClaims }) => lateClaims),
        ...(isOurs ? { wanted: { percentile: 1, atMost: 0 } } : {}),
      },
    ];
  });
}

const bench: Bench = {
  about: 'what a client misses, and whether two claim the address, by contender and fault',
  run: async ({ rounds, say }) => {
    const named = chosen(allContenders, 'BENCH_CONTENDERS');
    const faults = chosen(allFaults, 'BENCH_FAULTS');
    const leftOut = named.flatMap(({ name, missing }) => {
      const why = missing();
      return why === null ? [] : [`${name} (${why})`];
    });
    const contenders = named.filter(({ missing }) => missing() === null);
    await using lab = await Lab.create({ nodes, clients: 3 });
    let tenure: Promise<Tenure> | null = null;
    const stage: Stage = { lab, tenure: async () => tenure ??= Tenure.start(lab) };
    const trials: Trial[] = [];
    const keep = (): void => {
      const outcome = {
        contenders: contenders.map(({ name }) => name), trials, leftOut,
        faults: faults.map(({ name, about }) => ({ name, about })),
        machine: machineLine(machine()), date: new Date().toISOString().slice(0, 10),
      };
      mkdirSync(results, { recursive: true });
      // After each turn: who ends it early has what was measured until then.
      writeFileSync(`${results}failover.json`, `${JSON.stringify(outcome, null, 1)}\n`);
      writeFileSync(`${results}failover.md`, markdown(outcome));
      writeFileSync(`${results}failover.svg`, plot(outcome));
    };
    await interleaved(rounds ?? 20, contenders.map((contender) => async (round: number) => {
      const tell = (text: string): void => say(`round ${round + 1}, ${text}`);
      trials.push(...await turn(stage, contender, faults, tell));
      keep();
    }));
    return figures(trials);
  },
};

export default bench;
