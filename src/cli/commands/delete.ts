/** `tenure delete`: takes Eips out of the store, and so gives their addresses up. */
import { Command } from 'commander';
import { enumerate } from '../../config/suggest.ts';
import { withStore } from '../connect.ts';
import type { StoreSession } from '../connect.ts';
import type { CliContext } from '../context.ts';
import { failed, usage } from '../context.ts';
import { readManifests } from '../documents.ts';
import { addConfigFlags } from '../flags.ts';
import { checkKind } from '../kinds.ts';

interface DeleteFlags {
  readonly filename?: readonly string[];
  readonly ignoreNotFound?: true;
}

export function deleteCommand(context: CliContext): Command {
  const command = new Command('delete')
    .summary('Delete Eips, and so give their addresses up.')
    .description('Delete Eips. Their addresses are given up: nobody answers for them any more.')
    .argument('[kind]', 'eip')
    .argument('[names...]', 'names of Eips')
    .option('-f, --filename <file...>', 'delete the Eips of these files; - is standard input')
    .option('--ignore-not-found', 'an Eip that is not there is no error')
    .addHelpText('after', `
Examples:
  tenure delete eip web
  tenure delete -f eips.yaml --ignore-not-found

Exit codes: 0 deleted; 1 one was not there, or the store failed; 2 a wrong command line.`);
  addConfigFlags(command, 'client');
  return command.action(async (kind: string | undefined, names: string[], flags: DeleteFlags) => {
    const chosen = await namesToDelete(context, kind, names, flags);
    await withStore(context, command, (session) => remove(context, session, chosen, flags));
  });
}

async function namesToDelete(
  context: CliContext, kind: string | undefined, names: readonly string[], flags: DeleteFlags,
): Promise<readonly string[]> {
  const { filename } = flags;
  if (kind !== undefined) checkKind(kind, ['eip']);
  if (filename !== undefined) {
    if (names.length > 0) throw usage('delete: names and -f are given together: give one of the two');
    return (await readManifests(context, filename)).map(({ name }) => name);
  }
  if (names.length === 0) throw usage('delete: no Eip is named: write "tenure delete eip NAME" or "tenure delete -f FILE"');
  return [...new Set(names)];
}

async function remove(
  context: CliContext, { store, deadline }: StoreSession, names: readonly string[],
  flags: DeleteFlags,
): Promise<void> {
  const known = (await store.listDocuments(deadline())).map(({ name }) => name);
  const missing = names.filter((name) => !known.includes(name));
  if (missing.length > 0 && flags.ignoreNotFound !== true) {
    const there = known.length === 0 ? 'there is none' : `there are ${enumerate(known.toSorted())}`;
    throw failed(`eip: ${missing.map((name) => JSON.stringify(name)).join(', ')}: not found, nothing was deleted: ${there}`);
  }
  for (const name of names) {
    if (await store.deleteDocument(name, deadline())) context.stdout.write(`eip/${name} deleted\n`);
  }
}
