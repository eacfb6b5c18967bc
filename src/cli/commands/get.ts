/** `tenure get`: lists Eips and nodes. */
import { Command } from 'commander';
import { withStore } from '../connect.ts';
import type { CliContext } from '../context.ts';
import { addConfigFlags } from '../flags.ts';
import { checkKind } from '../kinds.ts';
import { formatOption } from '../output.ts';
import type { Format } from '../output.ts';
import { getEips } from './get-eips.ts';
import { getNodes } from './get-nodes.ts';

interface GetFlags {
  readonly output: Format;
}

export function getCommand(context: CliContext): Command {
  const command = new Command('get')
    .description('List Eips, or the nodes that are alive.')
    .argument('<kind>', 'eips or nodes')
    .argument('[name]', 'only the one of this name')
    .addOption(formatOption(['table', 'wide', 'json', 'yaml']))
    .addHelpText('after', `
Examples:
  tenure get eips
  tenure get nodes -o wide
  tenure get eip web -o yaml      as it can be applied again

Exit codes: 0 shown; 1 not found, or the store failed; 2 a wrong command line.`);
  addConfigFlags(command, 'client');
  return command.action(async (text: string, name: string | undefined, flags: GetFlags) => {
    const kind = checkKind(text, ['eip', 'node']);
    const get = kind === 'eip' ? getEips : getNodes;
    await withStore(context, command, async (session) => {
      context.stdout.write(await get(context, session, { name, format: flags.output }));
    });
  });
}
