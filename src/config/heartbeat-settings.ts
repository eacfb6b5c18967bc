/** Puts the options of heartbeats together; without a key there are none, and no quorum mode. */
import { formatDuration } from './duration.ts';
import type { HeartbeatSettings } from './agent-config.ts';
import { readKeyFile } from './heartbeat-keys.ts';
import { options } from './options.ts';
import type { OptionKey, OptionValues } from './options.ts';
import { refuse } from './problem.ts';
import type { ConfigProblem } from './problem.ts';
import type { ReadFile } from './read-file.ts';

type Origins = Readonly<Record<OptionKey, { readonly source: string } | null>>;

/**
 * `fast`: for hosts and a LAN of one's own, that keep time to a few ms. `lan`: for virtual machines
 * that are stopped for 100 ms now and then. `wan`: where datagrams are lost for a second.
 */
export const profiles = {
  fast: { intervalMs: 3, supportMs: 15 },
  lan: { intervalMs: 60, supportMs: 300 },
  wan: { intervalMs: 500, supportMs: 3000 },
} as const;

/** With fewer heartbeats in the time of support, the loss of two would depose a node. */
const leastInSupport = 3;

export function heartbeatSettings(
  values: OptionValues, origins: Origins, refused: ReadonlySet<OptionKey>, readFile: ReadFile,
): { readonly settings: HeartbeatSettings | null; readonly problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const report = (key: OptionKey, text: string): void => {
    problems.push({ source: origins[key]?.source ?? 'default', field: options[key].path, text });
  };
  const profile = profiles[values.heartbeatProfile];
  const intervalMs = values.heartbeatInterval ?? profile.intervalMs;
  const supportMs = values.heartbeatSupport ?? profile.supportMs;
  const sound = !refused.has('heartbeatInterval') && !refused.has('heartbeatSupport')
    && !refused.has('heartbeatProfile');
  if (sound && supportMs < leastInSupport * intervalMs) {
    const isInterval = values.heartbeatInterval !== null && values.heartbeatSupport === null;
    report(isInterval ? 'heartbeatInterval' : 'heartbeatSupport', refuse(
      formatDuration(isInterval ? intervalMs : supportMs),
      `leaves no room for loss: heartbeat.support (${formatDuration(supportMs)}) must be at least ${leastInSupport} times heartbeat.interval (${formatDuration(intervalMs)}).`,
    ).error);
  }
  if (!refused.has('quorumHold') && !refused.has('leaseDuration')
    && values.quorumHold < values.leaseDuration) {
    report('quorumHold', refuse(formatDuration(values.quorumHold), `is shorter than lease.duration (${formatDuration(values.leaseDuration)}): write that or more.`).error);
  }
  const keyFile = values.heartbeatKeyFile;
  if (keyFile === null) return { settings: null, problems };
  const keys = readKeyFile(keyFile, readFile);
  if ('error' in keys) report('heartbeatKeyFile', keys.error);
  return {
    settings: {
      keyFile, intervalMs, supportMs, port: values.heartbeatPort,
      observeMs: values.heartbeatObserve,
      addresses: values.heartbeatAddresses,
    },
    problems,
  };
}
