/** From flags, environment and file to the configuration that a command goes by. */
import type { Command } from 'commander';
import type { AgentConfig } from '../config/agent-config.ts';
import { loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { usage } from './context.ts';
import type { CliContext } from './context.ts';
import { configFlags } from './flags.ts';

/** For a command that acts for this host. Throws CliError with all that is wrong. */
export function hostConfig(context: CliContext, command: Command): AgentConfig {
  return loadedConfig(context, configFlags(command), context.hostName).config;
}

/** For a command that only talks to the store: the name of this host is nothing to it. */
export function clientConfig(context: CliContext, command: Command): AgentConfig {
  return loadedConfig(context, configFlags(command), 'client').config;
}

/** The same with where each value comes from. `flags`: by their names without dashes. */
export function loadedConfig(
  { env, readFile }: CliContext, flags: Record<string, string>, hostName: string,
): Extract<ReturnType<typeof loadConfig>, { config: AgentConfig }> {
  const loaded = loadConfig({ flags, env, readFile, hostName });
  if ('problems' in loaded) throw usage(loaded.problems.map(formatProblem));
  return loaded;
}
