/** What a supervised agent tells its supervisor, by the channel that Node gives to children. */
import type { PeerPlace } from '../wire/messages.ts';

/** Everything that an obituary needs. */
export interface LastWords {
  readonly node: string;
  /** 0: it never had a tenure, so there is nobody to tell. */
  readonly boot: number;
  readonly incarnation: number;
  readonly peers: readonly PeerPlace[];
  /** The key to seal with. */
  readonly key: string | null;
}

export type FromAgent =
  | { readonly kind: 'last-words'; readonly words: LastWords }
  /** For the service manager, which listens to its main process alone. */
  | { readonly kind: 'notify'; readonly text: string }
  | { readonly kind: 'ready' }
  /** It has put everything in order, and ends. */
  | { readonly kind: 'leaving' };

/** Set for the agent by its supervisor. */
export const supervisedVariable = 'TENURE_SUPERVISED';

/** The number of the agent's end of the pipe that tells its supervisor of its death. */
export const canaryVariable = 'TENURE_CANARY';
