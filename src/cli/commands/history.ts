/** `tenure history`: the last moves that the EIP leases remember. */
import { Command, InvalidArgumentError } from 'commander';
import type { EipLease, Move } from '../../core/model.ts';
import { movesKept, pathsKept } from '../../core/model.ts';
import { withStore } from '../connect.ts';
import type { CliContext } from '../context.ts';
import { failed } from '../context.ts';
import { addConfigFlags } from '../flags.ts';
import { age, byAddress, formatOption, structured, table, timestamp } from '../output.ts';
import type { Column, Format } from '../output.ts';
import { checkAddress } from '../address.ts';
import { timelineColumns, timelineOf } from '../history-timeline.ts';

interface Moved {
  readonly eip: string;
  readonly move: Move;
  /** Null: nobody, or no longer known. */
  readonly from: string | null;
  readonly now: number;
}

const nobody = '-';

const columns: readonly Column<Moved>[] = [
  { title: 'TIME', of: ({ move }) => timestamp(move.at) },
  { title: 'AGE', of: ({ move, now }) => age(now - move.at) },
  { title: 'ADDRESS', of: ({ eip }) => eip },
  { title: 'TERM', of: ({ move }) => move.term },
  { title: 'FROM', of: ({ from }) => from ?? nobody },
  { title: 'TO', of: ({ move }) => move.holder ?? nobody },
  { title: 'REASON', of: ({ move }) => move.reason },
];

interface HistoryFlags {
  readonly output: Format;
  readonly limit: number;
  readonly timeline?: true;
}

export function historyCommand(context: CliContext): Command {
  const command = new Command('history')
    .summary('Show the last moves.')
    .description(`Show the last moves, newest first. The store remembers ${movesKept} of each address.`)
    .argument('[address]', 'only those of this address')
    .option('-n, --limit <number>', 'at most so many', limit, 20)
    .option('-t, --timeline', `show how each move went, ms by ms (the last ${pathsKept} of each address)`)
    .addOption(formatOption(['table', 'json', 'yaml']))
    .addHelpText('after', `
Examples:
  tenure history
  tenure history 192.0.2.10 -n 3
  tenure history --timeline 192.0.2.10
  tenure history -o json -n 1000

Times are the wall clocks of the nodes that took the addresses. A timeline counts ms from the last
heartbeat that the new holder heard of the old one; or, where it heard none, from when it knew that
it was its turn: until the first withdrawal, the certificate (a majority has withdrawn), the open
gate, the first claim, the first question of a host on the LAN answered (SERVED), and the store's
confirmation. "-": not known, or not yet written down.
Exit codes: 0 shown; 1 never held, or the store failed; 2 a wrong command line.`);
  addConfigFlags(command, 'client');
  return command.action(async (address: string | undefined, flags: HistoryFlags) => {
    const eip = address === undefined ? null : checkAddress(address);
    await withStore(context, command, async ({ store, deadline }) => {
      const { leases } = await store.read(deadline());
      const chosen = [...leases.values()].filter((lease) => eip === null || lease.eip === eip);
      if (eip !== null && chosen.length === 0) {
        throw failed(`address: "${eip}": was never held: "tenure get eips" lists the addresses there are`);
      }
      context.stdout.write(render(context, chosen, flags));
    });
  });
}

function limit(text: string): number {
  const number = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (number === 0) throw new InvalidArgumentError('Write a whole number of at least 1.');
  return number;
}

function render(context: CliContext, leases: readonly EipLease[], flags: HistoryFlags): string {
  const now = context.now();
  const moves = leases.flatMap(({ eip, moves: past }) => past.map((move, i): Moved =>
    ({ eip, move, now, from: past[i + 1]?.holder ?? null })));
  moves.sort((a, b) =>
    b.move.at - a.move.at || byAddress(a.eip, b.eip) || b.move.term - a.move.term);
  const shown = moves.slice(0, flags.limit);
  if (flags.output === 'json' || flags.output === 'yaml') {
    return structured(shown.map(({ eip, move, from }) => ({
      address: eip, term: move.term, from, to: move.holder, reason: move.reason,
      at: new Date(move.at).toISOString(),
      ...flags.timeline ? { timeline: timelineOf(move) } : {},
    })), flags.output);
  }
  if (shown.length === 0) return 'Nothing has moved: no address was ever held.\n';
  const all = flags.timeline ? [...columns.filter(({ title }) => title !== 'AGE'), ...timelineColumns] : columns;
  return table(all, shown, 'table', context.stdout.colours);
}
