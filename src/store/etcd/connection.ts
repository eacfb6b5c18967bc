/**
 * The endpoints of one etcd: one link at a time is in use, and everything goes over it. When it is
 * gone, the next call connects again, beginning with the endpoint after it.
 */
import { EtcdError, timeoutError } from './errors.ts';
import { Link } from './link.ts';
import type { Method, Request, Response } from './link.ts';
import type { Endpoint, EtcdSettings } from './options.ts';
import { orAborted, sleep, within } from './wait.ts';

/** Connecting to an endpoint for so long, the next one is tried beside it. */
const staggerMs = 200;
/** A call that waited for so long is tried at another endpoint, where there is time for it. */
const elsewhereMs = 2_000;
/** All of them together. */
const dialTimeoutMs = 3_000;

interface Attempt {
  readonly link: Link | null;
  /** The member is part of a cluster that can serve, as far as it says. */
  readonly serves: boolean;
  readonly error: unknown;
  readonly self: Promise<Attempt>;
}

export interface EndpointState {
  readonly address: string;
  readonly problem: string | null;
  readonly latencyMs: number | null;
  readonly version: string | null;
}

export class Connection {
  readonly settings: EtcdSettings;
  readonly #closing = new AbortController();
  #link: Link | null = null;
  #dialing: Promise<Link> | null = null;
  /** Where the next dial begins. */
  #first = 0;

  constructor(settings: EtcdSettings) {
    this.settings = settings;
  }

  /** The link in use, or a new one. Rejects with EtcdError. */
  async link(signal: AbortSignal): Promise<Link> {
    if (this.#closing.signal.aborted) throw new EtcdError('unavailable', 'the store was closed');
    if (this.#link !== null && !this.#link.gone.aborted) return this.#link;
    this.#dialing ??= this.#dial().finally(() => { this.#dialing = null; });
    return orAborted(this.#dialing, signal, () => timeoutError('connecting', this.#names()));
  }

  /**
   * One call, sent once; a login that etcd has forgotten (it refuses such calls unseen) is
   * renewed first. With `repeat`, for calls that may as well be applied twice, it is sent once
   * more where the link broke, or where another member may answer and this one is slow to.
   */
  async call<M extends Method>(
    method: M, request: Request<M>, signal: AbortSignal, repeat = false,
  ): Promise<Response<M>> {
    return this.run((link, limit) => link.call(method, request, limit), signal, repeat);
  }

  /** The same for whatever else a link can do. */
  async run<T>(
    send: (link: Link, limit: AbortSignal) => Promise<T>, signal: AbortSignal, repeat: boolean,
  ): Promise<T> {
    let mayLogIn = true;
    let mayRepeat = repeat;
    for (;;) {
      const link = await this.link(signal);
      const { token } = link;
      const limit = mayRepeat && this.settings.endpoints.length > 1
        ? AbortSignal.any([signal, AbortSignal.timeout(elsewhereMs)]) : signal;
      try {
        return await send(link, limit);
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
        const isSlow = error.code === 'timeout' && !signal.aborted;
        // It takes calls, and answers none: it has lost the others, or its leader.
        if (isSlow && mayRepeat) link.retire();
        if (error.reason === 'stale-token' && mayLogIn) {
          mayLogIn = false;
          await link.logIn(signal, token);
        } else if ((error.code === 'unavailable' || isSlow) && mayRepeat) {
          mayRepeat = false;
        } else {
          throw error;
        }
      }
    }
  }

  /** Asks every endpoint by itself, over a connection of its own. */
  async probe(signal: AbortSignal): Promise<readonly EndpointState[]> {
    return Promise.all(this.settings.endpoints.map(async (endpoint) => {
      const { address } = endpoint;
      let link: Link | null = null;
      try {
        link = new Link(endpoint, this.settings);
        await link.ready(signal);
        const sentAt = performance.now();
        const { version, leader } = await link.call('status', {}, signal);
        const latencyMs = performance.now() - sentAt;
        const problem = leader === '0' ? 'this member sees no leader' : null;
        return { address, problem, latencyMs, version };
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        const problem = text.replace(`${address}: `, '');
        return { address, problem, latencyMs: null, version: null };
      } finally {
        link?.retire();
      }
    }));
  }

  close(): void {
    this.#closing.abort();
    this.#link?.retire();
  }

  #names(): string {
    return this.settings.endpoints.map(({ address }) => address).join(', ');
  }

  async #dial(): Promise<Link> {
    const { endpoints } = this.settings;
    if (this.#link !== null) {
      this.#first = (endpoints.indexOf(this.#link.endpoint) + 1) % endpoints.length;
    }
    const order = [...endpoints.slice(this.#first), ...endpoints.slice(0, this.#first)];
    this.#link = await within(dialTimeoutMs, [this.#closing.signal], (signal) => (
      this.#race(order, signal)
    ));
    return this.#link;
  }

  /**
   * Connects to one after the other, each beginning when the one before failed or is slow. A member
   * that has lost the others takes calls, and answers none: it is used if there is no other.
   */
  async #race(order: readonly Endpoint[], signal: AbortSignal): Promise<Link> {
    const waiting = [...order];
    const under = new Set<Promise<Attempt>>();
    const errors: unknown[] = [];
    let spare: Link | null = null;
    while (waiting.length > 0 || under.size > 0) {
      const endpoint = waiting.shift();
      if (endpoint !== undefined) under.add(this.#attempt(endpoint, signal));
      const pause = waiting.length > 0 ? [sleep(staggerMs, signal)] : [];
      const ended = await Promise.race([...under, ...pause]);
      if (ended === undefined) continue;
      under.delete(ended.self);
      if (ended.link !== null && ended.serves) {
        for (const other of under) void other.then(({ link }) => link?.retire());
        spare?.retire();
        return ended.link;
      }
      if (ended.link === null) errors.push(ended.error);
      else if (spare === null) spare = ended.link;
      else ended.link.retire();
    }
    if (spare !== null) return spare;
    throw worst(errors);
  }

  #attempt(endpoint: Endpoint, signal: AbortSignal): Promise<Attempt> {
    const connect = async (): Promise<Pick<Attempt, 'link' | 'serves'>> => {
      const link = new Link(endpoint, this.settings);
      try {
        await link.ready(signal);
        const isOnly = this.settings.endpoints.length === 1;
        return { link, serves: isOnly || await hasLeader(link, signal) };
      } catch (error) {
        link.retire();
        throw error;
      }
    };
    const self: Promise<Attempt> = connect().then(
      (connected) => ({ ...connected, error: null, self }),
      (error: unknown) => ({ link: null, serves: false, error, self }),
    );
    return self;
  }
}

/** By the member's own word; true if it will not say. */
async function hasLeader(link: Link, signal: AbortSignal): Promise<boolean> {
  try {
    const { leader } = await link.call('status', {}, signal);
    return leader !== '0';
  } catch (error) {
    if (error instanceof EtcdError && error.code === 'denied') return true;
    throw error;
  }
}

/** Which of several failures to tell: one that waiting will not mend, else all of them. */
function worst(errors: readonly unknown[]): unknown {
  const known = errors.filter((error) => error instanceof EtcdError);
  const lasting = errors.find((error) => !(error instanceof EtcdError))
    ?? known.find(({ code }) => code === 'denied') ?? known.find(({ code }) => code === 'invalid');
  if (lasting !== undefined || known.length === 1) return lasting ?? known[0];
  return new EtcdError('unavailable', known.map(({ message }) => message).join('; '));
}
