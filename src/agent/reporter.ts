/**
 * Turns what happened into log lines and counts. Levels: error = someone must act; warn = it may
 * come to that; info = ownership changed; debug = the rest.
 */
import type { Logger } from 'pino';
import type { AnnouncerEvent } from '../announce/types.ts';
import type { Fact } from '../core/events.ts';
import type { Metrics } from '../observe/metrics.ts';
import { MoveLines } from './move-lines.ts';
import { SilenceLines } from './silence-lines.ts';
import type { RequestOutcome } from './store-gateway.ts';
import type { News } from './wire/messages.ts';

export interface ReporterModules {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** CLOCK_BOOTTIME, ms. */
  readonly now: () => number;
}

/** Facts that come once for each address. */
const ofAddresses: ReadonlySet<Fact['kind']> = new Set([
  'took', 'gave', 'confirmed', 'line', 'renounced', 'swap-lost',
]);

/** A store that is away is said once a while, not with every request. */
const repeatMs = 30_000;

export class Reporter {
  readonly #log: Logger;
  readonly #lines: MoveLines;
  readonly #silences: SilenceLines;
  readonly #metrics: Metrics;
  readonly #now: () => number;
  /** When we learned that an address is ours, until its first claim; bounded by what is held. */
  readonly #tookAt = new Map<string, { readonly term: number; readonly at: number }>();
  #storeError: { readonly code: string; readonly saidAt: number; since: number } | null = null;

  constructor({ log, metrics, now }: ReporterModules) {
    this.#log = log;
    this.#lines = new MoveLines(log);
    this.#silences = new SilenceLines(log);
    this.#metrics = metrics;
    this.#now = now;
  }

  /** All of one turn. */
  news(all: readonly News[]): void {
    for (const news of all) {
      // What happened to the tenure comes where it belongs among the moves.
      if (news.kind === 'fact' && !ofAddresses.has(news.fact.kind)) this.#lines.flush();
      this.#news(news);
    }
    this.#lines.flush();
  }

