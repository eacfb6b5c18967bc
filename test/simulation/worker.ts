/** A share of the schedules, in a process of its own (see pool.ts). */
import { pathToFileURL } from 'node:url';
import { productionCore } from './core-module.ts';
import type { CoreModule } from './core-module.ts';
import { explore } from './explore.ts';
import type { Found, Job } from './pool.ts';

async function load(folder: string | null): Promise<CoreModule> {
  if (folder === null) return productionCore;
  const part = async (name: string): Promise<Partial<CoreModule>> =>
    await import(pathToFileURL(`${folder}/${name}.ts`).href) as Partial<CoreModule>;
  return { ...await part('state'), ...await part('step') } as CoreModule;
}

const job = JSON.parse(process.argv[2] ?? '{}') as Job;
const core = await load(job.mutant);
const violations: Found[] = [];
const counts = new Map<string, number>();
let digest = 0;
let explored = 0;
for (let i = 0; i < job.seeds; i++) {
  const seed = job.first + i * job.stride;
  const outcome = explore(core, seed, job.mode);
  explored++;
  digest = (digest + outcome.digest) >>> 0;
  for (const [what, count] of outcome.counts) counts.set(what, (counts.get(what) ?? 0) + count);
  if (outcome.violation === null) continue;
  violations.push({ seed, violation: outcome.violation });
  // A mutant may fail to come to rest before it does what it is made for.
  if (job.stopAtFirst && /two announcers|was announced by/.test(outcome.violation)) break;
}
process.send?.({ violations, counts: [...counts], explored, digest });
process.disconnect();
