/**
 * Moves of a few hundred addresses between two nodes that do not exist, once as the agent starts.
 * Code is compiled as it is first used, and the next to use it would be a takeover, perhaps months
 * later: of a thousand addresses the last would be claimed half as late again. Nothing leaves this
 * module: store, network and time are made up here.
 */
import { Announcer } from '../../announce/announcer.ts';
import type { AnnouncerPorts, Link } from '../../announce/ports.ts';
import type { AnnounceSettings } from '../../announce/types.ts';
import { defaultBurst } from '../../config/burst.ts';
import type { CoreOptions, EipPolicy, SelfFacts } from '../../core/events.ts';
import type { Eip } from '../../core/model.ts';
import { MemoryState } from '../../store/memory/memory-state.ts';
import { CoreRunner } from '../core-runner.ts';

const addresses = 256;
/** From one look at the store and the clock to the next, made-up ms. */
const tickMs = 10;
const ticks = 12;
const link: Link = { ifindex: 1, name: 'rehearsal', mac: '02:00:00:00:00:01', mtu: 1500, up: true };

const nothing = (): void => undefined;

/** Made-up nodes with their store. */
class Stage {
  readonly store = new MemoryState();
  now = 1;
  readonly policies = new Map<Eip, EipPolicy>();
  readonly settings = new Map<Eip, AnnounceSettings>();

  constructor() {
    for (let i = 0; i < addresses; i += 1) {
      const eip = `192.0.2.${String(i)}`;
      this.policies.set(eip, { pool: 'rehearsal', selector: [], failbackMs: null });
      this.settings.set(eip, { eip, link, mode: 'bind', burst: defaultBurst });
    }
  }
}

class Actor {
  readonly #stage: Stage;
  readonly #runner: CoreRunner;
  #timer: (() => void) | null = null;
  #seen = 0;

  constructor(stage: Stage, core: CoreOptions) {
    this.#stage = stage;
    const announcer = new Announcer({ onEvent: nothing }, this.#ports());
    announcer.configure(stage.settings);
    this.#runner = new CoreRunner({
      core, facts: factsOf(core.node), onFact: nothing, onStopped: nothing, onNameTaken: nothing,
      onFatal: (error) => { throw error instanceof Error ? error : new Error(String(error)); },
    }, {
      announcer, now: () => stage.now, arrived: () => 0,
      request: (id, request) => {
        const answer = stage.store.apply(request, stage.now);
        this.#runner.dispatch({ kind: 'answer', id, answer });
      },
      // Without voters there is nobody to send any to.
      heartbeat: nothing,
    });
    this.#runner.dispatch({ kind: 'policies', policies: stage.policies });
  }

  get held(): number {
    return this.#runner.state.held.size;
  }

  act(): void {
    const { store } = this.#stage;
    if (store.revision > this.#seen) {
      const change = store.changesSince(this.#seen);
      this.#seen = store.revision;
      this.#runner.dispatch({ kind: 'view', change });
    }
    this.#runner.dispatch({ kind: 'tick' });
    const timer = this.#timer;
    this.#timer = null;
    timer?.();
  }

  /** It must not be woken by the real clock. */
  end(): void {
    this.#runner.end();
  }

  #ports(): AnnouncerPorts {
    const sent = (frames: readonly Uint8Array[]): null[] => frames.map(() => null);
    return {
      sockets: { open: () => ({ send: sent, close: nothing }) },
      fence: {
        kind: 'egress', manage: nothing, hold: nothing, arm: nothing, remove: nothing,
        dropped: () => ({ kernel: 0, agent: 0 }),
      },
      binder: {
        bind: (bindings) => bindings.map(() => null), unbind: nothing, leftovers: () => [],
        refresh: nothing,
      },
      groups: { join: nothing, leave: nothing },
      now: () => this.#stage.now,
      setTimer: (_, run) => {
        this.#timer = run;
        return { clear: () => { this.#timer = null; } };
      },
    };
  }
}

/** Returns how many addresses each of the two had at the end of each move. Takes some 60 ms. */
export function rehearse(): readonly (readonly number[])[] {
  const stage = new Stage();
  const actors = ['a', 'b'].map((node) => new Actor(stage, optionsOf(node)));
  const ends: number[][] = [];
  for (const leaving of [null, 'a', 'b']) {
    if (leaving !== null) {
      stage.store.setDrain(leaving === 'a' ? 'b' : 'a', false);
      stage.store.setDrain(leaving, true);
    }
    for (let tick = 0; tick < ticks; tick += 1) {
      for (const actor of actors) actor.act();
      stage.now += tickMs;
    }
    ends.push(actors.map(({ held }) => held));
  }
  for (const actor of actors) actor.end();
  return ends;
}

function optionsOf(node: string): CoreOptions {
  return {
    node, ttlMs: 60_000, clockRateError: 0.01, settleMs: 0, patienceMs: 0, retryMs: 0,
    supportMs: 0, heartbeatMs: 0, holdMs: 60_000, heirs: 2, swapsInFlight: 4, swapsPerRequest: 64,
  };
}

function factsOf(node: string): SelfFacts {
  return {
    place: node, host: node, version: '0', startedAt: 0, weight: 1, labels: {}, unable: {},
    findings: [], storeLatencyMs: null, heartbeat: [], witness: false,
  };
}
