/** What is done to the holder. Each fault is undone, and all is as before, when it is over. */
import { sleep } from '../../test/lab/command.ts';
import type { Lab } from '../../test/lab/lab.ts';
import type { Running } from './contender.ts';

export interface Fault {
  readonly name: string;
  /** One sentence for the report. */
  readonly about: string;
  /** Whether it is one only for those who have a store. */
  readonly needsStore?: true;
  /** So long another holder is waited for before the fault is undone; ms. */
  readonly patienceMs: number;
  /** Nobody has to take over: the fault lasts for `patienceMs`. */
  readonly lasts?: true;
  readonly act: (lab: Lab, running: Running, holder: string) => Promise<void>;
  readonly undo: (lab: Lab, running: Running, holder: string) => Promise<void>;
}

const patienceMs = 6_000;
/** Twice the lease of those who are judged by it. */
const outageMs = 4_000;
const beforeCutMs = 500;
const repair = async (_lab: Lab, running: Running, holder: string): Promise<void> => (
  running.repair(holder));

export const faults: readonly Fault[] = [
  {
    name: 'cable', about: 'the holder\'s cable to the LAN is cut; it sees its carrier go',
    patienceMs,
    act: async (lab, _running, holder) => lab.cut(holder),
    undo: async (lab, _running, holder) => lab.mend(holder),
  },
  {
    name: 'kill -9', about: 'the daemon dies, its machine lives', patienceMs,
    act: async (_lab, running, holder) => running.kill(holder),
    undo: repair,
  },
  {
    name: 'SIGSTOP', about: 'the daemon hangs, and wakes half a second after another took over',
    patienceMs,
    act: async (_lab, running, holder) => running.pause(holder),
    undo: async (_lab, running, holder) => { running.resume(holder); await Promise.resolve(); },
  },
  {
    name: 'planned', about: 'a planned move: keepalived is stopped, Tenure is told to move',
    patienceMs,
    act: async (_lab, running, holder) => running.move(holder),
    undo: repair,
  },
  {
    name: 'one-way cut', about: 'what the holder says is lost, what it is told arrives; for 6 s at most',
    patienceMs,
    act: async (lab, _running, holder) => lab.lose(holder, 'from'),
    undo: async (lab, _running, holder) => lab.lose(holder, 'from', 0),
  },
  {
    name: 'store outage', about: 'the store hangs for 4 s', needsStore: true, lasts: true,
    patienceMs: outageMs,
    act: async (_lab, running) => { await running.store?.stop(); },
    undo: async (_lab, running) => { running.store?.resume(); await Promise.resolve(); },
  },
  {
    name: 'store outage, cable', about: 'the store hangs, half a second later the cable is cut; for 4 s at most',
    needsStore: true, patienceMs: outageMs - beforeCutMs,
    act: async (lab, running, holder) => {
      await running.store?.stop();
      await sleep(beforeCutMs);
      await lab.cut(holder);
    },
    undo: async (lab, running, holder) => {
      running.store?.resume();
      await lab.mend(holder);
    },
  },
];
