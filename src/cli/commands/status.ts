/** `tenure status`: who holds what, since when, by which term, and why it last moved. */
import { Command, InvalidArgumentError } from 'commander';
import type { AgentConfig } from '../../config/agent-config.ts';
import type { StoreInfo } from '../../store/lease-store.ts';
import { clientConfig } from '../configuration.ts';
import { withStoreOf } from '../connect.ts';
import type { StoreSession } from '../connect.ts';
import { CliError, exitCodes } from '../context.ts';
import type { CliContext } from '../context.ts';
import { addConfigFlags } from '../flags.ts';
import { formatOption, structured } from '../output.ts';
import type { Format } from '../output.ts';
import { lookAtAgent } from '../status/local.ts';
import { assessStatus } from '../status/model.ts';
import type { Status } from '../status/model.ts';
import { renderStatus } from '../status/render.ts';

const refreshMs = 500;

interface Flags {
  readonly output: Format;
  readonly watch?: true;
  readonly number: number;
}

export function statusCommand(context: CliContext): Command {
  const command = new Command('status')
    .description('Show who holds what, since when and why, and what is wrong.')
    .addOption(formatOption(['table', 'wide', 'json', 'yaml']))
    .option('-w, --watch', 'show it again whenever it changes, until interrupted')
    .option('-n, --number <addresses>', 'show at most so many addresses', wholeNumber, 100)
    .addHelpText('after', `
Exit code: 0 if all addresses are held and nothing stands in the way, 1 if not.

Examples:
  tenure status
  tenure status --store none
  tenure status --watch
  tenure status -o json | jq '.addresses[] | select(.holder == null)'`)
    .action(async (flags: Flags) => {
      const shown = flags.watch ? watch : show;
      const config = clientConfig(context, command);
      const status = config.store.kind === 'none'
        ? await shown(context, () => lookAtAgent(config), flags)
        : await withStoreOf(context, config.store, (session) =>
          shown(context, () => look(config, session), flags));
      if (!status.well) throw new CliError(exitCodes.failed, []);
    });
  return addConfigFlags(command, 'client');
}

function wholeNumber(text: string): number {
  if (!/^[1-9][0-9]{0,6}$/.test(text)) throw new InvalidArgumentError('Give a whole number of at least 1.');
  return Number(text);
}

async function show(
  context: CliContext, glance: () => Promise<Status>, flags: Flags,
): Promise<Status> {
  const status = await glance();
  context.stdout.write(rendered(status, context, flags));
  return status;
}

/** Polls: what is shown comes from several places, and people read no faster. */
async function watch(
  context: CliContext, glance: () => Promise<Status>, flags: Flags,
): Promise<Status> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => { interrupt.abort(); });
  let last = '';
  for (;;) {
    const status = await glance();
    const text = rendered(status, context, flags);
    const { stdout } = context;
    if (text !== last) stdout.write(stdout.colours ? `\u001b[H\u001b[2J${text}` : `${text}\n`);
    last = text;
    if (interrupt.signal.aborted) return status;
    await new Promise((resolve) => { setTimeout(resolve, refreshMs); });
  }
}

async function look(
  config: AgentConfig, { store, deadline }: StoreSession,
): Promise<Status> {
  const [view, documents, info] = await Promise.all([
    store.read(deadline()), store.listDocuments(deadline()), store.info(deadline()),
  ]);
  return assessStatus({ view, documents, info: sorted(info), defaults: config.eips });
}

function sorted(info: StoreInfo): StoreInfo {
  const endpoints = info.endpoints.toSorted((a, b) => (a.address < b.address ? -1 : 1));
  return { ...info, endpoints };
}

function rendered(status: Status, context: CliContext, flags: Flags): string {
  if (flags.output === 'json' || flags.output === 'yaml') return structured(status, flags.output);
  return renderStatus(status, {
    now: context.now(), format: flags.output, colours: context.stdout.colours, most: flags.number,
  });
}
