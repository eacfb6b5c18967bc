/** What became of a client's packets: kept by a prober, and summed up for whoever asks. Pure. */

/** A time without any answer, between two that came (or until now). */
export interface Silence {
  /** Receipt of the last answer before it, and of the first after it: wall-clock ms. */
  readonly from: number;
  readonly to: number;
  readonly ms: number;
  /** Packets sent in it that were never answered. */
  readonly lost: number;
  /** Who answered before and after; null for nobody yet. */
  readonly before: string | null;
  readonly after: string | null;
  /** The prober itself stood still for so long within it: a busy machine, not the address. */
  readonly ownStallMs: number;
}

export interface ProbeReport {
  readonly sent: number;
  readonly answered: number;
  readonly lost: number;
  /** Answers that came twice: two holders, or a duplicated packet. */
  readonly duplicates: number;
  /** All longer than the threshold, in order. */
  readonly silences: readonly Silence[];
  /** The longest time between two answers, also where it is as short as it should be; ms. */
  readonly longestSilenceMs: number;
  readonly longestOwnStallMs: number;
  readonly answeredBy: Readonly<Record<string, number>>;
  readonly roundTripMs: { readonly p50: number; readonly p99: number };
  /** Who answered last, and when; null if nobody did. */
  readonly last: Answer | null;
}

/** An answer: when it was received (wall-clock ms), and who gave it. */
export interface Answer {
  readonly at: number;
  readonly by: string;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

const nobody = 255;

/** Remembers the last `capacity` packets and answers. */
export class ProbeLog {
  readonly #capacity: number;
  readonly #sentAt: Float64Array;
  readonly #roundTrip: Float64Array;
  readonly #answerAt: Float64Array;
  readonly #answerBy: Uint8Array;
  readonly #duplicateAt: number[] = [];
  readonly #stalls: Span[] = [];
  readonly #names: string[] = [];
  #sent = 0;
  #answers = 0;

  constructor(capacity = 2 ** 20) {
    this.#capacity = capacity;
    this.#sentAt = new Float64Array(capacity);
    this.#roundTrip = new Float64Array(capacity);
    this.#answerAt = new Float64Array(capacity);
    this.#answerBy = new Uint8Array(capacity);
  }

  /** Gives the packet's number. */
  send(at: number): number {
    const number = this.#sent;
    this.#sentAt[number % this.#capacity] = at;
    this.#roundTrip[number % this.#capacity] = NaN;
    this.#sent += 1;
    return number;
  }

