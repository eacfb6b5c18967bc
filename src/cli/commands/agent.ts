/** `tenure agent`: runs the agent until it is told to stop. */
import { Command } from 'commander';
import { whyNoEips } from '../../config/load.ts';
import { runSupervised, wantsSupervisor } from '../../agent/supervisor/run-supervised.ts';
import { StoreError } from '../../store/lease-store.ts';
import { hostConfig } from '../configuration.ts';
import { explainStoreError } from '../connect.ts';
import { CliError, failed, usage } from '../context.ts';
import type { CliContext } from '../context.ts';
import { addConfigFlags } from '../flags.ts';
import { version } from '../version.ts';

export function agentCommand(context: CliContext): Command {
  const command = new Command('agent')
    .description('Run the agent of this node: hold addresses, and announce what it holds.')
    .addHelpText('after', `
Runs until SIGTERM or SIGINT; then everything it holds is handed over first.
Needs root, or the capabilities CAP_NET_ADMIN and CAP_NET_RAW.

Examples:
  tenure agent --config /etc/tenure/tenure.yaml
  tenure agent --etcd-endpoints http://10.0.0.5:2379 --node-name rack1-a
  tenure agent --store kubernetes --kubeconfig /etc/tenure/kubeconfig
  tenure agent --store none --eips /etc/tenure/eips --vip-advert-interval 100ms`)
    .action(async () => {
      const config = hostConfig(context, command);
      const missing = whyNoEips(config);
      if (missing !== null) throw usage(missing);
      if (wantsSupervisor(config, context.env)) {
        const code = await runSupervised(config);
        // The agent has said why.
        if (code !== 0) throw new CliError(code, []);
        return;
      }
      // The supervisor has no use for what this brings with it.
      const { runAgent } = await import('../../agent/run-agent.ts');
      const outcome = await runAgent(config, {
        version: version(), openStore: (hooks) => context.openStore(config.store, hooks),
      });
      if (outcome === null) return;
      const text = outcome instanceof StoreError
        ? explainStoreError(outcome, config.store) : outcome.message;
      throw Object.assign(failed(text), { cause: outcome });
    });
  return addConfigFlags(command, 'agent');
}
