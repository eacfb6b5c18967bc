/** A wire thread of a witness, with this thread as its store, and another thread that listens. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { WireHost } from '../../../src/agent/wire/host.ts';
import type { WireHandlers } from '../../../src/agent/wire/host.ts';
import type { News } from '../../../src/agent/wire/messages.ts';
import type { CoreOptions, SelfFacts } from '../../../src/core/events.ts';
import type { NodeRecord } from '../../../src/core/model.ts';
import { MemoryState } from '../../../src/store/memory/memory-state.ts';
import { bundled } from '../../lab/bundle.ts';
import { facts, options } from '../core/kit.ts';

export const secret = 'a key of the tests, and of nothing else';

export interface TestWire {
  readonly wire: WireHost;
  readonly news: News[];
  readonly dead: Error[];
  readonly slow: boolean[];
  readonly store: MemoryState;
  /** Tells the thread what the store has. */
  view(): void;
}

export async function startWire(
  core: Partial<CoreOptions> = {}, own: Partial<SelfFacts> = {},
): Promise<TestWire> {
  const entry = await bundled(new URL('../../../src/agent/wire/thread.ts', import.meta.url));
  const wire = await WireHost.open({ node: 'a', kernel: null, supportMs: 0, observeMs: 10_000 }, entry);
  const store = new MemoryState();
  const test: TestWire = {
    wire, news: [], dead: [], slow: [], store,
    view: () => { wire.view(store.changesSince(0)); },
  };
  const handlers: WireHandlers = {
    onRequest: (id, request) => {
      wire.answer(id, store.apply(request, performance.now()));
      test.view();
    },
    onNews: (news) => { test.news.push(...news); },
    onStopped: () => undefined, onNameTaken: () => undefined,
    onSlow: (slow) => { test.slow.push(slow); },
    onDead: (error) => { test.dead.push(error); },
  };
  const self = { ...facts, weight: 0, witness: true, ...own };
  wire.start({ ...options, ttlMs: 600_000, ...core }, self, handlers);
  return test;
}

/** Another node in the store. */
export function join(test: TestWire, node: string, own: Partial<NodeRecord>): void {
  test.store.apply({
    kind: 'open', node, replaces: 0, ttlMs: 1e9,
    record: { ...facts, boot: 0, draining: false, epoch: 0, voters: [], ...own, place: node },
  }, 0);
  test.view();
}

/** Counts datagrams on a port of its own, with their times, whatever this thread does. */
export class Listener {
  readonly port: number;
  readonly #worker: Worker;

  private constructor(worker: Worker, port: number) {
    this.#worker = worker;
    this.port = port;
  }

  static async start(): Promise<Listener> {
    const worker = new Worker(`
      const { parentPort } = require('node:worker_threads');
      const socket = require('node:dgram').createSocket('udp4');
      let times = [];
      socket.on('message', () => times.push(performance.timeOrigin + performance.now()));
      parentPort.on('message', () => { parentPort.postMessage(times); times = []; });
      socket.bind(0, '127.0.0.1', () => parentPort.postMessage(socket.address().port));
    `, { eval: true, execArgv: [] });
    const [port] = await once(worker, 'message') as [number];
    return new Listener(worker, port);
  }

  /** Times since it was last asked, wall-clock ms. */
  async heard(): Promise<readonly number[]> {
    this.#worker.postMessage('');
    const [times] = await once(this.#worker, 'message') as [number[]];
    return times;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** This thread does nothing for so long, as one that collects garbage or parses a huge answer. */
export function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

export function longestGap(times: readonly number[], from: number, to: number): number {
  const within = [from, ...times.filter((time) => time > from && time < to), to];
  return Math.max(...within.slice(1).map((time, i) => time - within[i]!));
}
