/** Answers questions about the EIPs that we claim, and notices strangers that use them. */
import type { Eip } from '../core/model.ts';
import type { Conflicts } from './conflicts.ts';
import type { Entry, LinkFamily } from './entry.ts';
import type { Gate } from './gate.ts';
import { hearArp, hearNeighbour, type Heard } from './hear.ts';
import type { Links, LinkState } from './links.ts';
import type { Settled } from './options.ts';
import type { ReceivedFrame } from './ports.ts';
import type { Tally } from './tally.ts';

export interface ReceiverModules {
  readonly links: Links;
  readonly gate: Gate;
  readonly tally: Tally;
  readonly conflicts: Conflicts;
  readonly now: () => number;
  readonly entryOf: (eip: Eip) => Entry | undefined;
  /** A stranger was found before the first claim: the entry is to be probed again later. */
  readonly onStranger: (entry: Entry, mac: string) => void;
}

/** What is to be sent in answer to one batch. */
interface Replies {
  readonly frames: Uint8Array[];
  answers: number;
  /** Those whose first question of a term is answered by that frame. */
  readonly firsts: { readonly entry: Entry; readonly at: number }[];
  readonly defences: { readonly entry: Entry; readonly mac: string; readonly from: number }[];
}

export class Receiver {
  readonly #options: Settled;
  readonly #modules: ReceiverModules;

  constructor(options: Settled, modules: ReceiverModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** Handles a batch from one socket; what is to be sent leaves in one call, answers first. */
  handle(state: LinkState, family: LinkFamily, frames: readonly ReceivedFrame[]): void {
    const { tally } = this.#modules;
    const most = this.#options.limits.framesPerBatch;
    if (frames.length > most) tally.drop('over-budget', frames.length - most);
    const hear = family === 'arp' ? hearArp : hearNeighbour;
    const replies: Replies = { frames: [], answers: 0, firsts: [], defences: [] };
    const claimedBy: (readonly [Entry, string])[] = [];
    for (const { bytes } of frames.slice(0, most)) {
      const heard = hear(bytes);
      if ('drop' in heard) tally.drop(heard.drop);
      else this.#hear(state, heard, replies, claimedBy);
    }
    replies.answers = replies.frames.length;
    for (const [entry, mac] of claimedBy) {
      replies.defences.push({ entry, mac, from: replies.frames.length });
      replies.frames.push(...entry.claim);
    }
    if (replies.frames.length > 0) this.#send(state, family, replies);
  }

  #hear(
    state: LinkState, heard: Heard, replies: Replies, claimedBy: (readonly [Entry, string])[],
  ): void {
    const { links, tally, conflicts, onStranger } = this.#modules;
    // Our own, brought back by a bridge or a loop, or repeated by a proxy on our behalf.
    if (links.isOwn(heard.from) || links.isOwn(heard.mac)) {
      tally.drop('from-ourselves');
      return;
    }
    const user = this.#entryOn(state, heard.uses);
    const asked = this.#entryOn(state, heard.asks);
    let acted = false;
    if (user?.state.kind === 'claimed') {
      acted = true;
      if (conflicts.noteForeignClaim(user)) claimedBy.push([user, heard.mac]);
      else tally.drop('conflict-already-reported');
    } else if (user?.state.kind === 'probing') {
      acted = true;
      onStranger(user, heard.mac);
    }
    if (asked?.state.kind === 'claimed' && heard.answer !== null) {
      acted = true;
      if (asked.servedTerm !== asked.term) {
        replies.firsts.push({ entry: asked, at: replies.frames.length });
      }
      replies.frames.push(heard.answer(state.link.mac));
    } else if (asked?.state.kind === 'probing' && heard.probes) {
      acted = true;
      onStranger(asked, heard.mac);
    }
    if (!acted) tally.drop('not-claimed-here');
  }

  #entryOn(state: LinkState, eip: Eip | null): Entry | undefined {
    const entry = eip === null ? undefined : this.#modules.entryOf(eip);
    return entry?.settings.link.ifindex === state.ifindex ? entry : undefined;
  }

  #send(state: LinkState, family: LinkFamily, replies: Replies): void {
    const { frames, answers, firsts, defences } = replies;
    const { links, gate, tally, conflicts, now } = this.#modules;
    const open = gate.isOpen();
    const results = open ? links.send(state, family, frames) : [];
    if (!open) tally.drop('gate-closed', answers);
    for (let i = 0; i < answers; i += 1) if (results[i] === null) tally.questionsAnswered += 1;
    for (const { entry, at } of firsts) {
      if (results[at] !== null || entry.servedTerm === entry.term) continue;
      entry.servedTerm = entry.term;
      tally.event({ kind: 'served', eip: entry.eip, term: entry.term, at: now() });
    }
    for (const { entry, mac, from } of defences) {
      const sent = results.slice(from, from + entry.claim.length).includes(null);
      conflicts.after(entry, mac, sent);
    }
  }
}
