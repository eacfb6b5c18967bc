import { readFileSync } from 'node:fs';
import { sleep } from '../test/lab/command.ts';
import { Lab } from '../test/lab/lab.ts';
import { Tenure } from '../test/lab/tenure.ts';
import { eipRange } from './addresses.ts';
import { etcdRequests } from './etcd-requests.ts';
import type { Bench, Figure } from './frame/bench.ts';

const nodes = ['n1', 'n2', 'n3'];
const watchMs = 20_000;
/** Long enough to be done with the garbage of the start (src/agent/tidy-heap.ts). */
const settleMs = 30_000;
const settings = { lease: { duration: '5s', settleTime: '100ms' }, log: { level: 'info' } };

/** CPU time of a process in ms (proc(5): utime and stime in ticks of 10 ms). */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function residentMb(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
  return pages * 4096 / 1e6;
}

async function observe(count: number): Promise<Figure[]> {
  await using lab = await Lab.create({ nodes: nodes.length, clients: 0 });
  const tenure = await Tenure.start(lab);
  await tenure.apply('bench', eipRange(count));
  const [first, ...others] = nodes;
  const agent = await tenure.agent(first!, settings);
  await tenure.waitForAll(count, 60_000);
  const begun = performance.now();
  for (const node of others) await tenure.agent(node, settings);
  const readyMs = (performance.now() - begun) / others.length;
  await tenure.waitForHeirs(2);
  await sleep(settleMs);

  const before = {
    cpu: cpuMs(agent.pid), requests: await etcdRequests(lab, tenure), at: performance.now(),
  };
  await sleep(watchMs);
  const seconds = (performance.now() - before.at) / 1000;
  const rate = (await etcdRequests(lab, tenure) - before.requests) / seconds;
  const cpu = (cpuMs(agent.pid) - before.cpu) / 10 / seconds;
  const row = (what: string, unit: Figure['unit'], value: number, atMost?: number): Figure => ({
    what: `${count} held: ${what}`, unit, samples: [value],
    ...(atMost === undefined ? {} : { wanted: { percentile: 1, atMost } }),
  });
  const isUsual = count <= 1_000;
  return [
    row('requests to etcd by 3 agents', '1/s', rate),
    row('CPU of the holder', '%', cpu, isUsual ? 1 : undefined),
    row('resident memory of the holder', 'MB', residentMb(agent.pid), isUsual ? 120 : undefined),
    row('an agent\'s start to ready', 'ms', readyMs, isUsual ? 1_000 : undefined),
  ];
}

const bench: Bench = {
  about: `three agents at rest for ${watchMs / 1000} s, one of which holds all addresses; etcd's requests by its own metrics`,
  run: async ({ say }) => {
    const figures: Figure[] = [];
    for (const count of [1, 100, 1_000, 10_000]) {
      say(`${count} addresses`);
      figures.push(...await observe(count));
    }
    return figures;
  },
};

export default bench;
