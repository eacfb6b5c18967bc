/**
 * From flags, environment, file and defaults to a configuration, in this order of precedence. All
 * that is given is checked, what is overridden too, and everything wrong is reported at once. Pure
 * but for the reader of files.
 */
import { dirname, isAbsolute, resolve } from 'node:path';
import type { AgentConfig } from './agent-config.ts';
import { etcdSettings } from './etcd-settings.ts';
import { readConfigFile } from './config-file.ts';
import type { Given } from './config-file.ts';
import { formatDuration } from './duration.ts';
import { heartbeatSettings } from './heartbeat-settings.ts';
import { kubernetesSettings } from './kubernetes-settings.ts';
import { readText } from './option.ts';
import type { Option } from './option.ts';
import { options } from './options.ts';
import type { OptionKey, OptionValues } from './options.ts';
import { inOrder, refuse } from './problem.ts';
import type { ConfigProblem } from './problem.ts';
import type { ReadFile } from './read-file.ts';
import { closest } from './suggest.ts';

export const defaultConfigFile = '/etc/tenure/tenure.yaml';

export interface ConfigSources {
  /** Values of flags by their names without dashes; `config` names the file. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: ReadFile;
  /** Becomes the node's name where none is given, in lower case. */
  readonly hostName: string;
}

/** A value that was given, or a default, and where it comes from. */
export interface Origin {
  readonly source: string;
  readonly text: string;
}

export type Origins = Readonly<Record<OptionKey, Origin | null>>;

export type LoadedConfig =
  | { readonly config: AgentConfig; readonly origins: Origins }
  | { readonly problems: readonly ConfigProblem[] };

export function loadConfig(sources: ConfigSources): LoadedConfig {
  const problems: ConfigProblem[] = [];
  const path = chosenFile(sources);
  const file = readConfigFile(path.path, path.source, sources.readFile);
  problems.push(...file.problems, ...strangeVariables(sources.env), ...strangeFlags(sources.flags));

  const values: Record<string, unknown> = {};
  const refused = new Set<OptionKey>();
  const origins: Record<string, Origin | null> = {};
  for (const key of Object.keys(options) as OptionKey[]) {
    const option: Option<unknown> = options[key];
    let value: unknown = null;
    origins[key] = null;
    for (const given of givenValues(option, file.values.get(option.path), sources)) {
      const read = given.read();
      if ('error' in read) {
        problems.push({ source: given.source, field: given.field, text: read.error });
        refused.add(key);
        continue;
      }
      value = option.file ? absolute(read.value as string, path.path, given.fromFile) : read.value;
      origins[key] = { source: given.source, text: option.secret ? '(set)' : given.text };
    }
    values[key] = value;
  }
  // Where a value was refused its default stands: nothing of it is returned, as problems are.
  const all = values as unknown as OptionValues;
  const from = origins as unknown as Origins;
  const etcd = etcdSettings(all, from, refused, sources.readFile);
  const kubernetes = kubernetesSettings(all, from, refused, sources.readFile);
  const heartbeat = heartbeatSettings(all, from, refused, sources.readFile);
  if (problems.length === 0) problems.push(...incompatible(all, from));
  problems.push(...etcd.problems, ...kubernetes.problems, ...heartbeat.problems);
  if (problems.length > 0) return { problems: inOrder(problems) };
  const store = {
    kind: all.storeKind, requestTimeoutMs: all.storeRequestTimeout,
    etcd: etcd.settings, kubernetes: kubernetes.settings,
  };
  return { config: assemble(all, store, heartbeat.settings), origins: from };
}

/** From the weakest to the strongest source. */
function givenValues(
  option: Option<unknown>, fromFile: Given | undefined, { flags, env, hostName }: ConfigSources,
): Given[] {
  const given: Given[] = [];
  const add = (source: string, field: string | null, text: string): void => {
    given.push({ source, field, text, fromFile: false, read: () => readText(option.reader, text) });
  };
  const variable = env[option.variable];
  const flag = option.flag === null ? undefined : flags[option.flag];
  const named = fromFile !== undefined || (variable ?? '') !== '' || flag !== undefined;
  // The default of the name is checked only if nothing else names the node.
  if (option.path === options.nodeName.path) {
    if (!named) add('host name', option.path, hostName.toLowerCase());
  } else if (option.fallback !== null) {
    add('default', option.path, option.fallback);
  }
  if (fromFile !== undefined) given.push(fromFile);
  if (variable !== undefined && variable !== '') add(option.variable, null, variable);
  if (flag !== undefined) add(`--${option.flag ?? ''}`, null, flag);
  return given;
}

function chosenFile({ flags, env }: ConfigSources): { path: string; source: string | null } {
  if (flags.config !== undefined) return { path: flags.config, source: '--config' };
  const variable = env.TENURE_CONFIG;
  if (variable !== undefined && variable !== '') return { path: variable, source: 'TENURE_CONFIG' };
  return { path: defaultConfigFile, source: null };
}