  #news(news: News): void {
    const log = this.#log;
    switch (news.kind) {
      case 'fact':
        return this.#fact(news.fact, news.at);
      case 'announcer':
        return this.#announcer(news.event);
      case 'trouble':
        return log.warn({ what: news.what, text: news.text }, 'kernel');
      case 'listening':
        if (news.trouble === null) return log.info({ endpoint: news.endpoint }, 'listening for heartbeats');
        return log.error({ endpoint: news.endpoint, trouble: news.trouble }, 'heartbeats cannot be received');
      case 'peers':
        return log.debug({ peers: news.peers.length }, 'other agents are elsewhere now');
      case 'networks-lost':
        if (news.endpoints.length === 0) return log.info('every network reaches other nodes again');
        return log.error({ endpoints: news.endpoints }, 'a network reaches no other node, though others do');
      case 'realtime':
        if (news.trouble === null) return log.info('the wire thread has real-time priority');
        return log.warn({ trouble: news.trouble }, 'the wire thread has no real-time priority');
      case 'muted':
        return log.error({ ms: news.ms },
          'the main thread hung: no heartbeats were sent meanwhile');
      case 'lost':
        return log.error({ count: news.count }, 'news of the wire thread were lost');
    }
  }

  /** `at`: when it happened, CLOCK_BOOTTIME ms. */
  #fact(fact: Fact, at: number): void {
    const log = this.#log;
    switch (fact.kind) {
      case 'took': {
        const { eip, term, reason, from } = fact;
        this.#tookAt.set(eip, { term, at });
        this.#metrics.moves.inc({ direction: 'took', reason });
        return this.#lines.add('took', eip, term, { reason, from });
      }
      case 'gave': {
        const { eip, term, reason, to } = fact;
        this.#tookAt.delete(eip);
        this.#metrics.moves.inc({ direction: 'gave', reason });
        return this.#lines.add('gave', eip, term, { reason, to });
      }
      case 'tenure-opened':
        this.#metrics.tenures.inc();
        return log.info({ incarnation: fact.tenure.incarnation }, 'opened a tenure');
      case 'tenure-ended':
        this.#tookAt.clear();
        this.#silences.ended(at);
        return log[fact.why === 'closed' ? 'info' : 'warn'](
          { incarnation: fact.tenure.incarnation, why: fact.why }, 'the tenure has ended',
        );
      case 'silenced':
        this.#metrics.silences.inc();
        return this.#silences.silenced(fact.eips, fact.why, at);
      case 'resumed':
        return this.#silences.resumed(fact.eips, at);
      case 'quorum':
        return log.info({ epoch: fact.epoch, voters: fact.voters.map(({ node }) => node) },
          'this node is judged by its voters');
      case 'mute':
        if (fact.voters.length === 0) return log.info('all voters answer');
        return log.warn({ voters: fact.voters }, 'voters do not answer this node, though their leases are live');
      case 'epoch-released':
        return log.debug({ epoch: fact.epoch }, 'voters released an earlier epoch');
      case 'withdrew':
        return log.info({ of: fact.of.node, epoch: fact.epoch }, 'no longer supports a silent node');
      case 'deposed':
        return log.warn({ of: fact.of.node, incarnation: fact.of.incarnation, epoch: fact.epoch },
          'a node is deposed: most of its voters heard nothing of it');
      case 'evicted':
        return log.info({ of: fact.node }, 'the tenure of a deposed node is ended in the store');
      case 'doubted':
        return log.warn({ of: fact.of.node, incarnation: fact.of.incarnation },
          'a node lost its tenure though its agent ran on: it is chosen last for a while');
      case 'strained':
        return log.warn({ losses: fact.losses, seconds: fact.ms / 1000 },
          'this node does not keep the time of its profile: it is judged by its lease for a while');
      case 'confirmed':
        return log.debug({ eip: fact.eip, term: fact.term }, 'an inherited address is ours in the store');
      case 'line':
        return log.debug({ eip: fact.eip, what: fact.what }, 'the line of succession is another');
      case 'renounced':
        return log.debug({ eip: fact.eip }, 'no heir of the address any more');
      case 'dropped':
        return log.error({ eip: fact.eip, term: fact.term, holder: fact.holder },
          'the store names another holder for an address of ours: someone else changed it');
      case 'swap-lost':
        this.#metrics.swapsLost.inc({ why: fact.why });
        return log.debug({ eip: fact.eip, why: fact.why }, 'a change of ownership was not applied');
      case 'late-answer':
        return log.debug('an answer came too late to count');
      case 'move-refused':
        return log.warn({ eip: fact.eip, to: fact.to, why: fact.why }, 'a move was asked for that cannot be');
      case 'name-taken':
        return log.warn({ incarnation: fact.by.incarnation, host: fact.host },
          "this node's name has a live lease, of another agent or of one that ran elsewhere: waiting to see whether it expires");
      case 'store-went-back':
        return log.error({ from: fact.from, to: fact.to },
          'the store went back in time: was it restored from a backup?');
    }
  }

  #announcer(event: AnnouncerEvent): void {
    const log = this.#log;
    switch (event.kind) {
      case 'announced': {
        const took = this.#tookAt.get(event.eip);
        if (took?.term !== event.term) return;
        this.#tookAt.delete(event.eip);
        const ms = event.at - took.at;
        this.#metrics.firstClaimSeconds.observe(Math.max(0, ms) / 1000);
        return this.#lines.add(
          'announced', event.eip, event.term, {}, { ms: Math.round(ms * 10) / 10 });
      }
      case 'served':
        return log.debug({ eip: event.eip, term: event.term }, 'the first question for the address was answered');
      case 'conflict':
        return log.error({ eip: event.eip, mac: event.mac, defended: event.defended },
          event.when === 'before'
            ? 'another host uses the address: it is not announced until that host is silent'
            : 'another host claims an address that is held here');
      case 'conflict-over':
        return log.info({ eip: event.eip }, 'the other host is silent now');
      case 'trouble':
        return log.error({ eip: event.eip, trouble: event.text }, 'an address cannot be announced');
    }
  }

  storeRequest({ kind, ms, error }: RequestOutcome): void {
    this.#metrics.storeRequests.inc({ request: kind, outcome: error?.code ?? 'answered' });
    this.#metrics.storeSeconds.observe({ request: kind }, ms / 1000);
    if (error === null) {
      if (this.#storeError !== null) {
        const seconds = Math.round((this.#now() - this.#storeError.since) / 100) / 10;
        this.#log.info({ seconds }, 'the store answers again');
      }
      this.#storeError = null;
      return;
    }
    const { code, message, fix } = error;
    const before = this.#storeError;
    const now = this.#now();
    if (before?.code === code && now - before.saidAt < repeatMs) return;
    this.#storeError = { code, saidAt: now, since: before?.since ?? now };
    this.#log.warn({ request: kind, code, error: message, fix }, 'the store did not do what was asked');
  }
}
