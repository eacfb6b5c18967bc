/** `tenure config check`: what an agent would make of a configuration. */
import { Command } from 'commander';
import { defaultConfigFile, describeOrigins, whyNoEips } from '../../config/load.ts';
import { loadedConfig } from '../configuration.ts';
import type { CliContext } from '../context.ts';
import { usage } from '../context.ts';
import { table } from '../output.ts';

export function configCommand(context: CliContext): Command {
  const check = new Command('check')
    .description('Check a configuration file, with the variables of the environment, as an agent would.')
    .argument('[file]', `the file (default: TENURE_CONFIG, else ${defaultConfigFile})`)
    .option('--all', 'show options that have their defaults too')
    .addHelpText('after', `
Examples:
  tenure config check tenure.yaml
  tenure config check --all

Exit codes: 0 an agent could start with it; 2 it could not.`)
    .action((file: string | undefined, flags: { readonly all?: true }) => {
      const given: Record<string, string> = file === undefined ? {} : { config: file };
      const { config, origins } = loadedConfig(context, given, context.hostName);
      const missing = whyNoEips(config);
      if (missing !== null) throw usage(missing);
      const rows = describeOrigins(origins)
        .filter(({ source }) => flags.all === true || source !== 'default');
      context.stdout.write(table([
        { title: 'OPTION', of: ({ path }) => path },
        { title: 'VALUE', of: ({ value }) => value },
        { title: 'FROM', of: ({ source }) => source },
      ], rows, 'table', context.stdout.colours));
    });
  return new Command('config')
    .description('Check the configuration of an agent.')
    .addCommand(check);
}
