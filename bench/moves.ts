/** How often addresses changed hands, by the store and by what was heard on the LAN. */
import type { Lab } from '../test/lab/lab.ts';
import type { Tenure } from '../test/lab/tenure.ts';

/** By address. */
export type Terms = ReadonlyMap<string, number>;

/** Each change of hands is one more term. */
export async function termsOf(tenure: Tenure): Promise<Terms> {
  return new Map((await tenure.status()).addresses.map(({ address, term }) => [address, term]));
}

export interface Heard {
  /** Changes of hands, by the store. */
  readonly moves: number;
  /** Addresses that went from host to host on the LAN more often than that: two claimed them. */
  readonly disputed: number;
}

/** Of all addresses, since `since` (wall-clock ms), when their terms were as in `before`. */
export async function heardSince(
  lab: Lab, tenure: Tenure, before: Terms, since: number,
): Promise<Heard> {
  await lab.sniffer.assertHeardAll();
  let moves = 0;
  let disputed = 0;
  for (const [address, term] of await termsOf(tenure)) {
    const rose = term - (before.get(address) ?? term);
    const runs = await lab.sniffer.runs(address, { since });
    moves += rose;
    if (runs.length - 1 > rose) disputed += 1;
  }
  return { moves, disputed };
}
