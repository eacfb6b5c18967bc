/**
 * Every contender, every fault, interleaved in the same namespaces. BENCH_CONTENDERS and
 * BENCH_FAULTS (parts of names, parted by semicolons) choose among them.
 */
import { Lab } from '../test/lab/lab.ts';
import { Measure } from '../test/lab/measure.ts';
import { hasProgram } from '../test/setup.mjs';
import { contenders as allContenders, type Contender, type Stage } from './failover/contender.ts';
import { faults as allFaults, type Fault } from './failover/faults.ts';
import { goals } from './failover/goals.ts';
import { judge, type Trial } from './failover/judge.ts';
import { added, type Outcome } from './failover/outcome.ts';
import { plot } from './failover/plot.ts';
import { markdown, readmeTable } from './failover/report.ts';
import { Stores } from './failover/stores.ts';
import { act, type Done } from './failover/trial.ts';
import type { Bench } from './frame/bench.ts';

const nodes = 3;
/** Each turn of a contender does every fault so often: to start takes longer than some faults. */
const cycles = 2;
/** A newcomer asks so often who has the address: whoever would answer wrongly does. */
const askRate = 50;

function chosen<T extends { readonly name: string }>(
  all: readonly T[], variable: string,
): readonly T[] {
  const words = (process.env[variable] ?? '').split(';').filter((word) => word !== '');
  if (words.length === 0) return all;
  return all.filter(({ name }) => words.some((word) => name.includes(word)));
}

/** What measures is not to wait for what it measures; threads that it starts are ordinary ones. */
function urgent(): string[] {
  return hasProgram('chrt') ? ['chrt', '--fifo', '--reset-on-fork', '2'] : [];
}

interface Turn {
  readonly trials: readonly Trial[];
  /** Why not all faults were done; null: they were. */
  readonly unfinished: string | null;
}

/** One contender at work from its start to its stop. */
async function turn(
  stage: Stage, contender: Contender, faults: readonly Fault[], say: (text: string) => void,
): Promise<Turn> {
  const { lab, stores } = stage;
  say(`${contender.name} starts`);
  await stores.use(null);
  const running = await contender.start(stage);
  const { address } = running;
  const prober = await lab.probe(address, { rate: 200, client: 'c3' });
  await prober.waitForAnswer({ timeoutMs: 30_000 });
  const [measure, newcomer] = await Promise.all([
    Measure.start(lab, address, { args: ['-p', 'udp:7007'], wrapper: urgent() }),
    Measure.start(lab, address, {
      client: 'c2', args: ['-p', 'arp', '--rate', String(askRate), '--gap', '50ms'],
    }),
  ]);
  const done: Done[] = [];
  let rest = await running.rested();
  for (const fault of Array.from({ length: cycles }, () => faults).flat()) {
    if (rest.restless !== null) break;
    if (fault.needsStore === true && running.store === null) continue;
    if (contender.faults?.includes(fault.name) === false) continue;
    say(`${contender.name}: ${fault.name}`);
    const acted = await act(fault, running, rest, { lab, prober });
    done.push(acted.done);
    rest = acted.after;
  }
  await Promise.all([measure.end(), newcomer.end(), prober.stop(), running.stop()]);
  const told = { client: await measure.events(), newcomer: await newcomer.events() };
  const trials: Trial[] = [];
  for (const one of done) trials.push(await judge(lab, address, contender.name, one, told));
  const { restless } = rest;
  return {
    trials, unfinished: restless === null ? null : `${contender.name}, after ${done.at(-1)?.fault ?? 'its start'}: ${restless}`,
  };
}

const bench: Bench = {
  about: 'what a client misses, and whether two claim the address, by contender and fault',
  run: async ({ rounds, say, kept }) => {
    const named = chosen(allContenders, 'BENCH_CONTENDERS');
    const faults = chosen(allFaults, 'BENCH_FAULTS');
    const contenders: Contender[] = [];
    const leftOut: string[] = [];
    for (const one of named) {
      const why = await one.missing();
      if (why === null) contenders.push(one);
      else leftOut.push(`${one.name} (${why})`);
    }
    await using lab = await Lab.create({ nodes, clients: 3 });
    const stage: Stage = { lab, stores: new Stores(lab) };
    let outcome: Outcome = added(kept?.before as Outcome | undefined, {
      contenders: contenders.map(({ name, ours }) => ({ name, ours })), leftOut,
      faults: faults.map(({ name, about }) => ({ name, about })), trials: [], unfinished: [],
    });
    for (let round = 0; round < (rounds ?? 20); round += 1) {
      const begun = performance.now();
      for (const contender of contenders) {
        const tell = (text: string): void => say(`round ${round + 1}, ${text}`);
        const { trials, unfinished } = await turn(stage, contender, faults, tell);
        outcome = {
          ...outcome, trials: [...outcome.trials, ...trials],
          unfinished: [...outcome.unfinished, ...(unfinished === null ? [] : [unfinished])],
        };
        // After each turn: who ends it early has what was measured until then.
        kept?.keep(outcome, (svg) => ({
          markdown: markdown(outcome, svg), svg: plot(outcome), readme: readmeTable(outcome, svg),
        }));
      }
      say(`round ${round + 1} took ${Math.round((performance.now() - begun) / 1000)} s`, true);
    }
    for (const line of outcome.unfinished) say(line, true);
    return goals(outcome);
  },
};

export default bench;
