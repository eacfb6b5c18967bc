/** `tenure keepalived run`: VRRP for the Eips of a directory, by keepalived, without a store. */
import { Command, Option } from 'commander';
import { durationIn, nodeLabels, nodeName, wholeNumberIn } from '../../config/option-values.ts';
import type { Parsed } from '../../config/problem.ts';
import { vipDefaults } from '../../keepalived/render/settings.ts';
import { createLogger } from '../../observe/logging.ts';
import { failed, usage, type CliContext } from '../context.ts';

interface RunFlags {
  readonly eips: string;
  readonly nodeName?: string;
  readonly nodeLabels?: string;
  readonly weight: string;
  readonly advertInterval: string;
  readonly vrid: readonly string[];
  readonly vmac?: true;
  readonly runDir: string;
  readonly program: string;
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
}

export function keepalivedRunCommand(context: CliContext): Command {
  return new Command('run')
    .description('Keep the Eips of a directory available by VRRP: write keepalived.conf, run '
      + 'keepalived, watch the wire. Needs no store.')
    .requiredOption('--eips <dir>', 'manifests of Eips with spec.protocol: vip; the same on every node')
    .option('--node-name <name>', 'default: the host name')
    .option('--node-labels <key=value,...>', 'what node selectors of Eips are matched with')
    .option('--weight <n>', 'share of the Eips relative to other nodes; 0: the last to take any', '1')
    .option('--advert-interval <duration>', '10ms to 40.95s, the same on every node', '1s')
    .option('--vrid <eip=n>', 'VRID of an Eip, the same on every node; may be given again',
      (value: string, all: readonly string[]) => [...all, value], [])
    .option('--vmac', 'a virtual MAC address for each Eip')
    .option('--run-dir <dir>', "for keepalived's files", '/run/tenure/keepalived')
    .option('--program <path>', 'keepalived to run', 'keepalived')
    .addOption(new Option('--log-level <level>').choices(['error', 'warn', 'info', 'debug'])
      .default('info'))
    .addHelpText('after', `
Runs until SIGTERM or SIGINT; then keepalived is stopped, which hands over first.
Files in the directory may change at any time: what is wrong is said, and what was before stays.

Examples:
  tenure keepalived run --eips /etc/tenure/eips
  tenure keepalived run --eips eips --advert-interval 100ms --vrid web=51`)
    .action(async (flags: RunFlags) => {
      const options = optionsOf(flags, context);
      // The checker has no use for what this brings with it.
      const { runVip } = await import('../../agent/vip/run-vip.ts');
      const log = createLogger({ level: flags.logLevel, format: 'auto' });
      const stop = new AbortController();
      const onSignal = () => { stop.abort(); };
      process.on('SIGTERM', onSignal);
      process.on('SIGINT', onSignal);
      try {
        const why = await runVip(options, log, stop.signal);
        if (why !== null) throw failed(why);
      } finally {
        process.off('SIGTERM', onSignal);
        process.off('SIGINT', onSignal);
      }
    });
}

function optionsOf(flags: RunFlags, context: CliContext) {
  const advertMs = parsed('--advert-interval', durationIn(10, 40_950)(flags.advertInterval));
  const pairs = (text: string) => text.split(',').filter((one) => one !== '').map((one) => {
    const at = one.indexOf('=');
    return [at < 0 ? one : one.slice(0, at), at < 0 ? '' : one.slice(at + 1)] as const;
  });
  return {
    node: parsed('--node-name', nodeName(flags.nodeName ?? context.hostName)),
    labels: parsed('--node-labels', nodeLabels(pairs(flags.nodeLabels ?? ''))),
    weight: parsed('--weight', wholeNumberIn(0, 1000)(flags.weight)),
    eips: flags.eips, dir: flags.runDir, program: flags.program,
    vrids: Object.fromEntries(flags.vrid.flatMap(pairs).map(([name, text]) =>
      [name, parsed(`--vrid ${name}`, wholeNumberIn(1, 255)(text))])),
    settings: { ...vipDefaults, advertMs, useVmac: flags.vmac === true },
  };
}

function parsed<T>(flag: string, value: Parsed<T>): T {
  if ('error' in value) throw usage(`${flag}: ${value.error}`);
  return value.value;
}