/** Names in the file are relative to the file, others to the working directory. */
function absolute(name: string, configFile: string, fromFile: boolean): string {
  if (isAbsolute(name)) return name;
  return fromFile ? resolve(dirname(configFile), name) : resolve(name);
}

/**
 * A variable that is nearly one of ours is a mistake; others that begin like ours are let be, since
 * Kubernetes makes TENURE_PORT and the like for a Service called tenure.
 */
function strangeVariables(env: ConfigSources['env']): ConfigProblem[] {
  const known = [
    ...Object.values(options).map(({ variable }) => variable), 'TENURE_CONFIG', 'TENURE_DEBUG',
  ].map((name) => name.slice('TENURE_'.length));
  return Object.keys(env).flatMap((name) => {
    const rest = name.startsWith('TENURE_') ? name.slice('TENURE_'.length) : '';
    if (rest === '' || known.includes(rest)) return [];
    const guess = closest(rest, known);
    return guess === null
      ? []
      : [{ source: name, field: null, text: `unknown variable: did you mean TENURE_${guess}?` }];
  });
}

/** Flags come from the command line's parser, which refuses unknown ones: this is for callers. */
function strangeFlags(flags: ConfigSources['flags']): ConfigProblem[] {
  const known = Object.values(options).map(({ flag }) => flag);
  return Object.keys(flags)
    .filter((flag) => flag !== 'config' && !known.includes(flag))
    .map((flag) => ({ source: `--${flag}`, field: null, text: 'unknown flag.' }));
}

/** What is right by itself and wrong together. */
function incompatible(values: OptionValues, origins: Origins): ConfigProblem[] {
  return [...withoutStore(values, origins), ...tooLongRequests(values, origins)];
}

/** What an agent without a store needs, and those that only ask one do not; null: it has it. */
export function whyNoEips({ store, eipsDirectory }: AgentConfig): string | null {
  if (store.kind !== 'none' || eipsDirectory !== null) return null;
  const { path, flag } = options.eipsDirectory;
  return `${path}: is missing: without a store, name the directory of manifests (--${flag ?? ''}).`;
}

/** Eips come from the store, or from a directory where there is none. */
function withoutStore(
  { storeKind, eipsDirectory }: OptionValues, origins: Origins,
): ConfigProblem[] {
  if (storeKind === 'none' || eipsDirectory === null) return [];
  const fix = `has no use, as Eips come from the store (${storeKind}): say store: none, or store them with "tenure apply".`;
  return [{
    source: origins.eipsDirectory?.source ?? 'default', field: options.eipsDirectory.path,
    text: refuse(eipsDirectory, fix).error,
  }];
}

function tooLongRequests(values: OptionValues, origins: Origins): ConfigProblem[] {
  const { leaseDuration, storeRequestTimeout } = values;
  if (storeRequestTimeout * 2 <= leaseDuration) return [];
  const source = origins.storeRequestTimeout?.source === 'default'
    ? origins.leaseDuration
    : origins.storeRequestTimeout;
  const what = `is more than half of lease.duration (${formatDuration(leaseDuration)}): write ${formatDuration(leaseDuration / 2)} or less, so that a renewal whose answer is lost is tried again in time.`;
  return [{
    source: source?.source ?? 'default', field: options.storeRequestTimeout.path,
    text: refuse(formatDuration(storeRequestTimeout), what).error,
  }];
}

function assemble(
  values: OptionValues, store: AgentConfig['store'], heartbeat: AgentConfig['heartbeat'],
): AgentConfig {
  return {
    node: {
      // Reported above if it is null.
      name: values.nodeName ?? '', labels: values.nodeLabels, weight: values.nodeWeight,
    },
    store,
    witness: false,
    leaseMs: values.leaseDuration,
    settleMs: values.settleTime,
    heartbeat,
    holdMs: values.quorumHold,
    eips: { announce: values.announce, failbackMs: values.failback, burst: values.burst },
    eipsDirectory: values.eipsDirectory,
    vip: {
      advertMs: values.vipAdvertInterval, virtualMac: values.vipVirtualMac === 'on',
      peers: values.vipPeers, trackInterfaces: values.vipTrackInterfaces,
      trackProcesses: values.vipTrackProcesses, trackScript: values.vipTrackScript,
      keyFile: values.vipKeyFile,
      runDirectory: values.vipRunDirectory, program: values.vipProgram,
    },
    lingerMs: values.linger,
    fence: values.fence,
    log: { level: values.logLevel, format: values.logFormat },
    http: values.httpListen,
  };
}

/** For `config check`: every option with its value and where that comes from. */
export function describeOrigins(
  origins: Origins,
): readonly { readonly path: string; readonly value: string; readonly source: string }[] {
  return (Object.keys(options) as OptionKey[]).map((key) => {
    const { text, source } = origins[key] ?? { text: '', source: 'default' };
    const option: Option<unknown> = options[key];
    return { path: option.path, value: text === '' ? option.fallbackShown ?? 'none' : text, source };
  });
}

