/** keepalived as a contender: one virtual router on all nodes. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startKeepalived } from '../../test/lab/keepalived.ts';
import type { Lab } from '../../test/lab/lab.ts';
import type { LabProcess } from '../../test/lab/process.ts';
import type { Running } from './contender.ts';

const address = '10.88.1.1';

export async function runKeepalived(lab: Lab, advertMs: number): Promise<Running> {
  const processes = new Map<string, LabProcess>();
  const start = async (node: string): Promise<void> => {
    // A dead one leaves the address behind; whoever restarts it would clean up.
    await lab.attempt(node, ['ip', 'addr', 'del', `${address}/32`, 'dev', 'eth0']);
    for (const what of ['', '-vrrp']) {
      rmSync(join(lab.dir, `keepalived-${node}${what}.pid`), { force: true });
    }
    const index = lab.nodes.findIndex(({ name }) => name === node);
    // Priorities differ, as people have it: with equal ones several take over at once.
    const options = { addresses: [address], advertMs, priority: 110 - 10 * index };
    processes.set(node, await startKeepalived(lab, node, options));
  };
  await Promise.all(lab.nodes.map(async ({ name }) => start(name)));
  const of = (node: string): LabProcess => processes.get(node)!;
  return {
    address, periodMs: advertMs, store: null,
    kill: async (node) => {
      // Stopped first: at its parent's death the child gets SIGTERM, and would leave in order.
      await of(node).pause();
      of(node).killTree();
      await of(node).exited;
    },
    pause: async (node) => of(node).pause(),
    resume: (node) => of(node).resume(),
    move: async (from) => { await of(from).stop(); },
    repair: async (node) => { if (of(node).exit !== null) await start(node); },
    rested: async () => Promise.resolve({
      restless: null, moves: null, asked: lab.now(), told: lab.now(),
    }),
    stop: async () => { await Promise.all([...processes.values()].map((one) => one.stop())); },
  };
}
