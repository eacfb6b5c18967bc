/**
 * Which of our networks others can be spoken with on, both ways, where there are several. A network
 * is lost when there are nodes that live, as they are heard on another one, and with none of those
 * that are on it too has there been word both ways for as long as support lasts. That nobody can be
 * spoken with anywhere is no news of a network: then it is the voters who judge.
 */

/** What a node says of where its datagram goes to; as in the datagram. */
export const hearings = { unsaid: 0, no: 1, yes: 2 } as const;
export type Hearing = (typeof hearings)[keyof typeof hearings];

/** With one node on one network; instants of CLOCK_BOOTTIME, ms. */
interface Contact {
  /** Since when it is known there, and when it was last sent to. */
  readonly since: number;
  sentAt: number;
  heardAt: number;
  /** When it last said there that it hears us there. */
  bothWaysAt: number;
  /** It says whether it hears us: agents of before do not. */
  says: boolean;
}

export interface NetworksOptions {
  readonly now: () => number;
  /** Our endpoints on networks that are lost, as text, in order. */
  readonly onLost: (endpoints: readonly string[]) => void;
}

/** Of one network: nodes that we exchange heartbeats with are fewer by far. */
const mostContacts = 1024;

export class Networks {
  readonly #options: NetworksOptions;
  readonly #networks = new Map<string, Map<string, Contact>>();
  #lost = '';
  #lookedAt = -Infinity;

  constructor(options: NetworksOptions) {
    this.#options = options;
  }

  /** Our endpoints, one on each network; fewer than two are not looked at. */
  set(endpoints: readonly string[]): void {
    const wanted = endpoints.length > 1 ? endpoints : [];
    for (const known of this.#networks.keys()) {
      if (!wanted.includes(known)) this.#networks.delete(known);
    }
    for (const endpoint of wanted) {
      if (!this.#networks.has(endpoint)) this.#networks.set(endpoint, new Map());
    }
    if (wanted.length === 0) this.#tell([]);
  }

  /** Heard on one of our endpoints from `node`. */
  heard(own: string, node: string, hearing: Hearing): void {
    const contact = this.#contact(own, node);
    if (contact === null) return;
    const now = this.#options.now();
    contact.heardAt = now;
    if (hearing === hearings.yes) contact.bothWaysAt = now;
    if (hearing !== hearings.unsaid) contact.says = true;
  }

  /** What to say of `node` in what is sent to it from that endpoint; it is noted that it is. */
  sending(own: string, node: string, supportMs: number): Hearing {
    const contact = this.#contact(own, node);
    if (contact === null) return hearings.unsaid;
    const now = this.#options.now();
    contact.sentAt = now;
    return now - contact.heardAt < supportMs ? hearings.yes : hearings.no;
  }

  /** Looks which are lost, some times within `supportMs`. */
  look(supportMs: number): void {
    const now = this.#options.now();
    if (this.#networks.size === 0 || now - this.#lookedAt < supportMs / 8) return;
    this.#lookedAt = now;
    const alive = new Set<string>();
    for (const contacts of this.#networks.values()) {
      for (const [node, { heardAt }] of contacts) if (now - heardAt < supportMs) alive.add(node);
    }
    const lost: string[] = [];
    for (const [endpoint, contacts] of this.#networks) {
      let concerned = 0;
      let spoken = 0;
      for (const [node, { since, sentAt, bothWaysAt, says }] of contacts) {
        if (!alive.has(node) || !this.#says(node, says)) continue;
        // A node that has just been met has had no time to answer; one that is not there any more
        // is not sent to.
        if (now - since < 2 * supportMs || now - sentAt > supportMs / 2) continue;
        concerned += 1;
        if (now - bothWaysAt < supportMs) spoken += 1;
      }
      if (concerned > 0 && spoken === 0) lost.push(endpoint);
    }
    this.#tell(lost);
  }

  #says(node: string, here: boolean): boolean {
    return here || [...this.#networks.values()].some((contacts) => contacts.get(node)?.says);
  }

  #contact(own: string, node: string): Contact | null {
    const contacts = this.#networks.get(own);
    if (contacts === undefined) return null;
    const known = contacts.get(node);
    if (known !== undefined) return known;
    if (contacts.size >= mostContacts) contacts.clear();
    const contact: Contact = {
      since: this.#options.now(), sentAt: -Infinity, heardAt: -Infinity, bothWaysAt: -Infinity,
      says: false,
    };
    contacts.set(node, contact);
    return contact;
  }

  #tell(lost: readonly string[]): void {
    const text = lost.join();
    if (text === this.#lost) return;
    this.#lost = text;
    this.#options.onLost(lost);
  }
}
