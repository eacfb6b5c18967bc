/** What a fence test tells its helper processes, and what it hears from them. Plain data. */

/** An ARP or ND packet that arrived at the far end, as far as the fence is concerned. */
export interface Heard {
  readonly what: 'arp-request' | 'arp-reply' | 'solicitation' | 'advertisement';
  /** Sender of ARP, source of a solicitation, target of an advertisement. */
  readonly address: string;
  /** Source of the frame. */
  readonly mac: string;
  /** Wall clock, ms. */
  readonly at: number;
}

export interface OpenOrder {
  readonly only?: 'egress' | 'arp';
  /** The clocks that the fence reads are behind by so much, as if it were held up after reading. */
  readonly lagMs?: number;
  /** The wall clock that the fence reads is ahead, as if the real one were set back right after. */
  readonly realAheadMs?: number;
  /** The kernel asks in the name of the host's own addresses, as they are at each time. */
  readonly own?: boolean;
}

export interface ManageOrder {
  readonly addresses: readonly string[];
  /** Interfaces by name; all must be there. */
  readonly links: readonly string[];
}

export interface HoldOrder {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

export interface SendOrder {
  readonly link: string;
  /** In hex. */
  readonly frames: readonly string[];
  readonly marked: boolean;
  /** What the socket says to send; unless told, what the first frame is. */
  readonly protocol?: number;
}

/** The frames in turn, one every `everyMs`. */
export interface StreamOrder extends SendOrder {
  readonly everyMs: number;
  readonly forMs: number;
}

export interface StreamResult {
  /** Wall clock, ms, of each frame that went out, and of each that was refused. */
  readonly sent: readonly number[];
  readonly refused: readonly number[];
  /** The errnos of the refusals, each once. */
  readonly codes: readonly string[];
}

export interface RearmOrder {
  readonly times: number;
  readonly everyMs: number;
  /** How long the gate is opened for, each time. */
  readonly forMs: number;
}

export const mark = 0x544e;