  answer(number: number, at: number, by: string): void {
    if (number >= this.#sent || number < this.#sent - this.#capacity) return;
    const slot = number % this.#capacity;
    if (!Number.isNaN(this.#roundTrip[slot])) {
      this.#duplicateAt.push(at);
      if (this.#duplicateAt.length > 10_000) this.#duplicateAt.shift();
      return;
    }
    this.#roundTrip[slot] = at - (this.#sentAt[slot] ?? at);
    this.#answerAt[this.#answers % this.#capacity] = at;
    this.#answerBy[this.#answers % this.#capacity] = this.#numberOf(by);
    this.#answers += 1;
  }

  /** The prober came late: it did nothing from `from` to `to`. */
  stall(from: number, to: number): void {
    this.#stalls.push({ from, to });
    if (this.#stalls.length > 10_000) this.#stalls.shift();
  }

  #numberOf(by: string): number {
    const known = this.#names.indexOf(by);
    if (known !== -1) return known;
    if (this.#names.length === nobody) return nobody;
    return this.#names.push(by) - 1;
  }

  last(): Answer | null {
    return this.#answers === 0 ? null : this.#answerNumber(this.#answers - 1);
  }

  #answerNumber(number: number): Answer {
    const slot = number % this.#capacity;
    const by = this.#names[this.#answerBy[slot] ?? nobody] ?? '?';
    return { at: this.#answerAt[slot] ?? NaN, by };
  }

  /**
   * Sums up [since, until]. A silence that had begun before `since` counts from its beginning, and
   * one that has not ended counts up to `until`. With `changes`, those in which the answerer
   * changed are listed however short they are.
   */
  report(since: number, until: number, thresholdMs: number, changes = false): ProbeReport {
    const answers = this.answersBetween(since, until);
    const silences: Silence[] = [];
    let longest = 0;
    const between = (before: Answer | null, after: Answer | null): void => {
      const from = before?.at ?? since;
      const to = after?.at ?? until;
      longest = Math.max(longest, to - from);
      const listed = to - from > thresholdMs || (changes && before !== null && after !== null
        && before.by !== after.by);
      if (listed) silences.push(this.#silence(from, to, before, after));
    };
    let previous = this.#lastBefore(since);
    for (const answer of answers) {
      between(previous, answer);
      previous = answer;
    }
    between(previous, null);

    const answeredBy: Record<string, number> = {};
    for (const { by } of answers) answeredBy[by] = (answeredBy[by] ?? 0) + 1;
    const packets = this.#packetsBetween(since, until);
    const times = packets.filter((time) => !Number.isNaN(time)).sort((a, b) => a - b);
    return {
      sent: packets.length, answered: times.length, lost: packets.length - times.length,
      duplicates: this.#duplicateAt.filter((at) => at >= since && at <= until).length,
      silences, longestSilenceMs: longest,
      longestOwnStallMs: longestWithin(this.#stalls, since, until),
      answeredBy,
      roundTripMs: {
        p50: times[Math.floor(times.length * 0.5)] ?? NaN,
        p99: times[Math.floor(times.length * 0.99)] ?? NaN,
      },
      last: this.last(),
    };
  }

  #silence(from: number, to: number, before: Answer | null, after: Answer | null): Silence {
    return {
      from, to, ms: to - from,
      lost: this.#packetsBetween(from, to).filter((time) => Number.isNaN(time)).length,
      before: before?.by ?? null, after: after?.by ?? null,
      ownStallMs: longestWithin(this.#stalls, from, to),
    };
  }

  /** In the order in which they came; both instants included. */
  answersBetween(since: number, until: number): Answer[] {
    const answers: Answer[] = [];
    const oldest = Math.max(0, this.#answers - this.#capacity);
    for (let number = this.#answers - 1; number >= oldest; number -= 1) {
      const answer = this.#answerNumber(number);
      if (answer.at < since) break;
      if (answer.at <= until) answers.push(answer);
    }
    return answers.reverse();
  }

  #lastBefore(since: number): Answer | null {
    const oldest = Math.max(0, this.#answers - this.#capacity);
    for (let number = this.#answers - 1; number >= oldest; number -= 1) {
      const answer = this.#answerNumber(number);
      if (answer.at < since) return answer;
    }
    return null;
  }

  /** When those packets were sent, of the ones sent in a time, that have no answer. */
  lostBetween(since: number, until: number): number[] {
    const lost: number[] = [];
    const oldest = Math.max(0, this.#sent - this.#capacity);
    for (let number = this.#sent - 1; number >= oldest; number -= 1) {
      const slot = number % this.#capacity;
      const at = this.#sentAt[slot] ?? NaN;
      if (at < since) break;
      if (at <= until && Number.isNaN(this.#roundTrip[slot])) lost.push(at);
    }
    return lost.reverse();
  }

  /** Round-trip times of the packets sent in a time, NaN for those without an answer. */
  #packetsBetween(since: number, until: number): number[] {
    const times: number[] = [];
    const oldest = Math.max(0, this.#sent - this.#capacity);
    for (let number = this.#sent - 1; number >= oldest; number -= 1) {
      const at = this.#sentAt[number % this.#capacity] ?? NaN;
      if (at < since) break;
      if (at <= until) times.push(this.#roundTrip[number % this.#capacity] ?? NaN);
    }
    return times.reverse();
  }
}

function longestWithin(stalls: readonly Span[], from: number, to: number): number {
  return stalls.reduce((longest, stall) => (
    Math.max(longest, Math.min(stall.to, to) - Math.max(stall.from, from))
  ), 0);
}
