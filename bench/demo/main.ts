/**
 * The demo: what becomes of an address when its holder is drained, killed, stopped, or loses its
 * cables, in quorum mode or (`--mode lease`) in lease mode. Three machines, a client, a switch and
 * a store (etcd, or with `--store kubernetes` a real API server) in network namespaces; the agents
 * are the built program, and a sniffer on every cable of the switch is the judge.
 */
import { parseArgs } from 'node:util';
import { BuildError } from '../../test/lab/build-cache.mjs';
import { LabError } from '../../test/lab/command.ts';
import { storeKinds, type StoreKind } from '../../test/lab/lab-store.ts';
import { Lab } from '../../test/lab/lab.ts';
import { Tenure, type AgentSettings } from '../../test/lab/tenure.ts';
import { machine } from '../machine.ts';
import { quorumSettings } from '../quorum.ts';
import {
  eip, leaseMs, modes, play, scenes, type Mode, type Outcome, type Stage,
} from './scenes.ts';
import { count, duration, silentStory, table, tellOn, widthOf, wrap, type Story } from './story.ts';

const nodes = ['n1', 'n2', 'n3'];
const storeNames = { etcd: 'an etcd', kubernetes: 'a Kubernetes API server' };

interface Flags {
  readonly json: boolean;
  readonly store: StoreKind;
  readonly mode: Mode;
}

async function main(story: Story, { store, mode }: Flags): Promise<readonly Outcome[]> {
  story.chapter(`Three machines, a client, and ${storeNames[store]}`);
  await using lab = await Lab.create({ nodes: nodes.length, clients: 2 });
  story.event('the namespaces stand, with a switch between them and a sniffer on every cable');
  const tenure = await Tenure.start(lab, { store });
  story.event(store === 'etcd' ? 'etcd runs' : 'the API server runs, with RBAC, our CRD and our roles');
  const settings: AgentSettings = {
    lease: { duration: `${leaseMs}ms`, settleTime: '100ms' },
    ...mode === 'quorum' ? quorumSettings(lab, 'lan') : {},
  };
  const agents = new Map(await Promise.all(nodes.map(async (node) => (
    [node, await tenure.agent(node, settings)] as const))));
  story.event(mode === 'quorum'
    ? `tenure agent runs on ${nodes.join(', ')}, with one key: they judge one another by heartbeats`
    : `tenure agent runs on ${nodes.join(', ')}, with a lease of ${duration(leaseMs)}`);
  await tenure.apply('demo', eip);
  story.event(`tenure apply: an Eip with the address ${eip}`);
  const prober = await lab.probe(eip);
  const { node } = await prober.waitForAnswer();
  story.event(`${node} holds it, and answers the client's 1,000 packets a second`);

  const stage: Stage = { lab, mode, tenure, prober, agents, story };
  const outcomes: Outcome[] = [];
  for (const scene of scenes.filter((each) => (each.mode ?? mode) === mode)) {
    story.chapter(scene.title);
    outcomes.push(await play(scene, stage));
  }
  return outcomes;
}

function summary(outcomes: readonly Outcome[], width: number): string {
  const head = ['what happened', 'moved', 'gap', 'lost', 'two claim'];
  const rows = outcomes.map((one) => [
    one.scene, `${one.from} to ${one.to}`, duration(one.gapMs), one.packetsLost.toLocaleString('en-US'),
    one.lateClaims === 0 ? 'never' : count(one.lateClaims, 'claim'),
  ]);
  return [
    table(head, rows, width), '',
    wrap('gap: the longest time in which the client had no answer. two claim: claims by the old holder after the new one\'s first, on its own cable.', width),
  ].join('\n');
}

function refuse(message: string): never {
  console.error(`demo: ${message}`);
  process.exit(2);
}

function readFlags(): Flags {
  try {
    const { values: { json, store, mode } } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        store: { type: 'string', default: 'etcd' },
        mode: { type: 'string', default: 'quorum' },
      },
    });
    return {
      json,
      store: storeKinds.find((kind) => kind === store) ?? unknown('store', store, storeKinds),
      mode: modes.find((each) => each === mode) ?? unknown('mode', mode, modes),
    };
  } catch (error) {
    return refuse(`${(error as Error).message}: known are --json, --mode and --store`);
  }
}

function unknown(flag: string, value: string, known: readonly string[]): never {
  return refuse(`--${flag} ${value}: known are ${known.join(' and ')}`);
}

const flags = readFlags();
const story = flags.json ? silentStory : tellOn(process.stdout);
try {
  const outcomes = await main(story, flags);
  const ok = outcomes.every((one) => one.lateClaims === 0);
  if (flags.json) {
    const { store, mode } = flags;
    const report = { machine: machine(), store, mode, leaseMs, scenes: outcomes, ok };
    console.log(JSON.stringify(report, null, 2));
  } else {
    story.chapter('In short');
    console.log(summary(outcomes, widthOf(process.stdout)));
  }
  process.exitCode = ok ? 0 : 1;
} catch (error) {
  if (!(error instanceof LabError || error instanceof BuildError)) throw error;
  console.error(`demo: ${error.message}`);
  process.exitCode = 1;
}
