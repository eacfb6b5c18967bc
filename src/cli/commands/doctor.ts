/** `tenure doctor`: looks this host over. */
import { Command } from 'commander';
import type { Check } from '../../agent/doctor/check.ts';
import { examine, examineWithoutStore } from '../../agent/doctor/doctor.ts';
import { whyNoEips } from '../../config/load.ts';
import { hostConfig } from '../configuration.ts';
import { withStoreOf } from '../connect.ts';
import { CliError, exitCodes, usage } from '../context.ts';
import type { CliContext } from '../context.ts';
import { addConfigFlags } from '../flags.ts';
import { formatOption, structured } from '../output.ts';
import type { Format } from '../output.ts';

export function doctorCommand(context: CliContext): Command {
  const command = new Command('doctor')
    .description('Look over this host: kernel, privileges, interfaces, store, other programs.')
    .addOption(formatOption(['table', 'json', 'yaml']))
    .addHelpText('after', `
Changes nothing. Asks the LAN who answers for each address, by probes that claim nothing.
Exit code: 0 if nothing failed, 1 if something did.

Examples:
  sudo tenure doctor
  sudo tenure doctor --config /etc/tenure/tenure.yaml -o json`)
    .action(async ({ output }: { output: Format }) => {
      const config = hostConfig(context, command);
      const missing = whyNoEips(config);
      if (missing !== null) throw usage(missing);
      const checks = config.store.kind === 'none' ? await examineWithoutStore(config)
        : await withStoreOf(context, config.store, ({ store }) => examine(config, store));
      context.stdout.write(output === 'json' || output === 'yaml'
        ? structured(checks, output)
        : checks.map((check) => line(check, context.stdout.colours)).join(''));
      if (checks.some(({ state }) => state === 'fail')) throw new CliError(exitCodes.failed, []);
    });
  return addConfigFlags(command, 'agent');
}

const marks = { ok: ['ok  ', '32'], warn: ['WARN', '33'], fail: ['FAIL', '31'] } as const;

function line({ name, state, finding, fix }: Check, colours: boolean): string {
  const [mark, colour] = marks[state];
  const shown = colours ? `\u001b[${colour}m${mark}\u001b[39m` : mark;
  const mend = fix === null ? '' : `\n      ${fix}`;
  return `${shown}  ${name}: ${finding}${mend}\n`;
}
