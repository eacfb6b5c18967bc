/** What a supervisor does when its agent is dead. The simulator runs this as well. */
import type { GateCloser } from '../../net/fence-silence.ts';
import type { Obituaries } from './obituaries.ts';

export interface Mourning {
  readonly gate: Pick<GateCloser, 'closeGate'>;
  readonly obituaries: Pick<Obituaries, 'send'>;
}

export type Mourned =
  /** To how many places the first round of obituaries went. */
  | { readonly told: number }
  /** The gate closes by itself in time; until then nobody may be told that it is closed. */
  | { readonly error: unknown };

/** The gate first: whoever hears of the death takes over at once. */
export function mourn({ gate, obituaries }: Mourning): Mourned {
  try {
    gate.closeGate();
  } catch (error) {
    return { error };
  }
  return { told: obituaries.send() };
}
