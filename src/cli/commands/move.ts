/** `tenure move`: hands one address to a node. */
import { Command } from 'commander';
import { expandEips, refereedEips } from '../../config/eip-set.ts';
import type { EipSettings } from '../../config/eip-set.ts';
import { defaultBurst } from '../../config/burst.ts';
import type { EipDocument } from '../../config/eip-document.ts';
import { whyUnfit } from '../../core/eligibility.ts';
import type { View } from '../../core/model.ts';
import { blockContains, parseAddress } from '../../wire/address.ts';
import { checkAddress } from '../address.ts';
import { withStore } from '../connect.ts';
import type { StoreSession } from '../connect.ts';
import type { CliContext } from '../context.ts';
import { failed } from '../context.ts';
import { readStoredEips } from '../documents.ts';
import { addConfigFlags } from '../flags.ts';
import { age } from '../output.ts';
import { follow, holderOf, liveNode } from '../view.ts';
import { waitTime } from './drain.ts';

interface MoveFlags {
  readonly timeout: string;
}

export function moveCommand(context: CliContext): Command {
  const command = new Command('move')
    .summary('Move one address to a node.')
    .description('Move one address to a node, and wait until it is there.')
    .argument('<address>', 'an address of an Eip')
    .argument('<node>', 'name of the node that is to have it')
    .option('--timeout <duration>', 'wait so long', '10s')
    .addHelpText('after', `
Examples:
  tenure move 192.0.2.10 web-2

Exit codes: 0 the node has the address; 1 it has not, or the store failed; 2 a wrong command line.`);
  addConfigFlags(command, 'client');
  return command.action(async (address: string, node: string, flags: MoveFlags) => {
    const eip = checkAddress(address);
    const timeoutMs = waitTime(flags.timeout);
    await withStore(context, command, async (session) => {
      const line = await move(context, session, { eip, to: node, timeoutMs });
      context.stdout.write(`${line}\n`);
    });
  });
}

interface Wish {
  readonly eip: string;
  readonly to: string;
  readonly timeoutMs: number;
}

async function move(
  context: CliContext, { store, deadline }: StoreSession, { eip: asked, to, timeoutMs }: Wish,
): Promise<string> {
  const [stored, view] = await Promise.all([
    store.listDocuments(deadline()), store.read(deadline()),
  ]);
  const settings = settingsOf(asked, readStoredEips(context, stored).documents);
  const { eip } = settings;
  const before = view.leases.get(eip);
  const from = holderOf(view, before);
  refuseUnfit(view, settings, to);
  if (before === undefined || from === null) {
    throw failed(`address: "${eip}": nobody holds it, so that nobody can hand it over: "tenure status" says why`);
  }
  if (from === to) return `${eip} is at ${to} already (term ${before.term})`;
  const started = context.now();
  // Before the store is followed: a view without the request is one in which it is settled.
  await store.requestMove({ eip, to, at: started }, deadline());
  let last = view;
  context.bePatient();
  const verdict = await follow(store, timeoutMs, nothing, (current) => {
    last = current;
    const lease = current.leases.get(eip);
    if (lease !== undefined && holderOf(current, lease) === to) return { done: lease };
    // Settled without success: the holder found that it cannot be.
    return current.moves.has(eip) ? null : { done: null };
  });
  if (verdict?.done) {
    return `${eip} moved from ${from} to ${to} in ${age(context.now() - started)} (term ${verdict.done.term})`;
  }
  const now = holderOf(last, last.leases.get(eip)) ?? 'nobody';
  const why = whyUnfit(eip, policy(settings), last.nodes.get(to), last.drains.has(to));
  if (verdict !== null) {
    throw failed(`address: "${eip}": is at ${now}, which refused to hand it to ${to}${why === null ? '' : ` (${why})`}: see the log of ${now}`);
  }
  throw failed(`address: "${eip}": is at ${now} still, after ${age(timeoutMs)}: "tenure status" says how the nodes are`);
}

const nothing = (): Promise<void> => Promise.resolve();

/** Of the Eip that has the address; an error if there is none, or it is disabled. */
function settingsOf(eip: string, documents: readonly EipDocument[]): EipSettings {
  const address = parseAddress(eip);
  const document = 'error' in address
    ? undefined
    : documents.find(({ block }) => blockContains(block, address));
  if (document === undefined) {
    throw failed(`address: "${eip}": is in no Eip: "tenure get eips" lists the addresses there are`);
  }
  if (document.disabled) {
    throw failed(`address: "${eip}": its Eip "${document.name}" is disabled: take spec.disable out and apply it`);
  }
  const defaults = { announce: 'bind', failbackMs: null, burst: defaultBurst } as const;
  if (document.protocol === 'vip') {
    // One lease stands for all addresses of the Eip.
    for (const settings of refereedEips([document], defaults).values()) return settings;
    throw failed(`address: "${eip}": VRRP keeps it (spec.protocol: vip), and keepalived elects: "tenure drain" moves all that a node has`);
  }
  // Only the selector and the name are looked at, for which defaults do not matter.
  const single = 'error' in address ? document.block : { ...document.block, first: address, last: address };
  const settings = expandEips([{ ...document, block: single }], defaults).get(eip);
  if (settings === undefined) throw new Error(`${eip} is lost among the addresses of ${document.name}`);
  return settings;
}

function policy({ pool, selector, failbackMs }: EipSettings) {
  return { pool, selector, failbackMs };
}

function refuseUnfit(view: View, settings: EipSettings, to: string): void {
  const lease = liveNode(view, to);
  const why = whyUnfit(settings.eip, policy(settings), lease, view.drains.has(to));
  if (why === null) return;
  const advice = view.drains.has(to) ? `"tenure undrain ${to}" puts it back` : 'name another node';
  throw failed(`node: ${JSON.stringify(to)}: cannot hold ${settings.eip} (${why}): ${advice}`);
}
