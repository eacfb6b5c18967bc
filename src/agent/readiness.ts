/** Whether the agent is ready, for those who ask (HTTP) and who are told (service manager). */
import type { Logger } from 'pino';
import type { Health } from '../observe/http.ts';
import type { WireHost } from './wire/host.ts';

/** Many addresses change hands at once. */
const heldToldAfterMs = 200;
/** The log has a line of what lasts. */
const unreadySaidAfterMs = 1_000;

export interface ReadinessModules {
  readonly wire: Pick<WireHost, 'standing'>;
  readonly log: Logger;
  /** Called whenever readiness changes. */
  readonly onReady: (ready: boolean) => void;
  /** Called when the number of addresses that are held has changed, after a moment. */
  readonly onHeld: () => void;
}

export class Readiness {
  readonly #modules: ReadinessModules;
  #documentsListed = false;
  #ready = false;
  #holding = 0;
  #telling: NodeJS.Timeout | undefined;
  #saidReady = false;
  #saying: NodeJS.Timeout | undefined;

  constructor(modules: ReadinessModules) {
    this.#modules = modules;
  }

  /** As it is now. */
  get health(): Health {
    const { phase, silent, listed, held } = this.#modules.wire.standing;
    if (phase !== 'open') return { ok: false, text: 'no tenure yet: is the store reachable?' };
    if (silent) return { ok: false, text: 'the node lease ran out: is the store reachable?' };
    if (!listed || !this.#documentsListed) {
      return { ok: false, text: 'the store was not listed yet' };
    }
    return { ok: true, text: `holds ${String(held)} addresses` };
  }

  documentsListed(): void {
    this.#documentsListed = true;
  }

  /** Tells if it has changed; `eips`: how many there are. */
  look(eips: number): void {
    const ready = this.health.ok;
    if (ready === this.#ready) return;
    this.#ready = ready;
    this.#modules.onReady(ready);
    clearTimeout(this.#saying);
    if (ready === this.#saidReady) return;
    if (ready) this.#say(eips);
    else this.#saying = setTimeout(() => { this.#say(eips); }, unreadySaidAfterMs).unref();
  }

  #say(eips: number): void {
    const { log } = this.#modules;
    this.#saidReady = this.#ready;
    if (this.#ready) log.info({ eips }, 'ready');
    else log.warn('not ready');
  }

  /** Tells, after a moment, if more or fewer addresses are held. */
  lookAtHeld(): void {
    const { wire, onHeld } = this.#modules;
    if (this.#holding === wire.standing.held || this.#telling !== undefined) return;
    this.#telling = setTimeout(() => {
      this.#telling = undefined;
      this.#holding = wire.standing.held;
      onHeld();
    }, heldToldAfterMs);
  }

  close(): void {
    clearTimeout(this.#telling);
    clearTimeout(this.#saying);
  }
}
