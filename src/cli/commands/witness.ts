/** `tenure witness`: a voter that holds nothing, for clusters of two. */
import { Command } from 'commander';
import { options } from '../../config/options.ts';
import { StoreError } from '../../store/lease-store.ts';
import { hostConfig } from '../configuration.ts';
import { explainStoreError } from '../connect.ts';
import { failed, usage } from '../context.ts';
import type { CliContext } from '../context.ts';
import { addConfigFlags } from '../flags.ts';
import { version } from '../version.ts';

export function witnessCommand(context: CliContext): Command {
  const command = new Command('witness')
    .description('Run a witness: it votes on which nodes are alive, and never holds an address.')
    .addHelpText('after', `
Two nodes cannot tell which of them is cut off; with a witness on a third machine they can, and take
over in a fraction of a second. It needs the store and the heartbeat key of the others, no rights,
and no interface that addresses are on. Runs until SIGTERM or SIGINT.

Examples:
  tenure witness --node-name witness-1 --heartbeat-key-file /etc/tenure/heartbeat.key`)
    .action(async () => {
      const config = hostConfig(context, command);
      if (config.store.kind === 'none') {
        throw usage('store.kind: "none": a witness votes, and there is no voting without a store: name one.');
      }
      if (config.heartbeat === null) {
        const { path, flag } = options.heartbeatKeyFile;
        throw usage(`${path}: a witness needs the key of the other nodes' heartbeats: give it as --${flag ?? ''} or in the configuration file.`);
      }
      const { runAgent } = await import('../../agent/run-agent.ts');
      const outcome = await runAgent({ ...config, witness: true }, {
        version: version(), openStore: (hooks) => context.openStore(config.store, hooks),
      });
      if (outcome === null) return;
      const text = outcome instanceof StoreError
        ? explainStoreError(outcome, config.store) : outcome.message;
      throw Object.assign(failed(text), { cause: outcome });
    });
  return addConfigFlags(command, 'agent');
}
