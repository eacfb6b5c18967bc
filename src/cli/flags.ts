/** The options of the configuration as flags of a command. */
import { Command, Option } from 'commander';
import { options } from '../config/options.ts';
import type { Option as ConfigOption } from '../config/option.ts';
import { defaultConfigFile } from '../config/load.ts';

/** `client`: those that reach the store alone. */
export function addConfigFlags(command: Command, which: 'agent' | 'client'): Command {
  const file = `configuration file (default: ${defaultConfigFile})`;
  command.addOption(new Option('--config <file>', file).helpGroup('Configuration:'));
  for (const option of configOptions(which)) {
    const { flag, argument, brief } = option;
    const fallback = option.fallbackShown ?? option.fallback;
    const text = fallback === null ? brief : `${brief} (default: ${fallback})`;
    const flags = new Option(`--${flag} <${argument}>`, text).helpGroup('Configuration:');
    if (option.reader.form === 'list') {
      flags.argParser((text: string, before: string | undefined) =>
        before === undefined ? text : `${before},${text}`);
    }
    command.addOption(flags);
  }
  return command;
}

/** What was given of them, by the flags' names without dashes: for `loadConfig`. */
export function configFlags(command: Command): Record<string, string> {
  const given: Record<string, string> = {};
  for (const option of command.options) {
    const name = option.long?.slice(2) ?? '';
    const value: unknown = command.getOptionValue(option.attributeName());
    if (typeof value === 'string' && (name === 'config' || configNames.has(name))) {
      given[name] = value;
    }
  }
  return given;
}

const all: readonly ConfigOption<unknown>[] = Object.values(options);
const configNames = new Set(all.map(({ flag }) => flag));

function configOptions(which: 'agent' | 'client') {
  return all.flatMap((option) => {
    const { flag } = option;
    return flag === null || (which === 'client' && !option.client) ? [] : [{ ...option, flag }];
  });
}
