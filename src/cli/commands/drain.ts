/** `tenure drain` and `undrain`: takes a node out of service, and puts it back. */
import { Command } from 'commander';
import { parseDuration } from '../../config/duration.ts';
import type { View } from '../../core/model.ts';
import { withStore } from '../connect.ts';
import type { StoreSession } from '../connect.ts';
import type { CliContext } from '../context.ts';
import { failed, usage } from '../context.ts';
import { addConfigFlags } from '../flags.ts';
import { age, byAddress, count, some } from '../output.ts';
import { follow, holderOf, holdings, liveNode, noSuchNode } from '../view.ts';

interface DrainFlags {
  readonly timeout: string;
  readonly wait: boolean;
  readonly absent?: true;
}

export function drainCommand(context: CliContext): Command {
  const command = new Command('drain')
    .summary('Move all addresses off a node.')
    .description('Move all addresses off a node, and give it no others until "tenure undrain". Its agent goes on running.')
    .argument('<node>', 'name of the node')
    .option('--timeout <duration>', 'wait so long for the addresses to move', '30s')
    .option('--no-wait', 'only mark the node')
    .option('--absent', 'mark a node that is not alive too')
    .addHelpText('after', `
Examples:
  tenure drain web-1
  tenure drain web-1 && ssh web-1 reboot

Exit codes: 0 the node holds nothing; 1 it still does, or is unknown, or the store failed.`);
  addConfigFlags(command, 'client');
  return command.action(async (node: string, flags: DrainFlags) => {
    const timeoutMs = waitTime(flags.timeout);
    await withStore(context, command, (session) => drain(context, session, node, {
      timeoutMs: flags.wait ? timeoutMs : 0, absent: flags.absent === true,
    }));
  });
}

/** A duration for `--timeout`; throws a usage error. */
export function waitTime(text: string): number {
  const ms = parseDuration(text, { least: 100, most: 86_400_000 });
  if ('error' in ms) throw usage(`--timeout: ${ms.error}`);
  return ms.value;
}

async function drain(
  context: CliContext, { store, deadline }: StoreSession, node: string,
  { timeoutMs, absent }: { readonly timeoutMs: number; readonly absent: boolean },
): Promise<void> {
  let moving: readonly string[] = [];
  let started = 0;
  let left: readonly string[] = [];
  const mark = async (view: View): Promise<void> => {
    if (!absent) liveNode(view, node);
    moving = holdings(view).get(node) ?? [];
    const was = view.drains.has(node);
    started = context.now();
    await store.setDrain(node, true, deadline());
    context.stdout.write(`node/${node} ${was ? 'is drained already' : 'drained'}\n`);
  };
  if (timeoutMs === 0) return mark(await store.read(deadline()));
  context.bePatient();
  const verdict = await follow(store, timeoutMs, mark, (view) => {
    left = view.nodes.has(node) ? holdings(view).get(node) ?? [] : [];
    return left.length === 0 ? { done: view } : null;
  });
  if (verdict === null) {
    left = left.toSorted(byAddress);
    throw failed(`node: ${JSON.stringify(node)}: still holds ${left.length} of ${count(Math.max(moving.length, left.length), 'address', 'addresses')} after ${age(timeoutMs)} (${some(left)}): "tenure status" says what hinders others from taking them`);
  }
  if (moving.length === 0) return;
  context.stdout.write(`${count(moving.length, 'address', 'addresses')} moved in ${age(context.now() - started)}: ${whereTo(verdict.done, moving)}\n`);
}

/** `web-2 6, web-3 6`. */
function whereTo(view: View, eips: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const eip of eips) {
    const node = holderOf(view, view.leases.get(eip)) ?? 'nobody';
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([node, number]) => `${node} ${number}`).join(', ');
}

export function undrainCommand(context: CliContext): Command {
  const command = new Command('undrain')
    .summary('Put a drained node back into service.')
    .description('Put a drained node back into service. Addresses that moved stay where they are, unless their Eips ask for failback.')
    .argument('<node>', 'name of the node')
    .addHelpText('after', `
Examples:
  tenure undrain web-1

Exit codes: 0 the node may take addresses; 1 it is unknown, or the store failed.`);
  addConfigFlags(command, 'client');
  return command.action(async (node: string) => {
    await withStore(context, command, async ({ store, deadline }) => {
      const { nodes, drains } = await store.read(deadline());
      if (!drains.has(node) && !nodes.has(node)) {
        throw noSuchNode(node, [...nodes.keys(), ...drains.keys()]);
      }
      await store.setDrain(node, false, deadline());
      context.stdout.write(`node/${node} ${drains.has(node) ? 'undrained' : 'was not drained'}\n`);
    });
  });
}
