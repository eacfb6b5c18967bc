/** A share of the schedules, in a process of its own (see pool.ts). */
import { pathToFileURL } from 'node:url';
import { productionCore } from './core-module.ts';
import type { CoreModule } from './core-module.ts';
import { explore } from './explore.ts';
import type { Found, Job, Message } from './pool.ts';
import { harms } from './violation.ts';

async function load(folder: string | null): Promise<CoreModule> {
  if (folder === null) return productionCore;
  const part = async (name: string): Promise<Partial<CoreModule>> =>
    await import(pathToFileURL(`${folder}/${name}.ts`).href) as Partial<CoreModule>;
  return { ...await part('state'), ...await part('step') } as CoreModule;
}

/** Resolves once it is out: whoever watches us knows what we were at. */
function tell(message: Message): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => { resolve(); });
  });
}

const job = JSON.parse(process.argv[2] ?? '{}') as Job;
const core = await load(job.mutant);
const violations: Found[] = [];
const counts = new Map<string, number>();
let digest = 0;
let explored = 0;
for (let i = 0; i < job.seeds; i++) {
  const seed = job.first + i * job.stride;
  await tell({ kind: 'at', seed });
  const outcome = explore(core, seed, job.mode, { aim: job.aim, restless: job.seeks === 'two' });
  explored++;
  digest = (digest + outcome.digest) >>> 0;
  for (const [what, count] of outcome.counts) counts.set(what, (counts.get(what) ?? 0) + count);
  if (outcome.violation === null) continue;
  violations.push({ seed, violation: outcome.violation });
  // A mutant may do other harm before it does what it is made for.
  if (job.seeks !== null && harms[job.seeks].test(outcome.violation)) break;
}
await tell({ kind: 'done', result: { violations, counts: [...counts], explored, digest } });
process.disconnect();
