/** Agents in quorum mode, for benches: their profiles and settings. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../test/lab/lab.ts';
import type { AgentSettings } from '../test/lab/tenure.ts';

const profiles = ['fast', 'lan'] as const;

export type Profile = (typeof profiles)[number];

/** Those that BENCH_PROFILES names (parted by commas); both unless told. */
export function chosenProfiles(): readonly Profile[] {
  const words = (process.env.BENCH_PROFILES ?? '').split(',').filter((word) => word !== '');
  const unknown = words.filter((word) => !profiles.some((profile) => profile === word));
  if (unknown.length > 0) {
    throw new Error(`BENCH_PROFILES: no profile ${unknown.join(', ')}; there are ${profiles.join(', ')}`);
  }
  return words.length === 0 ? profiles : profiles.filter((profile) => words.includes(profile));
}

/** For all agents of a lab; the key is made here. */
export function quorumSettings(
  lab: Lab, profile: Profile, more: Readonly<Record<string, unknown>> = {},
): AgentSettings {
  const keyFile = join(lab.dir, 'heartbeat.key');
  writeFileSync(keyFile, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  return { heartbeat: { profile, keyFile, ...more }, log: { level: 'info', format: 'json' } };
}
