import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { sleep, until } from '../lab/command.ts';
import { eip, setStage } from './agent-stage.ts';
import type { Stage } from './agent-stage.ts';

/**
 * Stands between the agent and libc: CLOCK_BOOTTIME goes ahead of CLOCK_MONOTONIC by the
 * milliseconds in a file, as after a suspend. Nothing in the product knows of it.
 */
const shim = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *at) {
  static int (*next)(clockid_t, struct timespec *);
  if (!next) next = dlsym(RTLD_NEXT, "clock_gettime");
  int result = next(id, at);
  if (id != CLOCK_BOOTTIME || result != 0) return result;
  FILE *file = fopen(getenv("TENURE_TEST_SUSPENDED"), "r");
  long ms = 0;
  if (file) { if (fscanf(file, "%ld", &ms) != 1) ms = 0; fclose(file); }
  at->tv_sec += ms / 1000;
  at->tv_nsec += (ms % 1000) * 1000000L;
  if (at->tv_nsec >= 1000000000L) { at->tv_sec++; at->tv_nsec -= 1000000000L; }
  return 0;
}
`;

/** Restarts the holder under the shim; `suspend` lets it sleep for so many ms at once. */
async function underShim(stage: Stage): Promise<{ suspend: (ms: number) => void }> {
  const { lab, tenure, agents, holder } = stage;
  const [source, library, clock] = ['shim.c', 'shim.so', 'suspended'].map((name) => join(lab.dir, name));
  writeFileSync(source!, shim);
  writeFileSync(clock!, '0');
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library!, source!, '-ldl']);
  const settings = { lease: { duration: '20s' } };
  await agents.get(holder)!.kill();
  const killed = lab.now();
  agents.set(holder, await tenure.agent(holder, settings, {
    LD_PRELOAD: library!, TENURE_TEST_SUSPENDED: clock!,
  }));
  await until(`${holder} has it again`, async () => {
    const claims = await lab.sniffer.claims(eip, { host: holder, since: killed });
    const { addresses: [held] } = await tenure.status();
    if (claims.length > 0 && held?.holder === holder) return true;
    // An heir may have been quicker.
    if (held?.holder !== holder) await tenure.command('move', eip, holder).catch(() => undefined);
    return false;
  }, 60_000, 500);
  return { suspend: (ms) => { writeFileSync(clock!, String(ms)); } };
}

describe('a machine that was suspended', () => {
  it('claims nothing when it wakes, though its timers say that the lease still lasts', async () => {
    await using stage = await setStage({ settings: { lease: { duration: '20s' } } });
    const { lab, tenure, agents, holder } = stage;
    const { suspend } = await underShim(stage);
    // The store is away, so that only the clock can tell that the lease is over.
    await tenure.etcd.member.pause();
    suspend(60_000);
    const woken = lab.now();
    await sleep(1500);
    const claims = await lab.sniffer.claims(eip, { host: holder, since: woken + 5 });
    assert.deepEqual(claims, [], 'it claimed after it woke');
    assert.match(await agents.get(holder)!.output(), /all addresses are silent here/);
    tenure.etcd.member.resume();
    await lab.sniffer.waitForClaim(eip, { since: woken + 1500 }, 20_000);
    await lab.sniffer.assertNoOverlap({ since: woken });
  });
});
