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

/** What is to be sent in answer to one batch: answers, of `asked` one each, then defences. */
interface Replies {
  readonly frames: Uint8Array[];
  readonly asked: Entry[];
  /** Those whose first question of a term is answered by that frame. */
  readonly firsts: { readonly entry: Entry; readonly at: number }[];
  readonly defences: { readonly entry: Entry; readonly mac: string; readonly from: number }[];
}

/** An answer that the gate was shut for. */
interface Late {
  readonly state: LinkState;
  readonly family: LinkFamily;
  readonly entry: Entry;
  /** Made for the MAC that the link had then. */
  readonly frame: Uint8Array;
  readonly mac: string;
  readonly at: number;
}

export class Receiver {
  readonly #options: Settled;
  readonly #modules: ReceiverModules;
  #late: Late[] = [];

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
    const replies: Replies = { frames: [], asked: [], firsts: [], defences: [] };
    const claimedBy: (readonly [Entry, string])[] = [];
    for (const { bytes } of frames.slice(0, most)) {
      const heard = hear(bytes);
      if ('drop' in heard) tally.drop(heard.drop);
      else this.#hear(state, heard, replies, claimedBy);
    }
    for (const [entry, mac] of claimedBy) {
      replies.defences.push({ entry, mac, from: replies.frames.length });
      replies.frames.push(...entry.claim);
    }
    if (replies.frames.length > 0) this.#send(state, family, replies);
  }

  /**
   * Answers what was asked while the gate was shut for a moment: who asks waits a second before he
   * asks again (RFC 4861 10: RETRANS_TIMER; the same in ARP by custom).
   */
  catchUp(): void {
    if (this.#late.length === 0) return;
    const { links, gate, tally, now } = this.#modules;
    const late = this.#late;
    this.#late = [];
    for (const { state, family, entry, frame, mac, at } of late) {
      const isDue = gate.isOpen() && now() - at < this.#options.timing.askedAgainMs
        && entry.state.kind === 'claimed'
        && links.get(state.ifindex) === state && state.link.mac === mac;
      if (isDue && links.send(state, family, [frame])[0] === null) tally.questionsAnswered += 1;
    }
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
      replies.asked.push(asked);
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
    const { frames, asked, firsts, defences } = replies;
    const { links, gate, tally, conflicts, now } = this.#modules;
    const open = gate.isOpen();
    const results = open ? links.send(state, family, frames) : [];
    if (!open) tally.drop('gate-closed', asked.length);
    for (const [index, entry] of asked.entries()) {
      const frame = frames[index];
      if (results[index] === null) tally.questionsAnswered += 1;
      else if (frame !== undefined) this.#keep(state, family, entry, frame);
    }
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

  #keep(state: LinkState, family: LinkFamily, entry: Entry, frame: Uint8Array): void {
    if (this.#late.length >= this.#options.limits.lateAnswers) this.#late.shift();
    const { mac } = state.link;
    this.#late.push({ state, family, entry, frame, mac, at: this.#modules.now() });
  }
}
